"""Purged: every text of what was withdrawn is gone, every hash and every decision is there."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import signal
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models

from curation import searching
from curation.models import Call, Prompt, Release, State, TeacherResponse
from curation.withdrawing import blanking
from curation.withdrawing.needles import Needles
from pipeline import formats, jobs
from pipeline.releasing import copies, patching, purging, verifying
from tests import factories
from tests.killed import run_script
from tests.running import run as run_stage
from tests.withdrawals import withdraw

OURS = list(apps.get_app_config("curation").get_models())
pytestmark = pytest.mark.django_db
SECRET = "Xylophone memristors sang loudly at noon"  # in every text of the purged source, and nowhere else


def everything_said(project, locator, number, secret=SECRET):
    """An accepted pair with every kind of text about it."""
    teller = factories.member(project, "manager")
    pair = factories.pair(
        project, State.ACCEPTED, locator=locator, text=f"{secret}, and film {number} was annealed for an hour."
    )
    for prompt in (pair.hypothesis, pair.methodology):
        Prompt.objects.filter(pk=prompt.pk).update(
            metadata={"abstract": secret}, system_prompt=secret, error_detail=secret
        )
        call = factories.call(project, request={"messages": [{"content": secret}]}, raw_reply=json.dumps({"a": secret}))
        first = prompt.current_response
        TeacherResponse.objects.filter(pk=first.pk).update(
            **{"call": call, "text": f"{secret} {number} {prompt.task_type}", "fields": {"statement": secret}},
            **{
                "thinking": secret,
                "refusal": secret,
                "parse_error": secret,
                "sent_user": secret,
                "sent_system": secret,
            },
            metadata={"imported_text": secret},
        )
        first.refresh_from_db()
        refused = factories.response(prompt, f"{secret}, refused.", current=False)
        result = factories.filter_result(refused, failed=["ban_citations"])
        result.measurements[0]["note"] = secret
        result.save()
        factories.gate_result(
            refused, reasons=["low_factuality"], measurements=[{"rule": "factuality", "note": secret}]
        )
        said_by = {"rationale": secret, "dimensions": {"a": {"score": 3, "why": secret}}}
        factories.judge_score(first, score=88, call=factories.call(project, raw_reply=secret), **said_by)
        factories.judge_score(refused, score=None, error=secret)
        factories.annotation(first, teller, edited_text=f"{secret} edited {number}", comment=secret)
        factories.resolution(first, text=f"{secret} edited {number} {prompt.task_type}", edited=True, comment=secret)
        factories.draft(refused, teller, text=[secret])
        factories.gold(refused, note=secret)
        factories.comment(prompt, teller, secret)
        factories.flag(prompt, teller, secret, answer=secret)
        factories.complaint(refused, words=secret)
        factories.fingerprint(prompt, signature=b"x" * 8)
        prompt.events.create(project=project, kind="reopened", detail={"reason": secret})
        prompt.events.create(project=project, kind="parked", detail={"error": secret, "error_class": "server_error"})
        change = factories.change(project, teller, prompt, kind="fix", action="fix")
        change.detail = {"words": [[secret, "other"]], "left": []}
        change.save()
    return pair


@pytest.fixture
def project():
    project = factories.project("Films", split_seed="a seed", paired=True)
    for number in range(10):
        everything_said(
            project, f"10.1000/{number}", number, f"Plain films were annealed in run {number} of the series"
        )
    return project


@pytest.fixture
def secret(project):
    return everything_said(project, "10.1000/secret", 99)


@pytest.fixture
def released(project, secret):
    run_stage(project, "package", formats=list(formats.FORMATS))
    release = Release.objects.get()
    assert release.state == "published", release.problems or release.error
    return release


def where_it_stands(needle=SECRET):
    """Every field of every table that holds the words, as Model.field."""
    found = set()
    for model in OURS:
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.TextField | models.CharField | models.JSONField | models.BinaryField)
        ]
        for row in model.objects.values(*names) if names else ():
            found |= {f"{model.__name__}.{name}" for name, value in row.items() if needle in str(value)}
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT count(*) FROM curation_search WHERE curation_search MATCH 'xylophone'")
        else:
            cursor.execute("SELECT count(*) FROM curation_search WHERE words @@ 'xylophone'::tsquery")
        found |= {"the search index"} if cursor.fetchone()[0] else set()
    return found


def files_with(project, needle=SECRET):
    return {
        path.relative_to(project.data_dir).as_posix()
        for path in project.data_dir.rglob("*")
        if path.is_file() and copies.stands_in(path, Needles([needle]))
    }


def purge(project, withdrawal):
    ended = run_stage(project, "purge", withdrawal=withdrawal.pk)
    assert ended.state == "finished", ended.error
    withdrawal.refresh_from_db()
    return ended


def test_no_text_of_it_is_left_anywhere_and_all_else_is(project, secret, released):
    factories.overlap(secret.hypothesis, words=SECRET)
    searching.catch_up()
    assert len(where_it_stands()) > 25
    assert where_it_stands() >= {"Call.request", "Call.raw_reply", "the search index", "Draft.body", "Change.detail"}
    assert files_with(project)
    counted = {model: model.objects.count() for model in OURS if model.__name__ not in ("Draft", "Event")}
    keys = list(Prompt.objects.order_by("pk").values_list("pk", "key", "group_key", "domain"))
    hashes = list(project.documents.order_by("pk").values_list("content_hash", "locator", "title", "licence"))
    paid = list(Call.objects.order_by("pk").values_list("payload_hash", "cost", "total_tokens"))
    others = list(Prompt.objects.exclude(document__locator="10.1000/secret").order_by("pk").values())
    withdrawal = withdraw(project, "source", "10.1000/secret", "A court said so.")
    purge(project, withdrawal)
    assert where_it_stands() == set()
    assert files_with(project) == set()
    grown = ("Run", "Release", "ReleaseRow", "Withdrawal", "Tombstone", "Tally")
    fewer = {model.__name__ for model, n in counted.items() if model.objects.count() != n}
    assert fewer - set(grown) == set()
    assert keys == list(Prompt.objects.order_by("pk").values_list("pk", "key", "group_key", "domain"))
    assert hashes == list(project.documents.order_by("pk").values_list("content_hash", "locator", "title", "licence"))
    assert paid == list(Call.objects.order_by("pk").values_list("payload_hash", "cost", "total_tokens"))
    assert others == list(Prompt.objects.exclude(document__locator="10.1000/secret").order_by("pk").values())
    assert secret.hypothesis.current_response.annotations.get().action == "accept"
    assert withdrawal.purged_at


def test_it_says_which_releases_no_longer_verify_and_the_patch_does(project, secret, released):
    withdrawal = withdraw(project, "source", "10.1000/secret", "A court said so.")
    manifest = (released.directory / "manifest.json").read_bytes()
    ended = purge(project, withdrawal)
    said = purging.purged_so_far(withdrawal)
    assert [each["version"] for each in said["releases"]] == [1]
    assert set(said["releases"][0]["files"]) == set(purging.missing(released))
    assert "No longer verify" in ended.notice
    assert "v1" in ended.notice
    assert (released.directory / "manifest.json").read_bytes() == manifest
    with pytest.raises(verifying.Different, match="is missing"):
        verifying.verify(released.directory)
    patch = Release.objects.get(base=released)
    assert verifying.verify(patch.directory) is None
    assert not purging.missing(patch)
    kept = [entry["path"] for entry in released.files if entry["path"] not in said["releases"][0]["files"]]
    assert "rows.parquet" in kept


def test_folders_of_releases_that_never_came_to_be_go_too(project, secret, released):
    folders = [project.data_dir / "releases" / name for name in ("v5", "v6", "v9", ".v10.part")]
    for folder in folders:
        folder.mkdir()
        (folder / "train.jsonl").write_text(SECRET)
    factories.release(project, version=5, state="failed")
    factories.release(project, version=6, state="building", run=factories.run(project, "package", state="failed"))
    # v9: its worker was killed just before the record said so, and the release found itself to be the one before it
    purge(project, withdraw(project, "source", "10.1000/secret"))
    assert not any(folder.exists() for folder in folders)
    assert files_with(project) == set()
    assert (released.directory / "manifest.json").is_file()


def packed(name, text):
    """The bytes of an upload of this name that holds the text."""
    line = json.dumps({"text": text}, ensure_ascii=name.startswith("escaped")).encode()
    if name.endswith(".parquet"):
        file = io.BytesIO()
        pq.write_table(pa.table({"text": ["Else.", text]}), file)
        return file.getvalue()
    if name.endswith((".zip", ".xlsx")):
        inner = "xl/sharedStrings.xml" if name.endswith(".xlsx") else "deep/rows.parquet"
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("first.txt", "Else.")
            archive.writestr(inner, line if name.endswith(".xlsx") else packed(inner, text))
        return file.getvalue()
    if name.endswith(".utf16.txt"):
        return text.encode("utf-16")
    squeeze = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    return squeeze.get("." + name.rpartition(".")[2], bytes)(line)


NAMES = ["rows.jsonl", "rows.csv", "rows.json.gz", "rows.parquet", "rows.json.bz2", "rows.xz", "a.zip", "book.xlsx"]
NAMES += ["escaped.jsonl", "rows.utf16.txt"]


@pytest.mark.parametrize("words", [SECRET, "二氧化钛薄膜在四百摄氏度下退火一小时后结晶"])
@pytest.mark.parametrize("name", NAMES)
def test_uploads_that_hold_it_go_and_the_others_stay(project, secret, name, words):
    project.documents.filter(pk=secret.document_id).update(text=f"{words}, ° and film 99 was annealed.")
    folder = project.data_dir / "uploads" / "0123"
    folder.mkdir(parents=True)
    (folder / "other.jsonl").write_text(json.dumps({"text": "Plain films of another kind."}) + "\n")
    (folder / "torn.parquet").write_bytes(b"PAR1 torn")
    (folder / "paper.pdf").write_bytes(b"%PDF-1.7 something")
    data = packed(name, f"µ {words}, ° and film 99 was annealed. °")
    (folder / name).write_bytes(data)
    withdrawal = withdraw(project, "source", "10.1000/secret")
    purge(project, withdrawal)
    left = {"other.jsonl", "torn.parquet", "paper.pdf", f"{name}.purged"}
    assert {path.name for path in folder.iterdir()} == left
    said = purging.purged_so_far(withdrawal)
    assert said["copies"] == [f"uploads/0123/{name}"]
    assert said["sha256"] == {f"uploads/0123/{name}": hashlib.sha256(data).hexdigest()}
    tombstone = json.loads((folder / f"{name}.purged").read_text())
    assert tombstone == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "withdrawal": withdrawal.pk}
    names = ["uploads/0123/paper.pdf", "uploads/0123/torn.parquet"]
    assert [each.partition(":")[0] for each in said["unread"]] == names


def test_an_evaluation_set_that_holds_it_stays_and_is_named(project, secret):
    folder = project.data_dir / "evaluation"
    folder.mkdir(parents=True)
    (folder / "questions.jsonl").write_text(json.dumps({"text": f"{SECRET}, and film 99 was annealed for an hour."}))
    withdrawal = withdraw(project, "source", "10.1000/secret")
    purge(project, withdrawal)
    assert purging.purged_so_far(withdrawal)["stay"] == ["evaluation/questions.jsonl"]
    assert (folder / "questions.jsonl").is_file()


def test_texts_that_cannot_be_known_again_are_counted_with_the_files_that_may_hold_them(project, secret):
    project.documents.filter(pk=secret.document_id).update(text="Too short.")
    folder = project.data_dir / "uploads"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_text('{"text": "Too short."}')
    withdrawal = withdraw(project, "source", "10.1000/secret")
    project.prompts.filter(withdrawal=withdrawal).update(context="Too short.")
    purge(project, withdrawal)
    said = purging.purged_so_far(withdrawal)
    assert (said["untold"], said["left"], said["copies"]) == (3, ["uploads/rows.jsonl"], [])


def test_a_question_that_others_ask_too_removes_no_file(project):
    asked = "Write one hypothesis about films that are annealed"
    mine = factories.prompt(project, State.ACCEPTED, document=None, context="", user_prompt=f"{asked} in air")
    factories.prompt(project, document=None, context="", user_prompt=f"{asked} in argon")
    own = factories.prompt(project, document=None, context="", user_prompt="Zirconium sang quietly in the evening")
    words, untold = blanking.telling_words(_withdrawn(project, mine, own))
    assert (words, untold) == (["Zirconium sang quietly in the evening"], 1)


def _withdrawn(project, *prompts):
    withdrawal = factories.withdrawal(project, "10.1/x")
    for prompt in prompts:
        Prompt.objects.filter(pk=prompt.pk).update(withdrawal=withdrawal, user_prompt=prompt.user_prompt[:50])
    return withdrawal


@pytest.mark.parametrize("number", [3, 400])
def test_many_words_are_looked_for_at_once(number):
    words = [f"A film number {place:04} was annealed, and then measured" for place in range(number)]
    wanted = Needles([*words, "Tüchtig geglühte Schichten über Nacht"])
    assert wanted.stand_in(b"x" * 5000 + words[number // 2].encode() + b"y" * 99)
    assert wanted.stand_in(json.dumps("Tüchtig geglühte Schichten über Nacht").replace("00fc", "00FC").encode())
    assert not wanted.stand_in(words[0].encode()[1:])
    assert not wanted.stand_in(b"and then measured" * 500)
    assert not wanted.stand_in(b"")


def test_a_tombstone_without_an_end_is_begun_again(project, secret):
    folder = project.data_dir / "uploads"
    folder.mkdir(parents=True)
    text = json.dumps({"text": f"{SECRET}, and film 99 was annealed for an hour."})
    withdrawal = withdraw(project, "source", "10.1000/secret")
    (folder / "rows.jsonl").write_text(text)
    (folder / "rows.jsonl.purged").write_text(json.dumps({"sha256": "0", "bytes": 1, "withdrawal": withdrawal.pk}))
    assert copies.removed(withdrawal) == {}
    purge(project, withdrawal)
    found = copies.removed(withdrawal)
    assert found["uploads/rows.jsonl"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_a_request_that_others_need_is_left_and_counted(project, secret):
    call = secret.hypothesis.current_response.call
    other = project.prompts.exclude(withdrawal=None).first() or project.prompts.order_by("pk").first()
    TeacherResponse.objects.filter(pk=other.current_response_id).update(call=call)
    withdrawal = withdraw(project, "source", "10.1000/secret")
    ended = purge(project, withdrawal)
    call.refresh_from_db()
    assert call.raw_reply
    assert ended.counters["shared_calls"] == 1


def test_a_request_whose_worker_died_is_found_by_its_words(project, secret):
    said = f"{SECRET}, and film 99 was annealed for an hour."
    lost = factories.call(project, state="sent", raw_reply="", request={"messages": [{"content": said}]})
    purge(project, withdraw(project, "source", "10.1000/secret"))
    lost.refresh_from_db()
    assert (lost.request, lost.state, lost.error_class) == ({}, "failed", "purged")


def test_what_is_not_withdrawn_whole_or_is_in_work_is_not_purged(project, secret):
    from curation import withdrawing

    withdrawal = withdrawing.begin(project, "source", "10.1000/secret", "A court said so.")
    assert "2 prompts of it are not withdrawn yet" in blanking.why_not_blank(withdrawal)
    ended = run_stage(project, "purge", withdrawal=withdrawal.pk)
    assert ended.state == "failed"
    withdraw(project, "source", "10.1000/secret")
    live = factories.run(project, "collect", "running")
    assert f"{live} may hold texts of it" in blanking.why_not_blank(withdrawal)
    assert SECRET in str(Prompt.objects.get(pk=secret.hypothesis.pk).context)


def test_purged_again_it_does_the_same_again(project, secret, released):
    withdrawal = withdraw(project, "source", "10.1000/secret")
    purge(project, withdrawal)
    before = purging.purged_so_far(withdrawal)
    purge(project, withdrawal)
    assert purging.purged_so_far(withdrawal)["releases"] == before["releases"]
    assert where_it_stands() == set()


def test_what_another_withdrawal_took_before_is_blanked_as_well(project, secret, released):
    prompts = [secret.hypothesis, secret.methodology]
    former = withdraw(project, "row", released.rows.get(prompt=prompts[0]).row_id)
    court = withdraw(project, "source", "10.1000/secret", "A court said so.")
    assert court.prompts.count() == 0
    assert blanking.taken(court).count() == 2
    assert [release.version for release, _ in purging.holding(court)] == [1]
    purge(project, court)
    assert where_it_stands() == set()
    assert files_with(project) == set()
    assert set(released.tombstones.values_list("withdrawal", flat=True)) == {court.pk}
    assert court.prompts.count() == 2
    assert former.prompts.count() == 0
    assert [event.detail["what"] for event in prompts[0].events.filter(kind="withdrawn")] == [str(former)]


def test_a_request_that_two_purged_sources_shared_is_blanked_with_the_second(project, secret):
    other = everything_said(project, "10.1000/other", 98)
    call = secret.hypothesis.current_response.call
    TeacherResponse.objects.filter(pk=other.hypothesis.current_response_id).update(call=call)
    purge(project, withdraw(project, "source", "10.1000/secret"))
    call.refresh_from_db()
    assert call.request
    purge(project, withdraw(project, "source", "10.1000/other"))
    call.refresh_from_db()
    assert (call.request, call.raw_reply) == ({}, "")


def test_what_was_purged_does_not_come_in_again(project, secret, tmp_path):
    from curation.importing import import_file

    document = secret.document
    row = {"text": document.text, "doi": document.locator, "domain": document.domain}
    purge(project, withdraw(project, "source", "10.1000/secret"))
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    report = import_file(project, path, {"text": "text", "locator": "doi", "domain": "domain"})
    assert (report.imported, report.rejected) == (0, 1)
    assert where_it_stands() == set()


def test_the_command_withdraws_first_and_asks(project, secret, capsys):
    wanted = {"project": project.slug, "inline": True}
    with pytest.raises(CommandError, match="--yes"):
        call_command("purge_source", "10.1000/secret", reason="A court said so.", **wanted)
    with pytest.raises(CommandError, match="Say why"):
        call_command("purge_source", "10.1000/secret", yes=True, **wanted)
    call_command("purge_source", "https://doi.org/10.1000/SECRET", reason="A court said so.", yes=True, **wanted)
    assert "the texts of 2 prompts are blank" in capsys.readouterr().out
    assert where_it_stands() == set()
    assert project.withdrawals.get().reason == "A court said so."


KILLED = """
import os, signal
import django
django.setup()
from curation.models import Run
from curation.withdrawing import blanking
from pipeline import jobs
from pipeline.releasing import purging

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{where} = die
jobs.carry_out(Run.objects.get(pk={run}))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "where", ["purging.copies.remove", "blanking._blank_machines", "blanking.blank_calls", "purging._tell"]
)
def test_killed_half_way_its_successor_ends_it(project, secret, released, where):
    withdrawal = withdraw(project, "source", "10.1000/secret")
    run = jobs.prepare(project, "purge", {"withdrawal": withdrawal.pk})
    status, said = run_script(KILLED.format(where=where, run=run.pk))
    assert status == -signal.SIGKILL, said
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == ("finished", 2, 2)
    assert where_it_stands() == set()
    assert files_with(project) == set()
    said = purging.purged_so_far(withdrawal)
    assert {each["version"] for each in said["releases"]} == {1} or not said["releases"]
    assert patching.patches_of(released)
