"""Browsers for bench_review, all in one process of their own: takes a plan as JSON, says how long everything took.

A plan is {"address", "seconds" or "times", "visitors": [{"cookie", "does", ...}]}; see `DOES` for what they can do.
"""

import asyncio
import html
import json
import re
import resource
import sys
import time
from collections import defaultdict
from itertools import cycle
from random import Random

import aiohttp

HIDDEN = re.compile(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"')
TEXT = re.compile(r'<textarea[^>]* name="(r\d+-text)"[^>]*>\n?(.*?)</textarea>', re.DOTALL)
LINK = re.compile(r"<a [^>]*>")
ADDRESS = re.compile(r'href="([^"]*)"')


class Visitor:
    """One browser. `took` are {what: [seconds]}."""

    def __init__(self, http, plan, wanted, took):
        self.http, self.plan, self.wanted, self.took = http, plan, wanted, took
        self.chance = Random(wanted["cookie"])
        self.headers = {"Cookie": f"sessionid={wanted['cookie']}; csrftoken={'c' * 32}", "X-CSRFToken": "c" * 32}

    async def ask(self, what, path, form=None, htmx=False):
        """The page at `path`, or where a form is given the answer to it; counts under `what`."""
        headers = self.headers | ({"HX-Request": "true"} if htmx else {})
        method = "POST" if form is not None else "GET"
        data = [(name, value) for name, values in (form or {}).items() for value in values] or None
        began = time.perf_counter()
        async with self.http.request(
            method, self.plan["address"] + path, data=data, headers=headers, allow_redirects=False
        ) as answer:
            body = await answer.text()
        self.took[what].append(time.perf_counter() - began)
        if answer.status != (302 if form is not None and not htmx else 200):
            raise SystemExit(f"{method} {path} was answered by {answer.status}: {body[:2000]}")
        return body

    async def pause(self):
        low, high = self.wanted.get("pause", (0, 0))
        if high:
            await asyncio.sleep(self.chance.uniform(low, high))

    def form(self, page):
        """The form as this browser would send it; {} where the queue is empty."""
        form = {}
        for name, value in HIDDEN.findall(page.partition('id="skip-form"')[0]):
            form.setdefault(name, []).append(value)
        texts = {name: [html.unescape(text)] for name, text in TEXT.findall(page)}
        if "response" not in form:
            return {}
        form = {name: values[:1] if name == "key" else values for name, values in form.items()} | texts
        action = "accept" if self.chance.random() < 0.8 else "reject"
        return form | {f"r{response}-action": [action] for response in form["response"]} | {"seconds": ["7"]}

    async def review_plainly(self, going):
        """Without JavaScript: the next prompt, a submit, and again."""
        path = self.wanted["path"]
        while going():
            form = self.form(await self.ask("next prompt", path))
            if not form:
                return
            await self.pause()
            await self.ask("submit", f"{path}submit/", form)

    async def review(self, going):
        """With JavaScript: a submit brings the next prompt."""
        path = self.wanted["path"]
        form = self.form(await self.ask("first prompt", path))
        while form and going():
            await self.pause()
            form = self.form(await self.ask("submit and next", f"{path}submit/", form, htmx=True))

    async def read(self, going):
        """Pages of each kind, one after the other, around and around; of several addresses of a kind the next one."""
        addresses = {what: cycle(paths) for what, paths in self.wanted["pages"].items()}
        while going():
            for what, paths in addresses.items():
                await self.ask(what, next(paths))
                await self.pause()

    async def page_on(self, going):
        """A list, page by page by its own links."""
        path, what = self.wanted["path"], self.wanted["what"]
        for number in range(1, self.wanted["last"] + 1):
            late = number > self.wanted["last"] - self.wanted["count"]
            page = await self.ask(what if late else "on the way", path)
            links = [link for link in LINK.findall(page) if 'rel="next"' in link]
            if not links:
                raise SystemExit(f"{path}: no link to the next page (rel=next) on page {number}.")
            path = path.partition("?")[0] + "?" + html.unescape(ADDRESS.search(links[0])[1]).partition("?")[2]


async def drive(plan):
    """Carry the plan out; returns {"took": {what: [seconds]}, "wall", "cpu" (seconds of this process)}."""
    took, began = defaultdict(list), time.perf_counter()

    def going(wanted):
        until = began + plan.get("seconds", 10**9)
        left = iter(range(wanted.get("times", 10**9)))
        return lambda: time.perf_counter() < until and next(left, None) is not None

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300)) as http:
        visitors = [Visitor(http, plan, wanted, took) for wanted in plan["visitors"]]
        await asyncio.gather(*(getattr(each, each.wanted["does"])(going(each.wanted)) for each in visitors))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"took": took, "wall": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(drive(json.load(sys.stdin)))))
