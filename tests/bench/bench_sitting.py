"""A sitting: one person reviews 100 prompts in a real browser within ten minutes, six times as fast as people do.

Run: python -m tests.bench.bench_sitting [--prompts N] [--seconds N]. It fails where the server's log or the browser's
console says an error, and prints what memory server and page hold after every fifth of the sitting.
"""

import argparse
import re
import time
from pathlib import Path

from tests.bench.bench_review import free_port
from tests.bench.installation import installation

WRONG = re.compile(r"Traceback|\bERROR\b|\bCRITICAL\b|\" 5\d\d ")
KEYS = "aagarags"  # what the person does with one prompt after the other; every fourth acceptance is an edit


def main():
    """Make a queue, open the browser, review."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    with installation():
        from django.conf import settings

        from pipeline import all_in_one
        from pipeline.embedded.supervisor import Supervisor

        person, project = _queue(options.prompts)
        with Supervisor(settings.DATA_DIR) as supervisor:
            all_in_one.start_queue(supervisor)
            address = all_in_one.start_web(supervisor, f"127.0.0.1:{free_port()}")
            web = next(child.process.pid for child in supervisor.children if child.group == "web")
            said = _sit(address, person, project, options, web)
            said += [line for log in supervisor.logs.glob("web*") for line in _wrong(log)]
        _tell(project, options, said)


def _queue(number):
    from tests import factories

    project = factories.project("Sitting", paired=False, reviews_required=1)
    for _ in range(number):
        made = factories.prompt(project, "to_review", document=factories.document(project))
        factories.filter_result(made.current_response, failed=["ban_citations"])
    return factories.member(project, "reviewer", name="ada"), project


def _sit(address, person, project, options, web):
    """Review to the end of the queue at an even pace; returns what went wrong in the browser."""
    from playwright.sync_api import sync_playwright

    from tests import factories
    from tests.services import CHROMIUM_OPTIONS, chromium_path

    session = factories.client(person).cookies["sessionid"].value
    wrong, began = [], time.monotonic()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_OPTIONS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"page: {error}"))
        page.on("console", lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None)
        page.goto(f"{address}p/{project.slug}/review/")
        for number in range(options.prompts):
            if number % max(1, options.prompts // 5) == 0:
                _memory(number, page, web)
            _decide(page, number)
            time.sleep(max(0, began + (number + 1) * options.seconds / options.prompts - time.monotonic()))
        page.get_by_text("Nothing for you right now").wait_for()
        _memory(options.prompts, page, web)
        browser.close()
    return wrong


def _decide(page, number):
    """Read, type, decide, submit; a skipped one comes again at the end and is decided then."""
    before = page.locator("input[name=response]").first.get_attribute("value")
    key = KEYS[number % len(KEYS)]
    if number % 4 == 0:
        page.keyboard.press("e")
        page.keyboard.press("Control+End")
        page.keyboard.type(" Measured by 4-point probe.", delay=20)
        page.keyboard.press("Escape")
    page.mouse.wheel(0, 200)
    if key == "s":
        page.keyboard.press("s")
        page.locator(f"input[name=response][value='{before}']").wait_for(state="detached")
        before = page.locator("input[name=response]").first.get_attribute("value")
        key = "r"
    page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    page.locator(f"input[name=response][value='{before}']").wait_for(state="detached")


def _memory(number, page, web):
    """Print what the server's processes and the page hold, the page after its garbage was collected."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    found = {row["name"]: row["value"] for row in devtools.send("Performance.getMetrics")["metrics"]}
    devtools.detach()
    server = sum(_resident(pid) for pid in [web, *_children(web)])
    print(
        f"  after {number:,}: server {server / 1024:,.0f} MB, page {found['JSHeapUsedSize'] / 1e6:.1f} MB in "
        f"{found['Nodes']:,.0f} nodes and {found['JSEventListeners']:,.0f} listeners",
        flush=True,
    )


def _children(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident(pid):
    """Kilobytes that a process holds of its own, without what it shares."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def _wrong(log):
    return [f"{log.name}: {line}" for line in log.read_text(errors="replace").splitlines() if WRONG.search(line)]


def _tell(project, options, wrong):
    from curation.models import Annotation

    decided = Annotation.objects.filter(response__prompt__project=project, current=True).count()
    print(f"  {decided:,} decided in {options.seconds} s; errors in logs and console: {len(wrong)}", flush=True)
    for line in wrong[:20]:
        print(f"  {line}")
    if wrong or decided != options.prompts:
        raise SystemExit("The sitting did not go well.")


if __name__ == "__main__":
    main()
