"""Withdrawn for good: what is taken, what stays of it, and that no way leads back."""

import pytest

from curation import changing, reviewing, tallies, withdrawing
from curation.models import Event, Prompt, ReleaseRow, State, Tombstone, Withdrawal
from tests import factories
from tests.withdrawals import about, hold, state_of, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return factories.project("Films")


@pytest.mark.parametrize("state", State.values)
def test_a_source_is_withdrawn_whatever_its_prompts_wait_for(project, state):
    prompt, other = about(project, "10.1000/a", state), about(project, "10.1000/b", state)
    withdrawal = withdraw(project, "source", "10.1000/a")
    prompt.refresh_from_db()
    assert (prompt.state, prompt.withdrawal, prompt.parked_from) == (State.REJECTED, withdrawal, "")
    event = prompt.events.get(kind="withdrawn")
    assert (event.from_state, event.to_state, event.detail["reason"]) == (state, "rejected", withdrawal.reason)
    other.refresh_from_db()
    assert (other.state, other.withdrawal) == (state, None)
    assert {name: number for name, number in tallies.states(project).items() if number} == (
        {"rejected": 2} if state == "rejected" else {"rejected": 1, state: 1}
    )


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("10.1000/AbC", "https://doi.org/10.1000/abc"),
        ("https://doi.org/10.1000/abc", "10.1000/ABC"),
        ("doi:10.1000/abc", "http://dx.doi.org/10.1000/abc"),
        ("https://example.org/Paper", "https://example.org/Paper"),
        ("corpus/file 7.txt", " corpus/file 7.txt "),
    ],
)
def test_a_doi_is_found_however_it_is_written(project, kept, said):
    prompt, other = about(project, kept), about(project, "10.1000/abcd")
    withdraw(project, "source", said)
    assert (state_of(prompt), state_of(other)) == (State.REJECTED, State.ACCEPTED)


def test_an_address_is_not_a_doi_and_is_taken_as_it_is_written(project):
    about(project, "https://example.org/Paper")
    with pytest.raises(withdrawing.WrongWish, match="locators look like https://example.org/Paper"):
        withdrawing.begin(project, "source", "https://example.org/paper", "x")


def test_a_licence_takes_every_source_under_it(project):
    mine = [about(project, f"10.1/{n}", licence="CC-BY-NC-4.0") for n in range(3)]
    free = about(project, "10.1/free", licence="CC0-1.0")
    withdraw(project, "licence", "cc-by-nc-4.0")
    assert [state_of(prompt) for prompt in mine] == [State.REJECTED] * 3
    assert state_of(free) == State.ACCEPTED


def test_a_row_takes_its_prompt_and_in_a_paired_project_the_other_half(project):
    project.paired = True
    project.save()
    pair, other = factories.pair(project, State.ACCEPTED), factories.pair(project, State.ACCEPTED)
    release = factories.release(project)
    hold(release, pair.hypothesis, pair.methodology, other.hypothesis)
    row = ReleaseRow.objects.get(prompt=pair.methodology).row_id
    withdrawal = withdraw(project, "row", row[:14])
    assert withdrawal.value == row
    assert {state_of(pair.hypothesis), state_of(pair.methodology)} == {State.REJECTED}
    assert state_of(other.hypothesis) == State.ACCEPTED
    assert set(pair.hypothesis.events.values_list("kind", flat=True)) == {"withdrawn"}
    assert release.tombstones.count() == 2


@pytest.mark.parametrize(
    ("kind", "value", "reason", "said"),
    [
        ("source", "10.1/none", "x", "No prompt of this project is about '10.1/none'; locators look like 10.1/a"),
        ("licence", "MIT", "x", "there are: CC0-1.0"),
        ("row", "abc", "x", "at least the first 12"),
        ("row", "a" * 64, "x", "No release of this project holds"),
        ("row", "", "x", "Say which"),
        ("source", "10.1/a", "  ", "Say why"),
        ("author", "10.1/a", "x", "say source, licence, row"),
    ],
)
def test_a_wrong_wish_says_what_is_right(project, kind, value, reason, said):
    about(project, "10.1/a")
    with pytest.raises(withdrawing.WrongWish, match=said):
        withdrawing.begin(project, kind, value, reason)
    assert not Withdrawal.objects.exists()


def test_withdrawn_again_it_is_the_same_withdrawal_and_nothing_is_said_twice(project):
    prompt = about(project, "10.1000/A")
    release = factories.release(project)
    hold(release, prompt)
    first = withdraw(project, "source", "10.1000/A")
    again = withdraw(project, "source", "https://doi.org/10.1000/a", "")
    assert first == again
    assert prompt.events.filter(kind="withdrawn").count() == Tombstone.objects.count() == 1
    assert project.events.filter(kind="withdrawal").count() == 1


# -- no way back -----------------------------------------------------------------------------------------------------


@pytest.fixture
def withdrawn(project):
    prompt = about(project, "10.1000/a")
    withdraw(project, "source", "10.1000/a")
    prompt.refresh_from_db()
    return prompt


def stands(prompt):
    prompt.refresh_from_db()
    return prompt.state == State.REJECTED and prompt.withdrawal_id and prompt.events.last().kind == "withdrawn"


@pytest.mark.parametrize("target", [State.TO_COLLECT, State.TO_REVIEW, State.TO_REGENERATE, State.ACCEPTED])
@pytest.mark.parametrize("back", [True, False])
def test_no_verb_moves_it(withdrawn, target, back):
    if target == State.ACCEPTED and not back:
        target = State.TO_FILTER
    assert not withdrawn.go(target, "whatever", back=back)
    assert stands(withdrawn)


def test_it_is_not_reopened_and_the_reason_is_given(project, withdrawn):
    manager = factories.member(project, "manager")
    with pytest.raises(ValueError, match="Source 10.1000/a was withdrawn .Retracted by its authors"):
        reviewing.reopen(withdrawn, manager, "Let us look again.")
    chosen = {withdrawn.pk: withdrawn.current_response_id}
    assert reviewing.reopen_many(project, chosen, manager, "Let us look again.") == set()
    preview = changing.preview(changing.ACTIONS["reopen"], project.prompts.all())
    assert (preview.touched, preview.left) == (0, ((1, "they were withdrawn for good"),))
    assert stands(withdrawn)


def test_a_new_hypothesis_does_not_bring_its_methodology_back(project):
    project.paired = True
    project.save()
    pair = factories.pair(project, State.ACCEPTED)
    release = factories.release(project)
    hold(release, pair.methodology)
    # It had fallen with its hypothesis before it was withdrawn.
    pair.hypothesis.go(State.REJECTED, "rejected")
    withdraw(project, "row", ReleaseRow.objects.get().row_id)
    Prompt.objects.filter(pk=pair.hypothesis.pk).hypothesis_changed()
    assert stands(pair.methodology)


def test_a_bulk_change_is_not_taken_back_over_it(project):
    manager = factories.member(project, "manager")
    prompt = about(project, "10.1000/a")
    change = changing.begin(project, "reject", {"reason": "Not ours.", "keys": [prompt.key]}, manager)
    while changing.go_on(change):
        pass
    assert state_of(prompt) == State.REJECTED
    withdraw(project, "source", "10.1000/a")
    while changing.take_back(change, manager):
        pass
    assert stands(prompt)
    assert change.items.get().after["since"] == "it was withdrawn for good"


def test_it_is_not_asked_again(project, withdrawn):
    from pipeline.stages.again import quote_again
    from pipeline.stages.again_filter import AgainFilter

    wanted = AgainFilter.parse(["state=rejected"])
    assert not wanted.prompts(project).exists()
    assert any("withdrawn for good" in said for said in quote_again(project, wanted).sentences)


def test_a_decision_on_it_is_refused(project, withdrawn):
    reviewer = factories.member(project, "reviewer")
    choice = reviewing.Choice(withdrawn.current_response_id, "accept", edited_text="Another text.")
    with pytest.raises(reviewing.Conflict) as conflict:
        reviewing.submit(project, reviewer, [choice], idempotency_key="k")
    assert conflict.value.problems[0].kind == "withdrawn"


def test_it_is_mixed_in_as_gold_for_nobody(project):
    project.gold_percent = 50  # every one, while others wait
    project.save()
    reviewer = factories.member(project, "reviewer")
    gold, waiting = about(project, "10.1000/a"), about(project, "10.1000/b", State.TO_REVIEW)
    factories.gold(gold.current_response, action="accept")
    assert reviewing.checks.maybe(project, reviewer, waiting.pk).prompts == (gold,)
    project.prompts.get(pk=gold.pk).claims.all().delete()
    withdraw(project, "source", "10.1000/a")
    assert reviewing.checks.maybe(project, reviewer, waiting.pk) is None


def test_a_decision_that_waited_to_take_effect_has_none(project):
    prompt = about(project, "10.1000/a", State.TO_REVIEW)
    factories.resolution(prompt.current_response, applied_at=None, effective_at=prompt.created_at)
    withdraw_quietly = withdrawing.begin(project, "source", "10.1000/a", "Retracted.")
    while withdrawing.go_on(withdraw_quietly):
        pass
    reviewing.settle(project)
    prompt.refresh_from_db()
    assert (prompt.state, prompt.withdrawal) == (State.REJECTED, withdraw_quietly)


# -- files -----------------------------------------------------------------------------------------------------------


def rows_file(tmp_path, *rows):
    import json

    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_no_file_brings_it_in_again(project, tmp_path):
    from curation.importing import import_file

    text = "Films were annealed for an hour at 300 °C. " * 4
    rows = [
        {"text": text, "doi": "https://doi.org/10.1000/A", "licence": "CC0-1.0"},
        {"text": text + " Another version.", "doi": "10.1000/a", "licence": "CC0-1.0"},
        {"text": text + " Elsewhere.", "doi": "10.1000/b", "licence": "CC-BY-NC-4.0"},
        {"text": text + " Elsewhere still.", "doi": "10.1000/c", "licence": "CC0-1.0"},
    ]
    about(project, "10.1000/a")
    about(project, "10.1000/n", licence="CC-BY-NC-4.0")
    withdraw(project, "source", "10.1000/a")
    withdraw(project, "licence", "CC-BY-NC-4.0", "We have no right to it.")
    before = project.prompts.count()
    mapping = {"text": "text", "locator": "doi", "licence": "licence"}
    report = import_file(project, rows_file(tmp_path, *rows), mapping)
    assert (report.rows, report.rejected, report.imported) == (4, 3, 2)
    assert "Source 10.1000/a was withdrawn (Retracted by its authors.)" in report.problems[0]
    assert "We have no right to it" in report.problems[2]
    assert project.prompts.count() == before + 2


def test_prompts_without_a_source_text_are_known_by_their_locator(project, tmp_path):
    from curation.importing import import_file

    row = {"prompt": "Write a hypothesis about films.", "task_type": "hypothesis", "doi": "10.1000/A"}
    mapping = {"prompt": "prompt", "task_type": "task_type", "locator": "doi"}
    import_file(project, rows_file(tmp_path, row), mapping)
    prompt = project.prompts.get()
    withdraw(project, "source", "doi:10.1000/A")
    assert state_of(prompt) == State.REJECTED
    other = row | {"prompt": "Write another one."}
    assert import_file(project, rows_file(tmp_path, other), mapping).rejected == 1


def test_what_is_withdrawn_while_a_file_is_read_stays_out(project, tmp_path, monkeypatch):
    from curation.importing import import_file, load

    about(project, "10.1000/a")
    real = load.Store.save

    def save(store, pieces):
        withdrawing.begin(project, "source", "10.1000/a", "Retracted.")
        return real(store, pieces)

    monkeypatch.setattr(load.Store, "save", save)
    text = "Films were annealed for an hour at 300 °C. " * 4
    report = import_file(project, rows_file(tmp_path, {"text": text, "doi": "10.1000/a"}), {"locator": "doi"})
    assert (report.imported, report.rejected) == (0, 1)
    assert "withdrawn meanwhile" in report.problems[0]


def test_an_answer_that_comes_late_is_kept_and_leads_nowhere(project):
    """The teacher was being asked while the source was withdrawn."""
    from pipeline.stages import sending

    prompt = about(project, "10.1000/a", State.TO_COLLECT)
    run = factories.run(project, state="running")
    run.enlist(project.prompts.all())
    withdraw(project, "source", "10.1000/a")
    assert sending.send_on(run, [prompt.pk], State.TO_FILTER, "collected", source=State.TO_COLLECT) == []
    prompt.park("server_error", "HTTP 500", run=run)
    assert stands(prompt)


# -- releases --------------------------------------------------------------------------------------------------------


def test_every_release_that_holds_it_says_so_and_its_row_stays_as_it_was(project):
    prompt, other = about(project, "10.1000/a"), about(project, "10.1000/b")
    releases = [factories.release(project, version=n, files=[{"path": "x", "sha256": "0" * 64}]) for n in (1, 2, 3)]
    hold(releases[0], prompt, other)
    hold(releases[1], prompt)
    hold(releases[2], other)
    as_they_were = list(project.releases.values())
    withdrawal = withdraw(project, "source", "10.1000/a")
    found = withdrawing.notices(releases)
    assert {release.version: found[release.pk].rows for release in releases if release.pk in found} == {1: 1, 2: 1}
    assert found[releases[0].pk].withdrawals == ((withdrawal, 1),)
    assert [row for row in project.releases.values() if not row["base_id"]] == as_they_were


def test_a_preview_says_what_it_would_take_and_takes_nothing(project):
    project.paired = True
    project.save()
    pair = factories.pair(project, State.ACCEPTED, locator="10.1000/a")
    hold(factories.release(project), pair.hypothesis, pair.methodology)
    row = ReleaseRow.objects.get(prompt=pair.hypothesis).row_id
    preview = withdrawing.preview(project, "row", row)
    assert (preview.prompts, preview.partners, preview.withdrawn) == (2, 1, 0)
    assert preview.states == (("Accepted", 2),)
    assert [(release.version, rows) for release, rows in preview.releases] == [(1, 2)]
    assert not Event.objects.filter(kind="withdrawn").exists()


def test_another_project_is_left_alone(project):
    other = factories.project("Other")
    theirs = about(other, "10.1000/a")
    about(project, "10.1000/a")
    withdraw(project, "source", "10.1000/a")
    assert state_of(theirs) == State.ACCEPTED
