"""explain tells a row's whole life from its id: releases, withdrawals, proof, and every event of its prompt."""

import json

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from curation.models import Release, State, TeacherResponse
from pipeline.formats import row_id
from pipeline.releasing.explaining import NotOneRow, explain, told
from tests import factories
from tests.running import run
from tests.withdrawals import withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    project = factories.project("Films", slug="films", split_seed="a seed", paired=False)
    for number in range(3):
        document = factories.document(project, locator=f"doi:{number}", title=f"Source {number}")
        prompt = factories.prompt(project, State.ACCEPTED, document=document)
        reviewer = factories.member(project, "reviewer")
        factories.annotation(prompt.current_response, reviewer, "accept", comment="Well said.")
        factories.filter_result(prompt.current_response)
        factories.resolution(prompt.current_response)
    return project


def row_of(prompt):
    response = TeacherResponse.objects.with_authoritative_text().get(pk=prompt.current_response_id)
    return row_id(prompt.key, response.authoritative)


def output(capsys, *arguments):
    call_command("explain", *arguments)
    return capsys.readouterr().out


def test_a_row_is_explained_from_source_to_release(project, capsys):
    run(project, "package")
    prompt = project.prompts.first()
    row = row_of(prompt)
    said = output(capsys, row)
    for part in (row, prompt.key, "release 1.0.0 (published)", "doi:0", "Well said.", "ATTEMPT 1 (CURRENT)", "FILTERS"):
        assert part.lower() in said.lower()
    assert prompt.current_response.text.split("\n")[0][:60] in said
    found = json.loads(output(capsys, row, "--json"))
    assert found["stands"] is True
    assert found["releases"][0]["proof"]["prompt_key"] == found["life"]["key"] == prompt.key
    assert found["life"]["attempts"][0]["decisions"][0]["comment"] == "Well said."


def test_the_first_characters_of_an_id_are_enough(project):
    run(project, "package")
    row = row_of(project.prompts.first())
    assert explain(row[:8].upper())["row_id"] == row


def test_a_row_that_is_another_by_now_is_found_in_its_old_release(project):
    run(project, "package")
    prompt = project.prompts.first()
    old = row_of(prompt)
    prompt.current_response.resolutions.update(current=False)
    factories.resolution(prompt.current_response, text="Another text, by a person.", edited=True)
    run(project, "package")
    assert Release.objects.count() == 2
    found, newer = explain(old), explain(row_of(prompt))
    assert [each["semver"] for each in found["releases"]] == ["1.0.0"]
    assert [each["semver"] for each in newer["releases"]] == ["1.1.0"]
    assert (found["stands"], newer["stands"]) == (False, True)
    assert "the answer of this prompt is another one by now" in told(found)


def test_a_withdrawn_row_is_explained_with_the_reason(project, capsys):
    run(project, "package")
    row = row_of(project.prompts.first())
    withdraw(project, "source", "doi:0")
    found = explain(row)
    assert found["withdrawn"]["value"] == "doi:0"
    assert found["releases"][0]["withdrawn_since"]["reason"] == found["withdrawn"]["reason"] != ""
    assert f"withdrawn: source doi:0, {found['withdrawn']['reason']}" in told(found)


def test_a_row_that_was_left_out_is_explained_too(project):
    run(project, "package")
    release = Release.objects.get()
    prompt = factories.accepted(project)
    line = {"prompt_key": prompt.key, "row_id": row_of(prompt), "why": "near_duplicates"}
    (release.directory / "left_out.jsonl").write_text(json.dumps(line, separators=(",", ":")) + "\n")
    found = explain(row_of(prompt))
    assert found["left_out"] == [{"version": 1, "semver": "1.0.0", "why": "near_duplicates"}]
    assert "in no release" in told(found)


@pytest.fixture
def of_others():
    """{format: the first row of its Parquet file} of a release of pairs and preferences."""
    project = factories.project("Pairs", slug="pairs", split_seed="a seed")
    for number in range(2):
        pair = factories.pair(project, State.ACCEPTED, locator=f"doi:{number}")
        for prompt in (pair.hypothesis, pair.methodology):
            factories.resolution(prompt.current_response)
            about = prompt.current_response.hypothesis
            refused = factories.response(prompt, f"Worse {number}", current=False, attempt=2, hypothesis=about)
            factories.filter_result(refused, failed=["min_char_length"])
    run(project, "package", formats=["pairs", "preference", "kto"])
    release = Release.objects.get(project=project)
    tables = {name: release.directory / name for name in ("pairs", "preference", "kto")}
    rows = {name: pq.read_table(folder).to_pylist() for name, folder in tables.items()}
    return {name: next(row for row in found if not row.get("label")) for name, found in rows.items()}


def test_a_pair_leads_to_its_hypothesis_and_names_its_method(of_others):
    row = of_others["pairs"]
    found = explain(row["id"])
    assert found["row_id"] == row["hypothesis_id"]
    assert found["asked"]["made_of"] == [row["hypothesis_id"], row["methodology_id"]]
    said = told(found)
    assert said.startswith(f"row {row['id']} of hypothesis–method pairs, in {row['split']} of 1.0.0")
    assert f"made of: {row['methodology_id']}" in said


@pytest.mark.parametrize("name", ["preference", "kto"])
def test_a_preference_leads_to_the_accepted_row_and_says_what_was_refused(of_others, name):
    row = of_others[name]
    found = explain(row["id"][:12])
    assert (found["row_id"], found["asked"]["format"]) == (row["row_id"], name)
    assert found["asked"]["reasons"] == ["filter:min_char_length"]
    said = told(found)
    assert said.startswith(f"row {row['id']} of ")
    assert "filter:min_char_length" in said
    assert "attempt 2" in said.lower()


def test_rows_of_other_formats_are_found_in_their_project_alone(of_others):
    other = factories.project("Other", slug="other")
    with pytest.raises(NotOneRow, match="of project other has a row"):
        explain(of_others["preference"]["id"], other)


def test_another_project_is_not_looked_into(project):
    run(project, "package")
    other = factories.project("Other", slug="other")
    row = row_of(project.prompts.first())
    with pytest.raises(NotOneRow, match="of project other has a row"):
        explain(row, other)
    assert explain(row, project)["project"] == "films"


@pytest.mark.parametrize("wanted", ["", "abc", "x" * 64, "0" * 65, "%", "0000000'"])
def test_what_is_no_row_id_is_said(db, wanted):
    with pytest.raises(CommandError, match="no row id"):
        call_command("explain", wanted)


def test_an_unknown_row_and_project_are_said(db):
    with pytest.raises(CommandError, match="No release, withdrawal or list"):
        call_command("explain", "0" * 64)
    with pytest.raises(CommandError, match="no project 'nowhere'"):
        call_command("explain", "0" * 64, "--project", "nowhere")


def test_several_rows_that_begin_alike_are_named(project):
    run(project, "package")
    rows = Release.objects.get().rows.all()
    for number, each in enumerate(rows):
        each.row_id = f"{'a' * 60}{number:04}"
        each.save()
    with pytest.raises(NotOneRow, match="3 rows begin with aaaaaaaa"):
        explain("a" * 8)


def test_a_file_that_is_gone_keeps_nobody_from_the_life(project):
    run(project, "package")
    (Release.objects.get().directory / "rows.parquet").unlink()
    found = explain(row_of(project.prompts.first()))
    assert found["releases"][0]["proof"] is None
    assert "doi:0" in told(found)
