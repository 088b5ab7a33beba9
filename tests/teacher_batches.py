"""Files and batches of the stand-in teacher: the test is the clock, and says what becomes of each batch.

A batch stays `validating` until the test finishes, expires or fails it; what is answered counts as requests.
"""

import asyncio
import json
import time
import uuid

from aiohttp import web

PAGE = 20


class Batches:
    """What a stand-in knows of files and batches. `hold(step)` lets requests for upload, create … hang unanswered.

    `calls` counts requests by step; `asked` holds the custom id of every request that was answered.
    """

    def __init__(self, server):
        self.server = server
        self.reset()

    def reset(self):
        self.files, self.batches, self.asked, self.held, self.plan = {}, {}, [], set(), []
        self.calls, self.generation, self.absent = {}, 0, False
        self.endless = False  # whether the list of batches knows no pages, and always says that there are more

    # -- what the test says -------------------------------------------------------------------------------------

    def hold(self, *steps):
        """Let requests of these steps (upload, create, create-after, list, look, fetch, cancel) hang, until `let_go`.

        At `create-after` the batch is made, and only the answer hangs.
        """
        self.held |= set(steps)

    def let_go(self, *, forget=False):
        """Go on with what hangs; `forget`: those requests never happened."""
        self.generation += forget
        self.held = set()

    def finish_by_itself(self, *plans):
        """Have batches end at the next look, the next ones as `plans` say: {"finish": {...}} (see `finish`), or
        {"refuse": [...]}; when the plans are used up, all well."""
        self.plan = list(plans) or [{}]

    def finish(self, batch=None, *, state="completed", share=1.0, strange=False, silent=False):
        """End `batch` (the oldest open one): answer `share` of its requests, the rest is left as `state` says.

        The server's scripts say how each is answered. `strange`: every other good answer stands in the error file, by
        a status of null, the others have a status of 0, and none counts as failed. `silent`: what is left has no line.
        """
        batch = batch or self.open()[0]
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        done, rest = lines[: round(len(lines) * share)], lines[round(len(lines) * share) :]
        output, errors = [], []
        for request in done:
            status, body = self.server.answer(request["body"])
            self.asked.append(request["custom_id"])
            (output if status == 200 else errors).append(_line(request, status, body))
        failed = len(errors)
        if strange:
            errors += [_with_status(line, None) for line in output[1::2]]
            output = [_with_status(line, 0) for line in output[::2]]
        if state != "completed" and not silent:
            error = {"code": f"batch_{state}", "message": "This request was not executed."}
            errors += [_line(request, None, None, error) for request in rest]
        batch["request_counts"] = {"total": len(lines), "completed": len(done) - failed, "failed": failed}
        batch["output_file_id"], batch["error_file_id"] = self._file(output), self._file(errors)
        batch["status"] = state

    def refuse(self, batch=None, *, message="Duplicate custom_id", line=1):
        """The endpoint finds the file faulty and works on none of it."""
        batch = batch or self.open()[0]
        error = {"code": "invalid_request", "message": message, "param": None, "line": line}
        batch |= {"status": "failed", "errors": {"object": "list", "data": [error]}}

    def open(self):
        """Batches that have not ended, the oldest first."""
        ended = ("completed", "expired", "failed", "cancelled")
        return [batch for batch in self.batches.values() if batch["status"] not in ended]

    @property
    def created(self):
        return list(self.batches.values())

    def wait_for(self, step, number=1, timeout=120):
        """Wait until so many requests of `step` have arrived; raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while self.calls.get(step, 0) < number:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.calls} after {timeout} s, wanted {number} {step}.")
            time.sleep(0.01)

    # -- HTTP ---------------------------------------------------------------------------------------------------

    def routes(self, router):
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files/{id}/content", self._fetch)
        router.add_post("/v1/batches", self._create)
        router.add_get("/v1/batches", self._list)
        router.add_get("/v1/batches/{id}", self._look)
        router.add_post("/v1/batches/{id}/cancel", self._cancel)

    async def _arrive(self, step, request):
        self.calls[step] = self.calls.get(step, 0) + 1
        await self._hang(step, request)
        if self.absent:
            raise web.HTTPNotFound()
        if self.server.key and request.headers.get("Authorization") != f"Bearer {self.server.key}":
            said = f"Incorrect API key provided: {request.headers.get('Authorization')}"
            raise web.HTTPUnauthorized(text=json.dumps({"error": {"message": said, "code": "invalid_api_key"}}))

    async def _hang(self, step, request):
        generation = self.generation
        while step in self.held:
            await asyncio.sleep(0.01)
        if generation != self.generation:
            request.transport and request.transport.abort()
            raise web.HTTPServiceUnavailable()

    async def _upload(self, request):
        form = await request.post()
        await self._arrive("upload", request)
        text = form["file"].file.read().decode()
        name = f"file-{uuid.uuid4().hex}"
        self.files[name] = text
        about = {"id": name, "object": "file", "bytes": len(text), "created_at": int(time.time()), "purpose": "batch"}
        return web.json_response(about | {"filename": form["file"].filename, "status": "processed"})

    async def _fetch(self, request):
        await self._arrive("fetch", request)
        return web.Response(text=self.files[request.match_info["id"]])

    async def _create(self, request):
        body = await request.json()
        await self._arrive("create", request)
        made = {
            "id": f"batch_{uuid.uuid4().hex}",
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "created_at": int(time.time()),
            "status": "validating",
            "metadata": body.get("metadata"),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
        }
        self.batches[made["id"]] = made
        self.calls["create-after"] = self.calls.get("create-after", 0) + 1
        await self._hang("create-after", request)
        return web.json_response(made)

    async def _list(self, request):
        await self._arrive("list", request)
        rows = list(reversed(self.batches.values()))
        after = request.query.get("after")
        if after and not self.endless:
            ids = [row["id"] for row in rows]
            rows = rows[ids.index(after) + 1 :]
        size = min(PAGE, int(request.query.get("limit", PAGE)))
        page = rows[:size]
        return web.json_response(
            {
                "object": "list",
                "data": page,
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
                "has_more": self.endless or len(rows) > size,
            }
        )

    async def _look(self, request):
        await self._arrive("look", request)
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            raise web.HTTPNotFound(text=json.dumps({"error": {"message": "No such batch"}}))
        if batch["status"] == "cancelling":
            self.finish(batch, state="cancelled", share=batch.pop("share", 0.0))
        elif self.plan and batch in self.open():
            plan = self.plan[0] if len(self.plan) == 1 else self.plan.pop(0)
            self.refuse(batch, **plan["refuse"]) if "refuse" in plan else self.finish(batch, **plan)
        return web.json_response(batch)

    async def _cancel(self, request):
        await self._arrive("cancel", request)
        batch = self.batches[request.match_info["id"]]
        batch["status"] = "cancelling"
        return web.json_response(batch)

    def _file(self, lines):
        if not lines:
            return None
        name = f"file-{uuid.uuid4().hex}"
        self.files[name] = "".join(json.dumps(line) + "\n" for line in lines)
        return name


def _line(request, status, body, error=None):
    response = {"status_code": status, "request_id": uuid.uuid4().hex, "body": body} if body else None
    return {
        "id": f"batch_req_{uuid.uuid4().hex}",
        "custom_id": request["custom_id"],
        "response": response,
        "error": error,
    }


def _with_status(line, status):
    return line | {"response": line["response"] | {"status_code": status}}
