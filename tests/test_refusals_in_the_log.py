"""What somebody may not do is one line of the log, not a traceback: nothing is broken."""

import logging

import pytest
from django.core.exceptions import PermissionDenied

from distill_site.logs import OneLine
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_form_typed_under_another_account_is_one_line(project, caplog):
    ada, bo = factories.member(project, "reviewer"), factories.member(project, "reviewer")
    prompt = factories.prompt(project, "to_review")
    browser = factories.client(bo)
    with caplog.at_level(logging.WARNING):
        sent = browser.post(f"/p/{project.slug}/review/submit/", {"typed_by": ada.pk, "response": prompt.pk})
    assert sent.status_code == 403
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert record.exc_info is None
    assert record.levelname == "WARNING"
    said = record.getMessage()
    assert "\n" not in said
    assert f"/p/{project.slug}/review/submit/" in said
    assert "under another account" in said


def test_a_role_that_is_missing_is_one_line_too(people, project, caplog):
    with caplog.at_level(logging.WARNING):
        assert people["viewer"].get(f"/p/{project.slug}/releases/withdraw/").status_code == 403
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert (record.exc_info, "This needs the role manager" in record.getMessage()) == (None, True)


@pytest.mark.parametrize("error", [PermissionDenied("Two\nlines"), ValueError("broken")])
def test_what_is_broken_keeps_its_traceback(error):
    record = logging.LogRecord(
        "django.request", logging.ERROR, "", 1, "%s: %s", ("Said", "/x"), (type(error), error, 0)
    )
    assert OneLine().filter(record) is True
    is_broken = isinstance(error, ValueError)
    assert (record.exc_info is not None) is is_broken
    assert record.getMessage() == ("Said: /x" if is_broken else "Said: /x: Two lines")
