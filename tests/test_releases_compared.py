"""Two releases beside each other: what was added, removed and changed, by domain and reason."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from curation.models import Prompt, Release, ReleaseRow, Resolution, TeacherResponse, Tombstone
from pipeline.releasing import comparing
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db
EARLIER = timezone.now() - timedelta(days=9)


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False)


def row(release, prompt, row_id=None, response=None):
    response = response or prompt.current_response
    return ReleaseRow.objects.create(
        release=release, prompt=prompt, response=response, row_id=row_id or f"row of {prompt.pk}", split="train"
    )


def accepted_long_ago(project, **fields):
    prompt = factories.accepted(project, **fields)
    Prompt.objects.filter(pk=prompt.pk).update(created_at=EARLIER)
    TeacherResponse.objects.filter(prompt=prompt).update(created_at=EARLIER)
    Resolution.objects.filter(response__prompt=prompt).update(applied_at=EARLIER)
    return prompt


@pytest.fixture
def releases(project):
    since = timezone.now() - timedelta(days=1)
    one = factories.release(project, version=1, recipe={"include": "accepted", "seed": 1}, created_at=since)
    two = factories.release(project, version=2, recipe={"include": "accepted", "seed": 2, "system": True})
    return one, two


def told(comparison):
    return [(each.kind, each.domain, each.reason) for each in comparison.differences]


def test_equal_releases_differ_in_nothing(project, releases):
    one, two = releases
    prompt = accepted_long_ago(project)
    row(one, prompt), row(two, prompt)
    comparison = comparing.compare(one, two)
    assert (comparison.differences, comparison.same) == ([], 1)
    assert comparison.recipe == [("seed", 1, 2), ("system", None, True)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda prompt: None, "let_in"),
        (lambda prompt: Resolution.objects.update(applied_at=timezone.now()), "accepted"),
        (lambda prompt: TeacherResponse.objects.update(created_at=timezone.now()), "answered"),
    ],
)
def test_why_a_row_was_added(project, releases, change, reason):
    prompt = accepted_long_ago(project, domain="optics")
    change(prompt)
    row(releases[1], prompt)
    assert told(comparing.compare(*releases)) == [("added", "optics", reason)]


def withdraw(prompt):
    Prompt.objects.filter(pk=prompt.pk).update(state="rejected", withdrawal=factories.withdrawal(prompt.project))


def bury(prompt):
    held = factories.withdrawal(prompt.project)
    Tombstone.objects.create(withdrawal=held, release=Release.objects.get(version=1), row_id=f"row of {prompt.pk}")


def leave_out(prompt):
    folder = Release.objects.get(version=2).directory
    folder.mkdir(parents=True)
    line = {"row_id": f"row of {prompt.pk}", "prompt_key": prompt.key, "why": "near_duplicates"}
    (folder / "left_out.jsonl").write_text(json.dumps(line) + "\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda prompt: None, "not_chosen"),
        (lambda prompt: Prompt.objects.update(state="to_review"), "to_review"),
        (withdraw, "withdrawn"),
        (bury, "withdrawn"),
        (leave_out, "near_duplicates"),
    ],
)
def test_why_a_row_was_removed(project, releases, change, reason):
    prompt = accepted_long_ago(project)
    row(releases[0], prompt)
    change(prompt)
    assert told(comparing.compare(*releases)) == [("removed", "chemistry", reason)]


@pytest.mark.parametrize(("another", "reason"), [(False, "edited"), (True, "attempt")])
def test_why_a_row_was_changed(project, releases, another, reason):
    prompt = accepted_long_ago(project)
    row(releases[0], prompt, "before")
    response = factories.response(prompt, "Another answer.") if another else None
    row(releases[1], prompt, "after", response)
    found = comparing.compare(*releases)
    assert told(found) == [("changed", "chemistry", reason)]
    assert (found.differences[0].before, found.differences[0].after, found.same) == ("before", "after", 0)


def test_differences_are_counted_and_narrowed(project, releases):
    one, two = releases
    for domain in ("optics", "optics", "acoustics"):
        row(two, accepted_long_ago(project, domain=domain))
    row(one, accepted_long_ago(project, domain="optics"))
    found = comparing.compare(one, two)
    assert found.counted("domain") == [("optics", {"added": 2, "removed": 1}), ("acoustics", {"added": 1})]
    assert found.counted("reason") == [("let_in", {"added": 3}), ("not_chosen", {"removed": 1})]
    assert len(found.narrowed(domain="optics", kind="added", reason=None)) == 2
    assert found.totals == {"added": 3, "removed": 1}


def test_both_ways_around_say_the_opposite(project, releases):
    row(releases[1], accepted_long_ago(project))
    assert told(comparing.compare(*releases[::-1])) == [("removed", "chemistry", "not_chosen")]


def test_two_real_releases_and_their_texts(project):
    _, edited = factories.accepted(project), factories.accepted(project)
    run(project, "package")
    Resolution.objects.filter(response__prompt=edited).update(text="A better answer.", edited=True)
    factories.accepted(project)
    run(project, "package")
    one, two = Release.objects.order_by("version")
    found = comparing.compare(one, two)
    assert (found.totals, found.same) == ({"added": 1, "changed": 1}, 1)
    changed = found.narrowed(kind="changed")[0]
    assert (changed.prompt_id, changed.reason) == (edited.pk, "edited")
    assert comparing.texts_of(two, [changed.after]) == {changed.after: "A better answer."}
    assert comparing.texts_of(one, [changed.before]) == {changed.before: edited.current_response.text}
    assert comparing.texts_of(one, [changed.after, ""]) == {}


def test_a_release_of_which_only_files_tell_is_said_to_be_so(project, releases):
    assert comparing.is_known(releases[0])
    releases[0].counts = {"rows": 3}
    assert not comparing.is_known(releases[0])
    row(releases[0], factories.accepted(project))
    assert comparing.is_known(releases[0])
