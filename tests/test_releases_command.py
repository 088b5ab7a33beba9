"""export_sft: every choice of a recipe from the command line, and the finished folder where it is wanted."""

import json
import resource

import pytest
from django.core.management import CommandError, call_command

from curation.models import Release, ReleaseRecipe
from pipeline.management.commands.export_sft import Command as ExportSft
from pipeline.releasing import checking, writing
from pipeline.releasing.verifying import verify
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    made = factories.project("Films", split_seed="a seed", paired=False)
    for domain in ("optics", "acoustics"):
        for _ in range(3):
            factories.accepted(made, domain=domain)
    return made


def export(project, **options):
    call_command("export_sft", project=project.slug, inline=True, **options)
    return Release.objects.filter(project=project).order_by("version").last()


def test_a_release_is_made_and_copied(project, tmp_path, capsys):
    out = tmp_path / "deep" / "films"
    release = export(project, out=out)
    said = capsys.readouterr().out
    assert f"Release 1: 6 rows in {release.directory}, version 1.0.0" in said
    assert f"copied to {out}" in said
    for entry in release.files:
        assert (out / entry["path"]).read_bytes() == (release.directory / entry["path"]).read_bytes()
    assert sorted(path.name for path in out.parent.iterdir()) == ["films"]


def test_a_full_disk_is_a_sentence(project, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.File, "write", full)
    with pytest.raises(CommandError, match=r"^Writing a file: No space left on device\.$"):
        export(project)
    assert not Release.objects.filter(state="published").exists()


def test_what_waits_for_its_other_half_is_told(capsys):
    project = factories.project("Pairs", split_seed="a seed", paired=True)
    factories.pair(project, "accepted")
    factories.pair(project, "accepted").methodology.go("to_review", "reopened")
    export(project)
    said = capsys.readouterr().out
    assert "Release 1: 2 rows" in said
    assert "accepted, and waiting for the other half of their pair: 1" in said


def test_flags_come_before_the_saved_recipe(project):
    ReleaseRecipe.objects.create(project=project, name="small", body={"domains": ["optics"], "formats": ["alpaca"]})
    release = export(project, recipe="small")
    assert release.counts["domains"] == {"optics": 3}
    assert release.recipe["formats"] == ["messages", "alpaca"]
    release = export(project, recipe="small", domains=["acoustics"])
    assert release.counts["domains"] == {"acoustics": 3}
    assert release.recipe["formats"] == ["messages", "alpaca"]


def test_a_recipe_comes_from_a_file_and_is_kept_under_a_name(project, tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text("cap_per_domain: 2\nshares: {train: 1}\n")
    release = export(project, recipe=str(path), save_recipe="two each")
    assert release.counts["domains"] == {"acoustics": 2, "optics": 2}
    assert release.counts["over_cap"] == 2
    assert release.counts["splits"] == {"train": 4}
    assert ReleaseRecipe.objects.get().body == {"cap_per_domain": 2, "shares": {"train": 1}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": "none of this name"}, "There is no recipe 'none of this name', and no such file; saved are: kept."),
        ({"min_score": 101.0}, "min_score: Input should be less than or equal to 100."),
        ({"domains": ["botany"]}, "Nothing that is accepted has the task types and domains"),
        ({"recipe": "[formats, messages"}, "is no YAML"),
        ({"recipe": "formats: messages"}, "formats: a list is expected, such as \\[a, b\\]."),
        ({"recipe": "domain_caps: 5"}, "domain_caps: a mapping is expected, such as {name: value}."),
        ({"recipe": "shares: {train: 0.9, val: 0.1}"}, "shares.val: Input should be 'train', 'validation' or 'test'."),
        ({"recipe": "fromats: [kto]"}, "fromats is no key of a recipe"),
        ({"recipe": "seed: [1]"}, "seed: Input should be a valid string."),
    ],
)
def test_what_is_wrong_is_said(project, tmp_path, options, said):
    if set(options.get("recipe", "")) & set(":["):
        (tmp_path / "recipe.yaml").write_text(options["recipe"])
        options = {"recipe": str(tmp_path / "recipe.yaml")}
    ReleaseRecipe.objects.create(project=project, name="kept")
    with pytest.raises(CommandError, match=said):
        export(project, **options)
    assert not Release.objects.exists()


def test_a_seed_may_be_a_number(project, tmp_path):
    (tmp_path / "seed.yaml").write_text("seed: 42\n")
    release = export(project, recipe=str(tmp_path / "seed.yaml"))
    assert release.recipe["seed"] == "42"
    assert export(project, seed="42") == release


def test_a_format_without_a_row_and_a_name_of_nothing_are_told(project, tmp_path, capsys):
    (tmp_path / "caps.yaml").write_text("domain_caps: {botany: 1}")
    export(project, recipe=str(tmp_path / "caps.yaml"), formats=["alpaca", "kto", "pairs"], not_domains=["Optics"])
    said = capsys.readouterr()
    assert "  kto: no rows, so there is no such file\n" in said.out
    assert "  pairs: left out, since the project keeps no pairs\n" in said.out
    assert "not_domains: no prompt of the project has 'Optics'; there are: acoustics, optics." in said.err
    assert "domain_caps: no prompt of the project has 'botany'; there are: acoustics, optics." in said.err


def test_what_is_asked_of_nothing_is_told_in_a_dry_run_too(project, capsys):
    export(project, dry_run=True, task_types=["hypothesis", "hypotheses"])
    assert "task_types: no prompt of the project has 'hypotheses'; there are: hypothesis." in capsys.readouterr().err


def test_names_that_there_are_need_no_word(project, capsys):
    export(project, dry_run=True, domains=["optics"], not_domains=["acoustics"], task_types=["hypothesis"])
    assert "no prompt of the project" not in capsys.readouterr().err


def test_a_folder_with_something_in_it_is_not_written_to(project, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CommandError, match="is there already"):
        export(project, out=tmp_path)
    assert not Release.objects.exists()


def test_nothing_is_written_into_a_release(project, tmp_path):
    export(project, out=tmp_path / "copy")
    release = Release.objects.get()
    for folder in (release.directory, tmp_path / "copy"):
        with pytest.raises(CommandError, match="a release never changes"):
            export(project, out=folder / "more")
        with pytest.raises(CommandError, match="a release never changes"):
            call_command("to_sft", project=project.slug, inline=True, dst_jsonl=folder / "jsonl/messages/train.jsonl")
        verify(folder)
    assert Release.objects.count() == 1


def test_what_cannot_be_copied_is_made_all_the_same(project, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CommandError, match=r"It cannot be copied to .*file/films: .* The release itself is made: "):
        export(project, out=tmp_path / "file" / "films")
    assert Release.objects.get().state == Release.State.PUBLISHED


def test_a_full_disk_leaves_no_half_copy(project, tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    export(project)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(CommandError, match="It cannot be copied to .*/films: .*File too large"):
            ExportSft()._copy(Release.objects.get(), tmp_path / "films")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_nothing(project, capsys):
    assert export(project, dry_run=True, save_recipe="kept", cap_per_domain=1) is None
    assert "Would release up to 6 rows." in capsys.readouterr().out
    assert not ReleaseRecipe.objects.exists()


def test_a_release_that_fails_its_checks_stays_a_draft(project, tmp_path, monkeypatch):
    found = checking.Report(problems=["It holds a dry run.", "And another."], figures={"loaded": []})
    monkeypatch.setattr(checking, "check", lambda *_, **__: found)
    with pytest.raises(CommandError, match="Release 1 stays a draft, in .*: It holds a dry run. And another."):
        export(project, out=tmp_path / "films")
    release = Release.objects.get()
    assert release.state == Release.State.DRAFT
    assert release.problems == found.problems
    assert json.loads((release.directory / "manifest.json").read_text())["row_count"] == 6
    assert release.rows.count() == 6  # what is withdrawn later is found in a draft too
    assert not (tmp_path / "films").exists()
    monkeypatch.undo()
    assert export(project).semver == "1.0.0"


def test_splits_and_formats_are_told_in_their_own_order(project, capsys):
    """PostgreSQL gives the keys of JSON back by their length."""
    release = export(project, formats=["alpaca", "prompt_completion"])
    counts = {"train": 3, "test": 1, "validation": 2}, {"alpaca": {"train": 6}, "messages": {"train": 6}}
    Release.objects.update(counts=release.counts | dict(zip(("splits", "formats"), counts, strict=True)))
    capsys.readouterr()
    export(project, formats=["alpaca", "prompt_completion"])
    said = capsys.readouterr().out
    assert "  train: 3\n  validation: 2\n  test: 1\n  messages: 6 rows\n  alpaca: 6 rows\n" in said
