"""A release is locked until rows drawn by chance from it were looked at, where the project says so."""

from dataclasses import dataclass

import pytest

from curation.models import Audit, AuditSettled, Event
from pipeline.releasing import auditing
from tests import factories

pytestmark = pytest.mark.django_db


@dataclass
class Row:
    row_id: str
    prompt_id: int
    response_id: int


def rows_of(prompts):
    return [Row(f"{prompt.key}", prompt.pk, prompt.current_response_id) for prompt in prompts]


@pytest.fixture
def project():
    return factories.project("Films", split_seed="a seed", paired=False, audit_sample=3)


@pytest.fixture
def rows(project):
    return rows_of([factories.accepted(project) for _ in range(8)])


@pytest.fixture
def ada():
    return factories.user("ada")


def look_at_all(audit, by, bad=()):
    for item in audit.items.all():
        audit = audit.look(item, item.row_id in bad, by=by)
    return audit


def ids(audit):
    return list(audit.items.values_list("row_id", flat=True))


@pytest.mark.parametrize(("sample", "count"), [(0, 8), (3, 0)])
def test_without_a_lock_or_rows_nothing_is_audited(project, rows, sample, count):
    project.audit_sample = sample
    assert auditing.lock(project, {}, rows[:count]) == (None, "")
    assert not Audit.objects.exists()


def test_rows_are_drawn_and_the_release_waits(project, rows, ada):
    audit, why = auditing.lock(project, {"include": "accepted"}, rows, by=ada)
    assert (audit.rows, audit.size, audit.allowed, audit.created_by) == (8, 3, 0, ada)
    assert audit.recipe == {"include": "accepted"}
    assert why == (
        f"Audit {audit.pk} comes first: 3 of the 3 rows drawn from 8 are still to be looked at; 0 are allowed to be "
        "bad. Build again when it has passed."
    )
    assert Event.objects.get(kind="audit_drawn").detail == {"audit": audit.pk, "rows": 8, "size": 3, "known": 0}


def test_the_same_rows_have_one_audit_in_whatever_order_they_come(project, rows):
    first, _ = auditing.lock(project, {}, rows)
    assert auditing.lock(project, {}, rows[::-1])[0] == first


def test_the_sample_depends_on_the_rows_and_the_seed_alone(rows):
    one = auditing.drawn(rows, 3, "a seed")
    assert one == auditing.drawn(rows[::-1], 3, "a seed")
    assert one != auditing.drawn(rows, 3, "another seed") or one != auditing.drawn(rows, 3, "a third seed")
    assert one != auditing.drawn(rows, 3, "a seed", order=1) or one != auditing.drawn(rows, 3, "a seed", order=2)


def test_every_row_is_drawn_about_equally_often():
    rows = [Row(f"row {number}", number, number) for number in range(20)]
    times = dict.fromkeys(range(20), 0)
    for seed in range(400):
        for row in auditing.drawn(rows, 5, f"seed {seed}"):
            times[row.prompt_id] += 1
    assert all(60 < number < 145 for number in times.values())  # 100 expected, five standard deviations either way


def test_a_sample_larger_than_the_release_takes_every_row(project, rows):
    project.audit_sample = 50
    project.save()
    assert ids(auditing.lock(project, {}, rows)[0]) == sorted(row.row_id for row in rows)


def test_a_passed_audit_opens_the_lock(project, rows, ada):
    audit = look_at_all(auditing.lock(project, {}, rows)[0], ada)
    assert (audit.state, audit.ended_by) == ("passed", ada)
    assert auditing.lock(project, {}, rows) == (audit, "")


def test_one_bad_row_too_many_fails_at_once(project, rows, ada):
    audit, _ = auditing.lock(project, {}, rows)
    audit = audit.look(audit.items.first(), True, by=ada)
    assert audit.state == "failed"
    assert "found 1 bad among 1 rows looked at; 0 are allowed" in auditing.lock(project, {}, rows)[1]


def test_as_many_bad_rows_as_are_allowed_pass(project, rows, ada):
    project.audit_allowed = 1
    project.save()
    audit, _ = auditing.lock(project, {}, rows)
    assert look_at_all(audit, ada, bad=ids(audit)[:1]).state == "passed"


def test_a_verdict_can_be_changed_and_the_history_keeps_the_first(project, rows, ada):
    audit, _ = auditing.lock(project, {}, rows)
    look_at_all(audit, ada, bad=ids(audit)[:1])
    audit = audit.look(audit.items.first(), False, note="Read wrongly", by=ada)
    assert (audit.state, audit.items.first().note) == ("passed", "Read wrongly")
    said = [(event.detail["was"], event.detail["bad"]) for event in Event.objects.filter(kind="audited")]
    assert said == [(None, True), (None, False), (None, False), (True, False)]


def test_nothing_changes_once_a_release_stands_on_it(project, rows, ada):
    audit = look_at_all(auditing.lock(project, {}, rows)[0], ada)
    factories.release(project, audit=audit)
    with pytest.raises(AuditSettled, match="a release stands on it"):
        audit.look(audit.items.first(), True, by=ada)
    assert audit.found() == {"looked": 3, "bad": 0}


def test_an_override_needs_a_reason_and_opens_the_lock(project, rows, ada):
    audit, _ = auditing.lock(project, {}, rows)
    with pytest.raises(ValueError, match="a written reason"):
        audit.override("  ", ada)
    audit.override("Only the layout is wrong.", ada)
    held, why = auditing.lock(project, {}, rows)
    assert (held, why, held.override_reason) == (audit, "", "Only the layout is wrong.")
    assert Event.objects.get(kind="audit_overridden").detail["reason"] == "Only the layout is wrong."
    with pytest.raises(AuditSettled):
        audit.override("Again.", ada)
    with pytest.raises(AuditSettled):
        audit.look(audit.items.first(), True, by=ada)


def test_rows_that_are_drawn_again_keep_their_verdict(project, rows, ada):
    project.audit_sample = 6
    project.save()
    audit = look_at_all(auditing.lock(project, {}, rows)[0], ada)
    gone = ids(audit)[0]
    again, why = auditing.lock(project, {}, [row for row in rows if row.row_id != gone])
    assert again != audit
    assert set(ids(audit)) - {gone} < set(ids(again))
    assert again.found() == {"looked": 5, "bad": 0}
    assert "1 of the 6 rows drawn from 7" in why


def test_taking_out_the_bad_rows_alone_does_not_make_a_sample_of_the_good_ones(project):
    rows = rows_of([factories.accepted(project) for _ in range(40)])
    project.audit_sample = 20
    project.save()
    ada = factories.user("ada")
    first, _ = auditing.lock(project, {}, rows)
    bad = ids(first)[:3]
    look_at_all(first, ada, bad=bad)
    again, _ = auditing.lock(project, {}, [row for row in rows if row.row_id not in bad])
    same_order = auditing.drawn([row for row in rows if row.row_id not in bad], 20, "a seed")
    assert set(ids(again)) != {row.row_id for row in same_order}
    assert again.found()["bad"] == 0
    assert again.state == "open"


def test_a_stricter_setting_asks_for_a_new_audit_and_a_laxer_one_does_not(project, rows, ada):
    audit = look_at_all(auditing.lock(project, {}, rows)[0], ada)
    project.audit_sample, project.audit_allowed = 2, 1
    project.save()
    assert auditing.lock(project, {}, rows) == (audit, "")
    project.audit_sample = 5
    project.save()
    again, why = auditing.lock(project, {}, rows)
    assert again != audit
    assert "of the 5 rows" in why
    assert again.found()["looked"] == 3  # what was looked at is drawn again, and known


def test_other_projects_verdicts_are_their_own(project, rows, ada):
    look_at_all(auditing.lock(project, {}, rows)[0], ada)
    other = factories.project("Other", split_seed="a seed", audit_sample=3)
    audit, _ = auditing.lock(other, {}, rows)
    assert audit.found() == {"looked": 0, "bad": 0}
