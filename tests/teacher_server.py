"""A stand-in teacher that speaks real HTTP as OpenAI-compatible servers do, well or, when told to, badly.

In a test: `teacher_server.script(teacher_replies.rate_limited(), when="demo:001")`; beside a benchmark:
`python -m tests.teacher_server --port 8901 --delay-ms 50`.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import threading
import time

from aiohttp import web

from tests import teacher_answers
from tests.teacher_batches import Batches
from tests.teacher_replies import Reply, bad_request, wrong_key

MODELS = ("stand-in", "stand-in-strong", "gpt-4o-mini", "o3-mini")
# These refuse sampling parameters and the older token limit, as the real ones do.
REASONING = re.compile(r"(.*/)?(o\d|gpt-5)")
THOUGHT = 64  # tokens of reasoning in each answer of theirs
REFUSED_BY_REASONING = ("max_tokens", "temperature", "top_p")


class TeacherServer:
    """Serves on loopback from a thread of its own; a context manager.

    `requests` holds the bodies as they came and `most_at_once` the highest number in flight. Of the Authorization
    header nothing is kept: `demand_key` makes every other key a 401.
    """

    def __init__(self, port=0, delay=0.0, remember=True):
        self.port, self.delay, self.remember = port, delay, remember
        self._arrived = threading.Condition()
        self.batches = Batches(self)
        self.reset()

    def reset(self):
        """Forget scripts and counts; answer well."""
        self.requests, self.scripts, self.key, self.most_at_once, self._now = [], [], None, 0, 0
        self._held = False
        self.batches.reset()

    @property
    def url(self):
        """The base URL to give a Teacher."""
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *replies, when=None, always=False):
        """Answer the next matching requests with `replies`, in this order; then, or `always`, go on as usual.

        `when` is a text that the messages contain, `hypothesis`, `methodology` or `judgement` as `kind:…`, or a
        function of the body.
        """
        self.scripts.append([when, list(replies), always])

    def demand_key(self, key):
        """Answer 401 to requests that do not carry `key`."""
        self.key = key

    def hold(self):
        """Keep every request waiting for its reply until `let_go`."""
        self._held = True

    def let_go(self):
        self._held = False

    def wait_for(self, number, timeout=120):
        """Wait until `number` requests have arrived; raises TimeoutError."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= number, timeout):
                raise TimeoutError(f"{len(self.requests)} of {number} requests arrived in {timeout} s.")

    def asked(self, kind):
        """The bodies that asked for `kind`: hypothesis, methodology or judgement."""
        return [body for body in self.requests if teacher_answers.asks_for(body) == kind]

    def __enter__(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve(ready.set)), daemon=True)
        self._thread.start()
        if not ready.wait(120):
            raise RuntimeError("The stand-in teacher did not start.")
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def serve(self, ready):
        """Serve until stopped; `ready` is called once the port is known."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_post("/v1/chat/completions", self._complete)
        self.batches.routes(app.router)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        ready()
        await self._stop.wait()
        await runner.cleanup()

    async def _health(self, request):
        return web.json_response({"status": "ok"})

    async def _models(self, request):
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in MODELS]
        return web.json_response({"object": "list", "data": models})

    async def _complete(self, request):
        body = await request.json()
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        reply = self._reply_to(body, request.headers.get("Authorization"))
        if self.remember:
            with self._arrived:
                self.requests.append(body)
                self._arrived.notify_all()
        try:
            await asyncio.sleep(self.delay + reply.delay)
            while self._held:
                await asyncio.sleep(0.01)
        finally:
            self._now -= 1
        if reply.drop:
            request.transport.abort()
            return web.Response()
        return _response(reply, body)

    def answer(self, body):
        """(status, body) of the answer to one request of a batch, by the same scripts."""
        reply = self._reply_to(body, f"Bearer {self.key}")
        return reply.status, {"error": reply.error} if reply.error else completion(reply, body)

    def _reply_to(self, body, authorization):
        if self.key and authorization != f"Bearer {self.key}":
            return wrong_key()
        for when, replies, always in self.scripts:
            if replies and _matches(when, body):
                return replies[0] if always else replies.pop(0)
        return _refused_parameters(body) or Reply()


def _matches(when, body):
    if when is None or callable(when):
        return when is None or when(body)
    if when.startswith("kind:"):
        return teacher_answers.asks_for(body) == when[5:]
    return when in teacher_answers.words_of(body)


def _refused_parameters(body):
    if body.get("stream"):
        return bad_request("This server does not stream.")
    if REASONING.match(body.get("model", "")):
        for name in REFUSED_BY_REASONING:
            if name in body:
                return bad_request(f"Unsupported parameter: '{name}' is not supported with this model.")
    return None


def _response(reply, body):
    if reply.body is not None:
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
    if reply.error:
        return web.json_response({"error": reply.error}, status=reply.status, headers=reply.headers)
    return web.json_response(completion(reply, body), headers=reply.headers)


def completion(reply, body):
    """The chat completion object of a reply to `body`."""
    text = teacher_answers.content(body) if reply.text is None else reply.text
    if reply.fields:
        text = json.dumps(json.loads(text) | reply.fields, ensure_ascii=False)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    message = {"role": "assistant", "content": text or None, "refusal": reply.refusal}
    if body.get("tools") and reply.text is None:
        function = {"name": body["tools"][0]["function"]["name"], "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    made = {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model", "stand-in"),
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}],
    }
    if reply.usage:
        asked, said = (max(1, round(len(words) / 4)) for words in (teacher_answers.words_of(body), text or " "))
        thought = THOUGHT if REASONING.match(body.get("model", "")) else 0
        said += thought
        made["usage"] = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        if thought:
            made["usage"]["completion_tokens_details"] = {"reasoning_tokens": thought}
    return made


def main():
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="A stand-in teacher for benchmarks.")
    parser.add_argument("--port", type=int, default=8901, help="0: any that is free; the address is printed")
    parser.add_argument("--delay-ms", type=float, default=0, help="how long each answer takes")
    options = parser.parse_args()
    server = TeacherServer(options.port, options.delay_ms / 1000, remember=False)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve(lambda: print(server.url, flush=True)))


if __name__ == "__main__":
    main()
