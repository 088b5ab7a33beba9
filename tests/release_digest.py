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
    from pipeline.formats import FORMATS
    from tests import factories

    call_command("migrate", verbosity=0)
    project = factories.project("Both", slug="both", split_seed="one seed", pseudonym_key="one key")
    judge = factories.teacher("a judge")
    people = ["ada", "Émile", "zoë"] if order == "forward" else ["zoë", "Émile", "ada"]
    people = [factories.member(project, "reviewer", name=name) for name in people]
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
            factories.gate_result(response, score=round(80 + number / 7, 3))
            factories.judge_score(response, judge=judge)
            stand_behind(response, number, people)
    TeacherResponse.objects.update(templates=used)
    targets = {"zeta": 40, "a longer name": 900, "b": 40}  # as JSON they come back in another order from PostgreSQL
    found = digest(project, formats=list(FORMATS), targets=targets)
    found |= {f"patch/{path}": sha256 for path, sha256 in patched(project).items()}
    alike = near_duplicates(numbers)
    print(json.dumps(found | {f"alike/{path}": sha256 for path, sha256 in digest(alike).items()}))


def stand_behind(response, number, people):
    """People who decided on an answer, with reasons and an edit; and an earlier attempt that was refused."""
    from tests import factories

    for person in people:
        if (number + len(person.username)) % 3 or person.username == "ada":
            edited = f"{response.text} ({number})" if person.username == "ada" else None
            reasons = ["vague", "format"][: number % 3]
            factories.annotation(response, person, "accept", reasons=reasons, edited_text=edited)
    if number % 4 == 0:
        text = f"A refused answer ({number}) without the words that it needs."
        refused = factories.response(response.prompt, text, current=False, attempt=2, hypothesis=response.hypothesis)
        factories.filter_result(refused, failed=["min_word_count", "ban_citations"][: 1 + number % 2])
        factories.gate_result(refused, reasons=["judge_f_below"])


def digest(project, **wanted):
    """{path: sha256} of a new release of `project`; it is what its manifest says, on whatever database it was made."""
    from curation.models import Release
    from pipeline import jobs
    from pipeline.releasing.verifying import verify

    run = jobs.prepare(project, "package", wanted)
    jobs.carry_out(run)
    release = Release.objects.get(run=run)
    assert (release.state, release.problems) == ("published", []), release.error
    verify(release.directory)
    again = jobs.prepare(project, "package", wanted | {"min_score": 0} if wanted else {})
    jobs.carry_out(again)
    same_again(release, Release.objects.filter(run=again).first())
    return {entry["path"]: entry["sha256"] for entry in release.files}


def patched(project):
    """{path: sha256} of the patch release that a withdrawn source brings."""
    from curation import withdrawing
    from curation.models import Release
    from pipeline import jobs
    from pipeline.releasing.verifying import verify

    withdrawal = withdrawing.begin(project, "source", "doc:4", "retracted")
    run = jobs.prepare(project, "withdraw", {"withdrawal": withdrawal.pk})
    jobs.carry_out(run)
    release = Release.objects.get(run=run)
    assert (release.state, release.problems) == ("published", []), release.error
    verify(release.directory)
    return {entry["path"]: entry["sha256"] for entry in release.files}


def same_again(release, again):
    """A second run gives the same rows in the same bytes, whether or not it stands for a release of its own."""
    if again:
        here, there = (
            {each["path"]: each["sha256"] for each in found.files if "rows" in each} for found in (release, again)
        )
        assert here == there, again.error


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
