"""Settings are read from the environment: what is missing or wrong is named, and local defaults need nothing."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "NEXA_ENV": "production",
    "SECRET_KEY": "k4Jf9-long-enough-and-random-enough-for-this-test-0123456789",
    "ALLOWED_HOSTS": "distill.example.org",
    "DATABASE_URL": "postgres://distill:pa%40ss@db.example.org:5432/distill",
    "REDIS_URL": "redis://queue.example.org:6379/0",
}


def run(code, tmp_path, **environment):
    """Run `code` with the product's settings and nothing else in the environment than what is given."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    given = kept | {"DATA_DIR": str(tmp_path / "data"), "DJANGO_SETTINGS_MODULE": "distill_site.settings"} | environment
    given = {name: value for name, value in given.items() if value is not None}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True)


def read(tmp_path, *names, **environment):
    """The values of these settings, as JSON knows them."""
    code = f"import json; from distill_site import settings as s; print(json.dumps([getattr(s, n) for n in {names}]"
    done = run(f"{code}, default=str))", tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"NEXA_ENV": "staging"}, "NEXA_ENV='staging' is unknown: use local or production"),
        ({"DJANGO_DEBUG": "maybe"}, "DJANGO_DEBUG='maybe' is not a yes or no"),
        ({"NEXA_MAX_UPLOAD_MB": "2 GB"}, "NEXA_MAX_UPLOAD_MB='2 GB' is not a whole number"),
        ({"DATABASE_URL": "oracle-ish://nowhere"}, "DATABASE_URL cannot be read: use postgres://"),
        (PRODUCTION | {"SECRET_KEY": None}, "SECRET_KEY is not set"),
        (PRODUCTION | {"ALLOWED_HOSTS": None}, "ALLOWED_HOSTS is not set"),
        (PRODUCTION | {"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS is not set"),
        (PRODUCTION | {"DJANGO_DEBUG": "1"}, "unset it where NEXA_ENV=production"),
    ],
)
def test_refuses_to_start(tmp_path, environment, message):
    done = run("from distill_site import settings", tmp_path, **environment)
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]


def test_a_broken_database_address_is_not_printed(tmp_path):
    done = run("from distill_site import settings", tmp_path, DATABASE_URL="oracle-ish://me:hunter2@db/name")
    assert done.returncode != 0
    assert "hunter2" not in done.stderr


def test_production_never_makes_up_a_key(tmp_path):
    run("from distill_site import settings", tmp_path, **PRODUCTION)
    assert not (tmp_path / "data" / "secret_key").exists()


def test_the_local_key_is_made_once_and_is_its_owners_alone(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        keys = {key for (key,) in pool.map(lambda _: read(tmp_path, "SECRET_KEY"), range(4))}
    path = tmp_path / "data" / "secret_key"
    assert keys == {path.read_text()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) >= 50


def test_an_emptied_key_file_is_named(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").touch()
    done = run("from distill_site import settings", tmp_path)
    assert f"{tmp_path}/data/secret_key is empty: delete it" in done.stderr


def test_local_is_embedded_and_reachable_from_this_machine_only(tmp_path):
    names = ("DEBUG", "EMBEDDED_VALKEY", "ALLOWED_HOSTS", "DATABASES", "REDIS_URL")
    debug, embedded, hosts, databases, redis_url = read(tmp_path, *names)
    assert (debug, embedded, hosts) == (False, True, ["localhost", "127.0.0.1", "[::1]"])
    assert databases["default"]["NAME"] == str(tmp_path / "data" / "distill.sqlite3")
    assert redis_url == f"unix://{tmp_path}/data/valkey/valkey.sock?db=0"


def test_a_deep_data_directory_gets_a_short_socket(tmp_path):
    deep = tmp_path / "/".join(["deep"] * 30)
    (socket,) = read(tmp_path, "VALKEY_SOCKET", DATA_DIR=str(deep))
    (other,) = read(tmp_path, "VALKEY_SOCKET", DATA_DIR=str(deep / "er"))
    assert len(socket.encode()) < 104
    assert socket != other


def test_a_home_directory_is_understood(tmp_path):
    (data_dir,) = read(tmp_path, "DATA_DIR", DATA_DIR="~/distill", HOME=str(tmp_path))
    assert data_dir == str(tmp_path / "distill")


def test_production_uses_what_it_is_given(tmp_path):
    names = ("DEBUG", "EMBEDDED_VALKEY", "ALLOWED_HOSTS", "DATABASES", "REDIS_URL", "SESSION_COOKIE_SECURE")
    debug, embedded, hosts, databases, redis_url, secure = read(tmp_path, *names, **PRODUCTION)
    assert (debug, embedded, hosts, secure) == (False, False, ["distill.example.org"], True)
    assert databases["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert databases["default"]["PASSWORD"] == "pa@ss"
    assert redis_url == "redis://queue.example.org:6379/0"


def test_keys_stay_out_of_the_log_at_any_level(tmp_path, teacher_server):
    code = f"""
import django; django.setup()
import openai
client = openai.OpenAI(base_url={teacher_server.url!r}, api_key="sk-never-to-be-seen", max_retries=0)
client.chat.completions.create(model="stand-in", messages=[{{"role": "user", "content": "Source: snow."}}])
import logging; logging.getLogger("distill").debug("the root logger is at DEBUG")
"""
    done = run(code, tmp_path, LOG_LEVEL="DEBUG")
    assert done.returncode == 0, done.stderr
    assert "the root logger is at DEBUG" in done.stderr
    assert "sk-never" not in done.stderr + done.stdout
