"""The agreement on a card is that of the release's own questions: refused attempts count, other prompts do not."""

import random

import pytest

from curation.agreement import alpha_of, alpha_of_kinds
from curation.models import Release, State
from pipeline.releasing import card, checking
from pipeline.releasing.card import figures
from tests import factories
from tests.running import run
from tests.withdrawals import withdraw

pytestmark = pytest.mark.django_db
ACTIONS = ("accept", "regenerate", "reject")


@pytest.fixture(autouse=True)
def unchecked(monkeypatch):
    """The files are looked at in tests of their own."""
    monkeypatch.setattr(checking, "check", lambda *_, **__: checking.Report())


@pytest.fixture
def people():
    return [factories.user(name) for name in ("ada", "bo", "cy")]


def decided(response, people, actions):
    for person, action in zip(people, actions, strict=False):
        factories.annotation(response, person, action)
    return list(actions)


@pytest.fixture
def project(people):
    """Rows of one and of two attempts; decisions on what is not released beside them."""
    project = factories.project("Films", split_seed="a seed", paired=False)
    chance, project.units = random.Random(4), []
    for number in range(30):
        document = factories.document(project, locator=f"10.1/{number}", text=f"Text {number}.")
        prompt = factories.prompt(project, State.ACCEPTED, document=document, answer=f"First answer {number}.")
        if number % 3:
            actions = [chance.choice(("regenerate", "reject", "regenerate")) for _ in people]
            project.units.append(decided(prompt.current_response, people, actions))
            second = factories.response(prompt, f"Second answer {number}.", attempt=2)
            factories.resolution(second)
        prompt.refresh_from_db()
        project.units.append(decided(prompt.current_response, people, ["accept", chance.choice(ACTIONS), "accept"]))
    for number in range(40):  # what is not in the release
        other = factories.prompt(project, State.REJECTED, answer=f"Other {number}.")
        decided(other.current_response, people, ["accept", "reject", "regenerate"])
    return project


def said(release):
    return next(line for line in (release.directory / "README.md").read_text().splitlines() if "alpha" in line)


def test_it_is_of_this_release_with_its_refused_attempts(project):
    run(project, "package")
    release = Release.objects.get()
    alpha = alpha_of(project.units)
    assert alpha.value is not None
    assert f"over {len(project.units)} answers to the questions of this release" in said(release)
    assert f"{alpha.text} (95 % interval {alpha.interval[0]:.2f} to {alpha.interval[1]:.2f})" in said(release)


def test_later_decisions_elsewhere_do_not_change_it(project, people, monkeypatch):
    monkeypatch.setattr(figures, "BATCH", 7)
    run(project, "package")
    release = Release.objects.get()
    before = said(release)
    for number in range(30):
        other = factories.prompt(project, State.TO_REVIEW, answer=f"Later {number}.")
        decided(other.current_response, people, ["accept", "reject"])
    card.write(release, release.directory)
    assert said(release) == before


def test_a_patch_tells_that_of_what_is_left(project):
    run(project, "package")
    withdraw(project, "source", "10.1/0")
    patch = Release.objects.get(base__isnull=False)
    assert f"over {len(project.units) - 1} answers" in said(patch)


def test_kinds_give_what_the_units_give():
    chance = random.Random(7)
    units = [[chance.choice("arg") for _ in range(chance.choice((1, 2, 3)))] for _ in range(200)]
    kinds = {}
    for unit in units:
        kind = tuple(map(unit.count, "agrx"))  # a value that nobody gave changes nothing
        kinds[kind] = kinds.get(kind, 0) + 1
    assert alpha_of_kinds(kinds) == alpha_of(units)
