"""How long a reviewer waits: the next prompt, and a submit. Run: python -m tests.bench.bench_review [--prompts N].

Requests go through the whole of Django but no web server. On PostgreSQL:
`python -m tests.with_postgres python -m tests.bench.bench_review`.
"""

import argparse
import re
import time

from tests.bench.installation import installation, percentiles


def main():
    """Fill a queue, then decide on a part of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2000, help="pairs that wait for review (default 2000)")
    parser.add_argument("--decide", type=int, default=200, help="how many to decide (default 200)")
    options = parser.parse_args()
    with installation():
        review(options.pairs, options.decide)


def review(pairs, decide):
    """One reviewer takes the pairs one after the other."""
    from django.conf import settings
    from django.db import transaction
    from django.urls import reverse

    from tests import factories

    settings.ALLOWED_HOSTS += ["testserver"]
    project = factories.project(reviews_required=1)
    with transaction.atomic():
        for _ in range(pairs):
            factories.pair(project, "to_review")
    browser = factories.client(factories.member(project, "reviewer"))
    shown, sent = [], []
    for _ in range(decide):
        page = _timed(shown, lambda: browser.get(reverse("review", args=[project.slug])))
        form = accepting(page.content.decode())
        answer = _timed(sent, lambda form=form: browser.post(reverse("review_submit", args=[project.slug]), form))
        if answer.status_code != 302:
            raise SystemExit(f"A submit was answered by {answer.status_code}.")
    print(f"{pairs:,} pairs in the queue, {decide} decided")
    percentiles("next prompt", shown)
    percentiles("submit", sent)


def accepting(html):
    """The form as a browser would send it, with accept chosen for every response."""
    hidden = re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', html)
    form = {}
    for name, value in hidden:
        form.setdefault(name, []).append(value)
    return form | {f"r{response}-action": "accept" for response in form.get("response", ())}


def _timed(seconds, function):
    started = time.perf_counter()
    result = function()
    seconds.append(time.perf_counter() - started)
    return result


if __name__ == "__main__":
    main()
