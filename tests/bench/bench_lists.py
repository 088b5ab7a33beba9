"""How long lists take over very many prompts. Run: python -m tests.bench.bench_lists [--prompts N].

Requests go through the whole of Django but no web server. On PostgreSQL:
`python -m tests.with_postgres python -m tests.bench.bench_lists`.
"""

import argparse
import time

from tests.bench.installation import installation, percentiles, timed

BATCH = 10_000
STATES = ("to_collect", "to_collect", "to_review", "accepted", "accepted", "rejected")


def main():
    """Make the rows, then ask for the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20, help="how often each page is asked for (default 20)")
    options = parser.parse_args()
    with installation():
        measure(options.prompts, options.times)


def measure(prompts, times):
    """The pages of a project with that many prompts, as its manager sees them."""
    from django.conf import settings
    from django.urls import reverse

    from tests import factories

    settings.ALLOWED_HOSTS += ["testserver"]
    project = factories.project()
    timed("made", lambda: make(project, prompts))
    browser = factories.client(factories.member(project, "manager"))
    pages = {"home": reverse("home"), "project": reverse("project_detail", args=[project.slug])}
    listed = reverse("prompt_list", args=[project.slug])
    middle = project.prompts.order_by("pk").values_list("pk", flat=True)[prompts // 2]
    pages |= {"prompts, first page": listed, "prompts, from the middle on": f"{listed}?after={middle}"}
    pages |= {"prompts to review": f"{listed}?state=to_review", "prompts parked (none)": f"{listed}?state=parked"}
    pages |= {"prompts with a rare word": f"{listed}?q=number+{prompts - 7}", "a word of all": f"{listed}?q=snow"}
    pages |= {"runs": reverse("run_list", args=[project.slug]), "quality": reverse("quality", args=[project.slug])}
    pages |= {"data": reverse("quality_data", args=[project.slug])}
    for name, url in pages.items():
        seconds = []
        for _ in range(times):
            started = time.perf_counter()
            response = browser.get(url)
            seconds.append(time.perf_counter() - started)
            if response.status_code != 200:
                raise SystemExit(f"{url} was answered by {response.status_code}.")
        percentiles(name, seconds)


def make(project, prompts):
    """Prompts of one project in several states; the answered ones share an answer. Returns how many."""
    from curation import tallies
    from curation.models import Prompt
    from tests import factories

    answer = factories.prompt(project, "to_review").current_response
    for start in range(0, prompts, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, prompts)):
            state = STATES[number % len(STATES)]
            rows.append(
                Prompt(
                    project=project,
                    key=f"{number:064x}",
                    group_key=f"{number:064x}",
                    task_type="methodology" if number % 2 else "hypothesis",
                    domain=("chemistry", "physics", "biology")[number % 3],
                    context=f"Source number {number}: dust of 10 g/m² made snow melt nine days earlier. " * 6,
                    state=state,
                    current_response=None if state == "to_collect" else answer,
                )
            )
        Prompt.objects.bulk_create(rows)
    tallies.rebuild(project)
    return prompts


if __name__ == "__main__":
    main()
