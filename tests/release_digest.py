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

    from curation.models import Resolution, State, TeacherResponse
    from tests import factories

    call_command("migrate", verbosity=0)
    project = factories.project("Both", slug="both", split_seed="one seed")
    judge = factories.teacher("a judge")
    used = {"hypothesis": {"version": 1, "sha256": "a" * 64}}
    numbers = range(30) if order == "forward" else list(reversed(range(30)))
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
    found = digest(project)
    alike = near_duplicates(numbers)
    print(json.dumps(found | {f"alike/{path}": sha256 for path, sha256 in digest(alike).items()}))


def digest(project):
    """{path: sha256} of a new release of `project`."""
    from curation.models import Release
    from pipeline import jobs

    jobs.carry_out(jobs.prepare(project, "package"))
    return {entry["path"]: entry["sha256"] for entry in Release.objects.get(project=project).files}


def near_duplicates(numbers):
    """A project of answers and sources in families that resemble each other, some of them with a score or a leak."""
    from curation.models import State
    from pipeline.resemblance import leaks
    from tests import factories
    from tests.test_resemblance_clusters import changed, text_of

    project = factories.project("Alike", slug="alike", split_seed="a seed", paired=False, near_duplicate_percent=80)
    for number in numbers:
        family, kin = divmod(number, 5)
        answer = changed(text_of(250, family), 1, kin) if number % 2 else text_of(90, number)
        source = changed(text_of(250, 50 + family), 1, kin)
        prompt = factories.prompt(project, State.ACCEPTED, answer=answer, context=source)
        factories.resolution(prompt.current_response, by="policy" if number % 3 else "consensus")
        if number % 4 == 0:
            factories.gate_result(prompt.current_response, score=70 + number % 7)
    leaks.keep(project, "held", [text_of(90, 4)], 13)
    return project


if __name__ == "__main__":
    main(sys.argv[1])
