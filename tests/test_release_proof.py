"""rows.parquet ties every row to prompt, answer, rules, decisions and source; who decided is told by no name."""

import hashlib
import json

import pyarrow.parquet as pq
import pytest

from curation.models import Release, State, TeacherResponse
from pipeline.releasing import proof
from pipeline.releasing.verifying import verify
from tests import factories
from tests.running import run

pytestmark = pytest.mark.django_db


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False, pseudonym_key="a key")


def released(project):
    run(project, "package")
    release = Release.objects.filter(project=project).latest("version")
    assert (release.state, release.problems) == ("published", [])
    return release


def rows_of(release):
    return {row["prompt_key"]: row for row in pq.read_table(release.directory / proof.NAME).to_pylist()}


def test_a_row_says_what_stands_behind_it(project):
    document = factories.document(project, locator="doi:10.1/x", licence="CC-BY-4.0", title="Iron")
    prompt = factories.accepted(project, document=document, answer="An answer with twelve words in it, which is long.")
    response = prompt.current_response
    used = {"hypothesis": {"version": 3, "sha256": "a" * 64}, "system": {"version": 1, "sha256": "b" * 64}}
    TeacherResponse.objects.filter(pk=response.pk).update(templates=used, candidate=2)
    rules = factories.filter_result(response).ruleset
    gate = factories.gate_result(response, score=91.5).ruleset
    row = rows_of(released(project))[prompt.key]
    text = response.text
    assert row == row | {
        "id": sha256(f"{prompt.key}\n{text}"),
        "text_sha256": sha256(text),
        "teacher_text_sha256": sha256(text),
        "split": "train",
        "status": "accepted",
        "teacher": "stand-in",
        "model": "stand-in",
        "attempt": 1,
        "candidate": 2,
        "resolved_by": "consensus",
        "decisions": [],
        "gate_score": 91.5,
        "filters_sha256": rules.sha256,
        "gate_sha256": gate.sha256,
        "templates": [
            {"name": "hypothesis", "version": 3, "sha256": "a" * 64},
            {"name": "system", "version": 1, "sha256": "b" * 64},
        ],
        "source_sha256": document.content_hash,
        "locator": "doi:10.1/x",
        "licence": "CC-BY-4.0",
        "title": "Iron",
    }


@pytest.mark.parametrize(
    ("document", "metadata", "expected"),
    [
        (None, {"licence": "CC0-1.0", "locator": "doi:10.1/y", "title": "Zinc"}, ("CC0-1.0", "doi:10.1/y", "Zinc")),
        (None, {"license": "MIT"}, ("MIT", "", "")),
        (None, {"licence": 4, "title": ["Zinc"]}, ("", "", "")),
        (None, [1], ("", "", "")),
        ({"locator": "doi:10.1/x"}, {"license": "MIT", "locator": "doi:10.1/y"}, ("MIT", "doi:10.1/x", "")),
    ],
)
def test_what_no_source_text_says_of_a_source_is_what_the_prompts_own_row_said(project, document, metadata, expected):
    empty = {"locator": "", "licence": "", "title": ""}
    document = document and factories.document(project, **empty | document)
    prompt = factories.accepted(project, document=document, metadata=metadata)
    row = rows_of(released(project))[prompt.key]
    assert (row["licence"], row["locator"], row["title"]) == expected


def test_decisions_are_those_that_count_and_name_nobody(project):
    people = [factories.member(project, "reviewer", name=name) for name in ("maria", "jan", "ada")]
    prompt = factories.prompt(project, State.ACCEPTED)
    response = prompt.current_response
    factories.annotation(response, people[0], "accept", edited_text=f"{response.text} More.", reasons=["vague", "long"])
    factories.annotation(response, people[1], "accept")
    factories.annotation(response, people[2], "reject", current=False)
    factories.annotation(response, people[2], "accept", purpose="gold")
    factories.resolution(response, text=f"{response.text} More.", edited=True)
    release = released(project)
    row = rows_of(release)[prompt.key]
    told = {each["reviewer"]: each for each in row["decisions"]}
    maria, jan = (proof.pseudonym(project, name) for name in ("maria", "jan"))
    assert told == {
        maria: {"action": "accept", "reviewer": maria, "edited": True, "reasons": ["long", "vague"]},
        jan: {"action": "accept", "reviewer": jan, "edited": False, "reasons": []},
    }
    assert [each["reviewer"] for each in row["decisions"]] == sorted(told)
    assert row["status"] == "edited"
    assert row["teacher_text_sha256"] == sha256(response.text) != row["text_sha256"]
    for path in release.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(word in content for word in (b"maria", b"a key"))


def test_a_pseudonym_stays_in_a_project_and_says_nothing_in_another(project):
    other = factories.project()
    assert proof.pseudonym(project, "ada") == proof.pseudonym(project, "ada")
    assert proof.pseudonym(project, "ada") not in (proof.pseudonym(other, "ada"), proof.pseudonym(project, "Ada"))
    assert other.pseudonym_key not in ("", project.pseudonym_key, other.split_seed)


def test_the_newest_verdict_is_the_one_that_is_proved(project):
    prompt = factories.accepted(project)
    for limit in (100, 110):
        rules = factories.ruleset(project, body={"min_char_length": limit})
        factories.filter_result(prompt.current_response, ruleset=rules)
    assert rows_of(released(project))[prompt.key]["filters_sha256"] == rules.sha256


def test_a_release_of_every_kind_of_row_holds(project):
    project.paired = True
    project.save()
    for number in range(12):
        pair = factories.pair(project, State.ACCEPTED, locator=f"doc:{number}", title=f"Titre {number} é")
        for prompt in (pair.hypothesis, pair.methodology):
            response = prompt.current_response
            if number % 3 == 0:
                factories.resolution(response, text=f"{response.text}\n\u2028Edited µ.", edited=True, reasons=["vague"])
            else:
                factories.resolution(response, by="policy" if number % 3 == 1 else "consensus")
    worse = factories.accepted(project, task_type="other", answer="The first answer, of too few words.")
    factories.filter_result(worse.current_response, failed=["min_word_count"])
    factories.resolution(factories.response(worse, "The second answer, which has words enough."))
    recipe = {"formats": ["messages", "prompt_completion", "pairs", "sharegpt", "alpaca", "preference", "kto"]}
    run(project, "package", recipe=recipe)
    release = Release.objects.get()
    assert (release.state, release.problems) == ("published", [])
    assert release.counts["formats"].keys() == set(recipe["formats"])
    told = []
    verify(release.directory, told=told.append)
    assert "pairs 12" in told[-2]
    assert release.report["shared_groups"] == 0
    loaded = {(each["config"], each["split"]): each["rows"] for each in release.report["loaded"]}
    assert sum(rows for (config, _), rows in loaded.items() if config == "default") == release.counts["rows"]


def test_the_manifest_is_the_one_of_the_record(project):
    factories.accepted(project)
    release = released(project)
    said = json.loads((release.directory / "manifest.json").read_text())
    assert said == release.manifest
    assert {entry["path"] for entry in release.files} == {
        path.relative_to(release.directory).as_posix() for path in release.directory.rglob("*") if path.is_file()
    }
