"""Builds one release of fixed content on the database of DATABASE_URL and prints its files' sha256 as JSON.

Run by test_release_on_both_databases.py: `python -m tests.release_digest ORDER`, where ORDER is the order of import.
"""

import json
import os
import sys

import django


def main(order):
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from django.core.management import call_command

    from curation.models import Release, Resolution, State, TeacherResponse
    from pipeline import jobs
    from tests import factories

    call_command("migrate", verbosity=0)
    project = factories.project("Both", slug="both", split_seed="one seed")
    judge = factories.teacher("a judge")
    used = {"hypothesis": {"version": 1, "sha256": "a" * 64}}
    numbers = range(30) if order == "forward" else reversed(range(30))
    for number in numbers:
        pair = factories.pair(
            project,
            State.ACCEPTED,
            locator=f"doc:{number}",
            title=f"Titre {number} é",
            text=f"Text {number} with µ and \\frac{{a}}{{b}}.",
            domain=["physics", "Biology", "ökologie"][number % 3],
        )
        for prompt in (pair.hypothesis, pair.methodology):
            response = prompt.current_response
            Resolution.objects.create(
                response=response, by="consensus", action="accept", text=f"{response.text} ({number})", edited=True
            )
            factories.filter_result(response)
            factories.judge_score(response, judge=judge)
    TeacherResponse.objects.update(templates=used)
    run = jobs.prepare(project, "package")
    jobs.carry_out(run)
    print(json.dumps({entry["path"]: entry["sha256"] for entry in Release.objects.get().files}))


if __name__ == "__main__":
    main(sys.argv[1])
