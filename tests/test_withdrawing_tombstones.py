"""Patches of patches: which of them a release leads to, and the one list of all that was withdrawn."""

import json

import pytest

from curation.models import Release
from pipeline.releasing import verifying
from tests.pages import text
from tests.running import run as run_stage
from tests.withdrawals import about, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def patches(project):
    """Two patches, the second of the first, of a release; returns all three."""
    for number in range(12):
        about(project, f"10.1000/{number}", text=f"Film {number} was annealed.")
    run_stage(project, "package")
    withdraw(project, "source", "10.1000/3")
    withdraw(project, "source", "10.1000/5", "Withdrawn by its editors.")
    return list(Release.objects.order_by("version"))


def buried(release):
    return json.loads((release.directory / "tombstones.json").read_text())


def test_a_patch_of_a_patch_names_what_went_earlier(patches):
    base, first, second = patches
    assert (first.base, second.base) == (base, first)
    assert "earlier" not in buried(first)
    assert [row["value"] for row in buried(second)["rows"]] == ["10.1000/5"]
    assert buried(second)["earlier"] == buried(first)["rows"]
    gone = {row["row_id"] for rows in ("rows", "earlier") for row in buried(second)[rows]}
    assert gone == set(base.tombstones.values_list("row_id", flat=True))
    assert verifying.verify(second.directory) is None


def test_a_release_leads_only_to_a_patch_without_any_withdrawn_row(people, project, patches):
    base, first, second = patches
    first_label, second_label = (f"v{each.version} ({each.semver})" for each in (first, second))
    for release in (base, first):
        for page in (f"{release.version}/", f"{release.version}/notice/"):
            said = text(people["manager"].get(f"/p/{project.slug}/releases/{page}"))
            assert second_label in said, page
            assert f"Take {first_label}" not in said, page
