"""Withdrawing by list: what a file names, what of it the project has, and all of it in one go."""

import hashlib
import io

import pytest
from django.core.management import CommandError, call_command

from curation import withdrawing
from curation.models import Event, State, Withdrawal
from curation.withdrawing import Line, WrongWish
from pipeline import jobs
from tests import factories
from tests.withdrawals import about, hold, state_of, withdraw

pytestmark = pytest.mark.django_db

RETRACTION_WATCH = """\
Record ID,Title,Reason,RetractionDOI,OriginalPaperDOI
1,"A title, with
a line break",+Concerns;,10.1000/notice,10.1000/A
2,Another,+Error;,10.1000/b,unavailable
3,A third,+Error;,10.1000/c,https://doi.org/10.1000/none
"""


def lines(*texts):
    return [Line(number, text) for number, text in enumerate(texts, 1)]


def read(text, kind="source", name="list.txt", column=""):
    data = text if isinstance(text, bytes) else text.encode()
    return [(line.number, line.text) for line in withdrawing.read(io.BytesIO(data), kind, name, column)]


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed")


@pytest.mark.parametrize(
    ("text", "options", "found"),
    [
        ("10.1/a\n\n# a remark\n  10.1/b \r\n", {}, [(1, "10.1/a"), (4, "10.1/b")]),
        ("\ufeff10.1/a", {}, [(1, "10.1/a")]),
        (
            RETRACTION_WATCH,
            {"name": "rw.CSV"},
            [(2, "10.1000/A"), (4, "unavailable"), (5, "https://doi.org/10.1000/none")],
        ),
        (
            RETRACTION_WATCH,
            {"name": "rw.csv", "column": "retractiondoi"},
            [(2, "10.1000/notice"), (4, "10.1000/b"), (5, "10.1000/c")],
        ),
        ("DOI;why\n10.1/a;x\n;y\n", {"name": "l.csv"}, [(2, "10.1/a")]),
        ("row id\twhy\nabc\tx\n", {"name": "l.tsv", "kind": "row"}, [(2, "abc")]),
        ("10.1/a\n10.1/b\n", {"name": "l.csv"}, [(1, "10.1/a"), (2, "10.1/b")]),
        ("doi,by\n10.1/a,M\xfcller\n".encode("latin-1"), {"name": "l.csv"}, [(2, "10.1/a")]),
    ],
)
def test_a_list_is_text_or_a_column_of_a_table(text, options, found):
    assert read(text, **options) == found


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "names nothing"),
        ("# only a remark\n", {}, "names nothing"),
        ("a,b\n1,2\n", {"name": "l.csv"}, "There are: a, b."),
        ("doi,b\n1,2\n", {"name": "l.csv", "column": "DOI of it"}, "no column 'DOI of it'.*There are: doi, b."),
        (b"PK\x03\x04rest", {"name": "l.csv"}, "a workbook or ZIP archive: save it as text or CSV"),
        ("10.1/a\n".encode("utf-16"), {}, "UTF-16"),
        ("MIT\n", {"kind": "licence"}, "withdrawn one by one"),
    ],
)
def test_what_is_no_list_is_refused_and_says_what_is_right(text, options, said):
    with pytest.raises(WrongWish, match=said):
        read(text, **options)


def test_lines_are_matched_however_they_are_written_and_the_others_are_named(project):
    one = about(project, "https://doi.org/10.1000/A")
    two = about(project, "10.1000/a", domain="optics")
    other = about(project, "notes/film.txt")
    gone = about(project, "10.1000/gone")
    former = withdraw(project, "source", "10.1000/gone")
    wanted = lines("doi:10.1000/a", "10.1000/none", "notes/film.txt", "https://dx.doi.org/10.1000/A", "10.1000/GONE")
    matched = withdrawing.match(project, "source", wanted)
    assert [(each.line.number, each.value, each.prompts, each.before) for each in matched.matches] == [
        (1, "doi:10.1000/a", {one.pk, two.pk}, None),
        (3, "notes/film.txt", {other.pk}, None),
        (5, "10.1000/GONE", {gone.pk}, former),
    ]
    assert [line.number for line in matched.unknown] == [2]
    assert (matched.again, matched.lines) == (1, 5)
    assert withdrawing.preview_all(project, matched).prompts == 3


def test_it_finds_what_one_by_one_would_be_found(project):
    """The same prompts as each line's own withdrawal takes, partners and prompts without a source text included."""
    for number, locator in enumerate(
        ["10.1000/a", "DOI:10.1000/A", "https://doi.org/10.1000/a", "x/10.1000/a", " pad"]
    ):
        about(project, locator, text=f"Film {number}")
    bare = factories.prompt(project, State.ACCEPTED)
    bare.group_key = hashlib.sha256(b"http://doi.org/10.1000/bare").hexdigest()
    bare.save()
    wanted = ["10.1000/A", "x/10.1000/a", "10.1000/bare", "doi:  10.1000/a", "pad"]
    for text in wanted:
        found = withdrawing.match(project, "source", lines(text)).matches
        alone = set(withdrawing.chosen(project, "source", text).values_list("pk", flat=True))
        assert {pk for each in found for pk in each.prompts} == alone, text


def test_rows_are_named_whole_or_by_their_beginning(project):
    one, two = about(project, "10.1000/a"), about(project, "10.1000/b")
    hold(factories.release(project), one, two)
    ids = {row.prompt_id: row.row_id for row in project.releases.get().rows.all()}
    wanted = lines(ids[one.pk].upper(), ids[one.pk][:12], ids[two.pk][:20], ids[two.pk][:11], "f" * 64, "10.1000/a")
    matched = withdrawing.match(project, "row", wanted)
    assert [(each.value, each.prompts) for each in matched.matches] == [
        (ids[one.pk], {one.pk}),
        (ids[two.pk], {two.pk}),
    ]
    assert [line.number for line in matched.unknown] == [4, 5, 6]
    assert matched.again == 1


def test_all_are_withdrawn_in_one_run_each_by_itself(project):
    first, second, third = (about(project, f"10.1000/{name}") for name in "abc")
    hold(factories.release(project), first, second, third)
    begun = withdrawing.begin_all(project, "source", lines("10.1000/a", "10.1000/b", "10.1000/none"), " Retracted. ")
    assert [(each.value, each.reason) for each in begun] == [("10.1000/a", "Retracted."), ("10.1000/b", "Retracted.")]
    run = jobs.prepare(project, "withdraw", {"withdrawals": [each.pk for each in begun]})
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert (run.state, run.total, run.done) == ("finished", 2, 2)
    assert [state_of(each) for each in (first, second, third)] == [State.REJECTED, State.REJECTED, State.ACCEPTED]
    assert [each.withdrawal for each in (first, second)] == begun
    assert [(release.version, rows) for release, rows in withdrawing.held_by(begun)] == [(1, 2)]
    assert Event.objects.filter(project=project, kind="withdrawal").count() == 2
    assert {each.run for each in Withdrawal.objects.all()} == {run}


def test_the_other_halves_of_pairs_go_with_the_one_that_is_named_first():
    project = factories.project("Pairs", paired=True)
    pair = factories.pair(project, State.ACCEPTED, locator="10.1000/a")
    hold(factories.release(project), pair.hypothesis, pair.methodology)
    both = [row.row_id for row in project.releases.get().rows.order_by("pk")]
    matched = withdrawing.match(project, "row", lines(*both[:1]))
    preview = withdrawing.preview_all(project, matched)
    assert (preview.prompts, preview.partners) == (2, 1)
    begun = withdrawing.begin_all(project, "row", lines(*both), "Retracted.")
    plan = withdrawing.planned(begun)
    assert [len(ids) for _, ids in plan] == [2, 0]


def test_one_that_was_stopped_goes_on_and_is_said_again_without_doing_it_twice(project):
    prompts = [about(project, f"10.1000/{name}") for name in "abc"]
    wanted = lines("10.1000/a", "10.1000/b", "10.1000/c")
    begun = withdrawing.begin_all(project, "source", wanted, "Retracted.")
    run = jobs.prepare(project, "withdraw", {"withdrawals": [each.pk for each in begun]})
    answers = iter([False, True, True])
    assert jobs.carry_out(run, lambda: next(answers, True)) == "stopped"
    assert sum(state_of(each) == State.REJECTED for each in prompts) == 1
    left = withdrawing.begin_all(project, "source", wanted, "")
    assert [each.pk for each in left] == [each.pk for each in begun[1:]]
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert (run.total, run.done) == (3, 3)
    with pytest.raises(WrongWish, match="was withdrawn before"):
        withdrawing.begin_all(project, "source", wanted, "Retracted.")


@pytest.mark.parametrize(
    ("texts", "reason", "said"),
    [(["10.1000/none"], "Retracted.", "has nothing of what"), (["10.1000/a"], " ", "Say why")],
)
def test_a_wrong_wish_begins_nothing(project, texts, reason, said):
    about(project, "10.1000/a")
    with pytest.raises(WrongWish, match=said):
        withdrawing.begin_all(project, "source", lines(*texts), reason)
    assert not Withdrawal.objects.exists()


def test_the_command_previews_and_withdraws_and_writes_what_is_not_found(project, tmp_path, capsys):
    prompt = about(project, "10.1000/a")
    path, rest = tmp_path / "rw.csv", tmp_path / "rest.txt"
    path.write_text(RETRACTION_WATCH)
    wanted = {"project": project.slug, "list": path, "inline": True}
    call_command("withdraw", "source", dry_run=True, unmatched=rest, **wanted)
    said = capsys.readouterr().out
    assert "3 lines: 1 found, 0 withdrawn before, 2 that name nothing" in said
    assert "line 2: 10.1000/A (1 prompts)" in said
    assert "line 4: unavailable (nothing of this project)" in said
    assert "Would withdraw 1 prompts" in said
    assert rest.read_text() == "unavailable\nhttps://doi.org/10.1000/none\n"
    assert not Withdrawal.objects.exists()
    with pytest.raises(CommandError, match="Say why"):
        call_command("withdraw", "source", **wanted)
    call_command("withdraw", "source", reason="Retracted.", **wanted)
    assert "Source 10.1000/A: 1 prompts are withdrawn." in capsys.readouterr().out
    assert state_of(prompt) == State.REJECTED
    with pytest.raises(CommandError, match="withdrawn before"):
        call_command("withdraw", "source", reason="Retracted.", **wanted)


@pytest.mark.parametrize(
    ("value", "options", "said"),
    [
        ("", {}, "Say which"),
        ("10.1/a", {"list": "x"}, "one of the two"),
        ("10.1/a", {"column": "doi"}, "goes with --list"),
    ],
)
def test_the_command_refuses_what_is_mixed(project, value, options, said):
    with pytest.raises(CommandError, match=said):
        call_command("withdraw", "source", *filter(None, [value]), project=project.slug, inline=True, **options)


def test_what_another_withdrawal_took_before_is_told(project, capsys):
    about(project, "10.1000/a", licence="X")
    withdraw(project, "licence", "X")
    call_command("withdraw", "source", "10.1000/a", project=project.slug, reason="Retracted.", inline=True)
    assert "1 more of it had been withdrawn before, by Licence X" in capsys.readouterr().out


def test_a_preview_tells_prompts_that_are_withdrawn_already_from_the_others(project, capsys):
    gone = about(project, "10.1000/a")
    about(project, "10.1000/a", domain="optics")
    hold(factories.release(project), gone)
    withdraw(project, "row", gone.project.releases.get().rows.get().row_id)
    call_command("withdraw", "source", "10.1000/a", project=project.slug, dry_run=True)
    assert "Would withdraw 1 of 2 prompts (1 accepted, 1 rejected)." in capsys.readouterr().out
