"""Names that files and people bring along: pages show them as text, keep working, and lead nowhere by them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from curation.models import State
from tests import factories

pytestmark = pytest.mark.django_db
ODD = "a/b <script>alert(1)</script> \"'?#%2f&"
PAGES = ["", "prompts/", "templates/", "quality/", "releases/new/", "runs/start/", "settings/", "review/"]


@pytest.fixture
def manager(project):
    return factories.client(factories.member(project, "manager"))


@pytest.fixture
def odd(project):
    document = factories.document(project, locator="javascript:alert(1)", title=ODD, domain=ODD, licence=ODD)
    return factories.prompt(
        project, State.TO_REVIEW, task_type=ODD, document=document, domain=ODD, answer=ODD, user_prompt=ODD
    )


def test_no_page_stumbles_over_an_odd_name_or_runs_it(project, manager, odd):
    for page in [*PAGES, f"prompts/{odd.key}/", f"review/{odd.key}/"]:
        answer = manager.get(f"/p/{project.slug}/{page}")
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.text, page
        assert 'href="javascript' not in answer.text, page


def test_the_template_of_an_oddly_named_task_has_its_page(project, manager, odd):
    address = reverse("template_edit", args=[project.slug, odd.task_type])
    assert escape(address) in manager.get(f"/p/{project.slug}/templates/").text
    assert manager.get(address).status_code == 200


@pytest.mark.parametrize(
    "name", ["数" * 120 + ".csv", "x" * 300 + ".csv", "../../../etc/passwd.csv", "..\\..\\boot.csv", "...csv"]
)
def test_an_upload_stays_in_its_folder_whatever_its_name(project, manager, name):
    file = SimpleUploadedFile(name, b"context\nA passage about 5 nm films of zinc.\n")
    assert manager.post(f"/p/{project.slug}/import/", {"file": file}).status_code == 302
    stored = [path for path in (project.data_dir / "uploads").rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert stored[0].name.endswith("csv")
    assert stored[0].parent.parent == project.data_dir / "uploads"


def test_a_broken_upload_is_refused_in_words(project, manager):
    file = SimpleUploadedFile("broken.parquet", b"PAR1 and no more")
    page = manager.post(f"/p/{project.slug}/import/", {"file": file}, follow=True)
    assert page.status_code in (200, 422)
    assert "Parquet" in page.text
