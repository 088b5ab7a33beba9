"""The leanest stand-in teacher: one answer of 150 words for everybody, made once, after a pause. Costs little itself.

Run beside a benchmark: `python -m tests.bench.lean_server --delay-ms 50`; it prints its address.
"""

import argparse
import asyncio
import contextlib
import json

from aiohttp import web

from tests.teacher_answers import CAUSES

WORDS = 150


def answer():
    """The body of a chat completion whose content is a hypothesis as its schema asks for it, of 150 words in all."""
    fields = {"variable": "iron concentration", "outcome": "overpotential", "direction": "decrease", "support": []}
    statement = "If the iron concentration is raised from 0 to 20 µM, then the overpotential will decrease by 30 mV"
    padding = f"because of {', '.join(CAUSES)}, as the source says of the films".split()
    missing = WORDS - len(statement.split()) - 5
    fields["statement"] = " ".join([statement, *(padding * WORDS)[:missing]]) + "."
    message = {"role": "assistant", "content": json.dumps(fields, ensure_ascii=False), "refusal": None}
    usage = {"prompt_tokens": 400, "completion_tokens": 200, "total_tokens": 600}
    made = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stand-in", "usage": usage}
    made["choices"] = [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}]
    return json.dumps(made, ensure_ascii=False).encode()


async def serve(delay, ready):
    """Serve on a free port of loopback until cancelled; `ready` is called with the base URL."""
    body = answer()

    async def complete(request):
        await request.read()
        await asyncio.sleep(delay)
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    ready(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    await asyncio.Event().wait()


def main():
    """Serve until terminated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay-ms", type=float, default=50, help="how long each answer takes (default 50)")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.delay_ms / 1000, lambda url: print(url, flush=True)))


if __name__ == "__main__":
    main()
