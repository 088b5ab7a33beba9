"""Settings of the test suite: the product's own, on a database and data directory that live as long as the run.

SQLite by default, as a file, since tests with several threads or processes need to share it. With DATABASE_URL set
the same suite runs there, in a database whose name begins with `test_`.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Nothing of the surroundings may change what is tested, or let a test reach a real queue or a paid endpoint.
for _name in list(os.environ):
    if _name.startswith(("NEXA_", "OPENAI_", "EMAIL_")) and not _name.startswith("NEXA_TEST_"):
        del os.environ[_name]
for _name in ("SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "REDIS_URL", "DJANGO_DEBUG", "TIME_ZONE"):
    os.environ.pop(_name, None)

# Short, because a unix socket lies in it; a process that a test starts is told the same directory by NEXA_TEST_DIR.
_directory = os.environ.get("NEXA_TEST_DIR")
if not _directory:
    _directory = tempfile.mkdtemp(prefix="nexa-test-")
    atexit.register(shutil.rmtree, _directory, ignore_errors=True)
os.environ["DATA_DIR"] = _directory
Path(_directory, "static").mkdir(exist_ok=True)  # WhiteNoise warns where there is none

from distill_site.settings import *  # noqa: E402, F403
from distill_site.settings import DATABASES, STORAGES  # noqa: E402

SECRET_KEY = "for the tests only: not a secret, and long enough that no check complains about it"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "[::1]"]
BREAKER_PAUSE_SECONDS = 0.05
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": Path(_directory) / "test.sqlite3"}
    _options = DATABASES["default"]["OPTIONS"]
    # A test database need not survive a power cut; and SQLite's turn goes to whoever asks at the right moment, which
    # on a busy machine leaves one of many waiting for long.
    DATABASES["default"]["OPTIONS"] = _options | {
        "timeout": 120,
        "init_command": _options["init_command"].replace("synchronous=NORMAL", "synchronous=OFF"),
    }
