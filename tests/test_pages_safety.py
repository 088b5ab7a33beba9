"""What holds on every page: no script or style of its own, escaped text, the security headers."""

import re

import pytest

from curation.models import Invitation
from tests import factories

pytestmark = pytest.mark.django_db
EVIL = "<script>alert('evil')</script>"


@pytest.fixture
def pages(project):
    """{address: client} of every page of ours, in a project where each name and text tries to be markup."""
    root = factories.user("root", superuser=True)
    project.add_member(root, "manager")
    project.name, project.notice, project.guidelines = EVIL, EVIL, EVIL
    project.save()
    document = factories.document(project, EVIL, title=EVIL, locator=EVIL)
    prompt = factories.prompt(
        project, "accepted", document=document, domain=EVIL, answer=EVIL, metadata={EVIL: EVIL}, user_prompt=EVIL
    )
    response = prompt.current_response
    factories.filter_result(response, failed=[EVIL])
    factories.judge_score(response, rationale=EVIL, flags=[EVIL], dimensions={EVIL: 3})
    factories.annotation(response, root, comment=EVIL, reasons=[EVIL], edited_text=EVIL)
    factories.resolution(response, comment=EVIL, edited=True, text=EVIL)
    prompt.events.create(project=project, kind=EVIL, detail={"reason": EVIL, "failed": [EVIL], "error": EVIL})
    run = factories.run(
        project, state="failed", error=EVIL, last_error=EVIL, counters={EVIL: 1}, parameters={EVIL: EVIL}
    )
    entry = {"path": EVIL, "bytes": 1, "sha256": EVIL}
    factories.release(project, counts={"rows": 1, "domains": {EVIL: 1}}, files=[entry], recipe={EVIL: EVIL})
    factories.release(project, version=2, state="failed", error=EVIL)
    factories.template(project, body=EVIL + "{{context}}")
    teacher = factories.teacher(EVIL, model=EVIL)
    _, token = Invitation.issue(project, "reviewer", by=root, note=EVIL)
    member = project.memberships.get(user=root)
    upload = project.data_dir / "uploads" / ("a" * 16)
    upload.mkdir(parents=True)
    (upload / "evil.csv").write_text(f"text,{EVIL}\n{EVIL},{EVIL}\n")
    below = [
        *("", "progress/", "settings/", "members/", f"members/{member.pk}/remove/", "prompts/", "prompts/?q=evil"),
        *(f"prompts/?domain={EVIL}&task_type={EVIL}&failed={EVIL}", f"prompts/{prompt.key}/", "quality/", "runs/"),
        *("quality/data/", f"quality/data/?domain={EVIL}"),
        *("runs/start/", f"runs/{run.pk}/", f"runs/{run.pk}/progress/", "import/", f"import/{'a' * 16}/"),
        *("releases/", "releases/new/", "releases/1/", "releases/2/", "templates/", "templates/hypothesis/"),
    ]
    admin = ["", "curation/prompt/", f"curation/prompt/{prompt.pk}/change/", "curation/event/", "curation/project/"]
    ours = factories.client(root)
    return {
        **{f"/p/{project.slug}/{path}": ours for path in below},
        **dict.fromkeys(["/", "/projects/new/", "/password/", "/teachers/", f"/teachers/{teacher.pk}/"], ours),
        **{f"/admin/{path}": ours for path in admin},
        "/login/": factories.client(),
        f"/invitation/{token}/": factories.client(),
    }


def test_no_page_lets_a_text_become_markup_or_carries_a_script_of_its_own(pages):
    for address, client in pages.items():
        response = client.get(address)
        page = response.content.decode()
        assert response.status_code == 200, address
        assert EVIL not in page, address
        assert "<script>" not in page, f"{address}: an inline script"
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page), f"{address}: an inline style or handler"
        assert "<style" not in page, address


def test_every_page_carries_the_policy(pages):
    for address, client in pages.items():
        headers = client.get(address).headers
        assert "script-src 'self';" in headers["Content-Security-Policy"], address
        assert "unsafe" not in headers["Content-Security-Policy"], address
        assert headers["X-Frame-Options"] == "DENY", address
        assert headers["X-Content-Type-Options"] == "nosniff", address


def test_every_form_that_changes_something_carries_its_token(pages):
    for address, client in pages.items():
        for form in re.findall(r'<form[^>]*method="post".*?</form>', client.get(address).content.decode(), re.S):
            assert "csrfmiddlewaretoken" in form, f"{address}: {form[:120]}"


def test_a_page_that_is_not_there_looks_like_ours(client):
    client.force_login(factories.user())
    response = client.get("/p/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_too_low_a_role_is_told_which_one_it_takes(people, project):
    response = people["viewer"].get(f"/p/{project.slug}/settings/")
    assert response.status_code == 403
    assert "This needs the role manager" in response.content.decode()
