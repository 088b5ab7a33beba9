"""What the database itself refuses, whoever writes to it."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from curation.models import (
    Call,
    Event,
    Membership,
    Pair,
    Project,
    Prompt,
    PromptTemplate,
    Release,
    Rubric,
    Ruleset,
    Run,
    SplitAssignment,
    Teacher,
    TeacherResponse,
)
from tests import factories as make
from tests.threads import together


def a_response(project):
    return make.prompt(project, "to_review").current_response


def again(row, **changes):
    """Store a copy of `row`."""
    row.pk = None
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def change(row, **changes):
    """Change `row` as raw SQL would, past every validator."""
    type(row).objects.filter(pk=row.pk).update(**changes)


def two_current_decisions(project):
    response, reviewer = a_response(project), make.user()
    make.annotation(response, reviewer)
    make.annotation(response, reviewer, "reject", version=2)


def one_submission_twice(project):
    response, reviewer = a_response(project), make.user()
    make.annotation(response, reviewer, idempotency_key="same")
    make.annotation(response, reviewer, version=2, current=False, idempotency_key="same")


def two_current_resolutions(project):
    response = a_response(project)
    make.resolution(response)
    make.resolution(response, "reject")


REFUSED = {
    "prompt_key_once": lambda p: again(make.prompt(p)),
    "prompt_state_known": lambda p: change(make.prompt(p), state="lost"),
    "prompt_parked_says_from": lambda p: change(make.prompt(p), state="parked"),
    "prompt_answered_has_response": lambda p: change(make.prompt(p), state="to_review"),
    "response_attempt_once": lambda p: again(a_response(p)),
    "response_attempt_from_one": lambda p: change(a_response(p), attempt=0),
    "document_once": lambda p: again(make.document(p)),
    "pair_is_of_two_prompts": lambda p: Pair.objects.create(project=p, hypothesis=(h := make.prompt(p)), methodology=h),
    "a prompt is in one pair": lambda p: again(make.pair(p)),
    "project slug": lambda p: again(p),
    "project_reviews_at_least_one": lambda p: change(p, reviews_required=0),
    "project_attempts_at_least_one": lambda p: change(p, attempt_limit=0),
    "project_auto_accept_leaves_an_audit": lambda p: change(p, auto_accept_percent=100),
    "project_percents_in_range": lambda p: change(p, blind_percent=101),
    "project_checks_in_range": lambda p: change(p, gold_percent=51),
    "prompt_requires_at_least_one": lambda p: change(make.prompt(p), required=0),
    "assignment_once_each": lambda p: again(make.prompt(p).assignments.create(reviewer=make.user())),
    "draft_once_each": lambda p: again(make.draft(a_response(p), make.user())),
    "gold_action_known": lambda p: make.gold(a_response(p), "shrug"),
    "gold of a response": lambda p: again(make.gold(a_response(p))),
    "comment_sent_once": lambda p: again(make.comment(make.prompt(p), make.user(), idempotency_key="1")),
    "mention_once": lambda p: again(
        make.comment(make.prompt(p), make.user(), mentions=[make.user()]).mentions.get(),
    ),
    "view_name_once": lambda p: again(make.saved_view(p, make.user())),
    "change_kind_known": lambda p: make.change(p, make.user(), kind="mood"),
    "change_item_once": lambda p: again(make.change(p, make.user(), make.prompt(p)).items.get()),
    "tally_kind_known": lambda p: p.tallies.create(kind="mood", key="good", number=1),
    "membership_once": lambda p: again(p.add_member(make.user(), "viewer")),
    "membership_role_known": lambda p: change(p.add_member(make.user(), "viewer"), role="king"),
    "teacher_key_variable_named": lambda p: change(make.teacher(), api_key_env="SECRET_KEY"),
    "teacher_concurrency_at_least_one": lambda p: change(make.teacher(), concurrency=0),
    "template_version_once": lambda p: again(make.template(p)),
    "template_version_from_one": lambda p: change(make.template(p), version=0),
    "ruleset_version_once": lambda p: again(make.ruleset(p), sha256="another"),
    "ruleset_kind_known": lambda p: change(make.ruleset(p), kind="mood"),
    "call_bought_once": lambda p: again(make.call(p)),
    "call_answered_has_reply": lambda p: change(make.call(p), raw_reply=""),
    "call_state_known": lambda p: change(make.call(p), state="lost"),
    "batch_state_known": lambda p: change(make.batch(p), state="lost"),
    "batch_item_once": lambda p: again(make.batch(p).items.create(prompt=make.prompt(p), call=make.call(p), name="a")),
    "filter_result_once": lambda p: again(make.filter_result(a_response(p))),
    "gate_result_once": lambda p: again(make.gate_result(a_response(p))),
    "judge_score_once": lambda p: again(make.judge_score(a_response(p))),
    "judge_score_0_to_100": lambda p: make.judge_score(a_response(p), score=101),
    "judge_score_or_error, neither": lambda p: make.judge_score(a_response(p), score=None, error=""),
    "judge_score_or_error, both": lambda p: make.judge_score(a_response(p), error="Unreadable."),
    "claim_once_each": lambda p: again(
        make.prompt(p).claims.create(reviewer=make.user(), until=timezone.now()),
    ),
    "annotation_version_once": lambda p: again(make.annotation(a_response(p), make.user()), current=False),
    "annotation_one_current": two_current_decisions,
    "annotation_sent_once": one_submission_twice,
    "annotation_action_known": lambda p: make.annotation(a_response(p), make.user(), "shrug"),
    "resolution_one_current": two_current_resolutions,
    "resolution_action_known": lambda p: make.resolution(a_response(p), "shrug"),
    "run_state_known": lambda p: change(make.run(p), state="lost"),
    "release_row_once": lambda p: again(
        make.release(p).rows.create(prompt=(r := a_response(p)).prompt, response=r, row_id="a", split="train"),
    ),
    "release_recipe_name_once": lambda p: again(p.release_recipes.create(name="All of it")),
    "complaint_once": lambda p: again(make.complaint(a_response(p))),
    "complaint_source_known": lambda p: make.complaint(a_response(p), source="mood"),
    "complaint_check_once": lambda p: again(
        make.complaint(r := a_response(p)).checks.create(annotation=make.annotation(r, make.user()), met=True)
    ),
    "withdrawal_once": lambda p: again(make.withdrawal(p)),
    "withdrawal_kind_known": lambda p: make.withdrawal(p, kind="mood"),
    "tombstone_once": lambda p: again(make.withdrawal(p).tombstones.create(release=make.release(p), row_id="a")),
    "audit_state_known": lambda p: make.audit(p, state="lost"),
    "audit_size_within_rows": lambda p: make.audit(p, rows=1, size=2),
    "audit_override_has_reason": lambda p: make.audit(p, state="overridden"),
    "audit_item_once": lambda p: again(make.audit(p, a_response(p)).items.get()),
    "release_version_once": lambda p: again(make.release(p)),
    "split_group_once": lambda p: again(SplitAssignment.objects.create(project=p, group_key="g", split="train")),
    "split_known": lambda p: SplitAssignment.objects.create(project=p, group_key="g", split="dev"),
    "rubric_version_once": lambda p: again(Rubric.record(p, "factuality", {"dimensions": []}), sha256="another"),
    "fingerprint_of_prompt_once": lambda p: again(make.fingerprint(make.prompt(p))),
    "fingerprint_of_response_once": lambda p: again(make.fingerprint((r := a_response(p)).prompt, r)),
    "fingerprint_kind_fits": lambda p: change(make.fingerprint(make.prompt(p)), kind="response"),
    "evaluation_set_once": lambda p: again(make.held_out(p)),
    "overlap_of_prompt_once": lambda p: again(make.overlap(make.prompt(p))),
    "overlap_of_response_once": lambda p: again(make.overlap((r := a_response(p)).prompt, r)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses(project, name):
    with pytest.raises(IntegrityError), transaction.atomic():
        REFUSED[name](project)


def test_every_constraint_has_a_case():
    models = [model for model in vars(__import__("curation.models").models).values() if hasattr(model, "_meta")]
    named = {constraint.name for model in models for constraint in model._meta.constraints}
    assert named - {name.partition(",")[0] for name in REFUSED} == set()


def test_the_same_is_allowed_elsewhere(project):
    """Keys, versions and groups are a project's own."""
    prompt, other = make.prompt(project, context="A source."), make.project()
    assert make.prompt(other, context="A source.").key == prompt.key
    assert make.ruleset(project).version == make.ruleset(other).version == 1
    for each in (project, other):
        SplitAssignment.objects.create(project=each, group_key="g", split="train")
        make.release(each)


@pytest.mark.parametrize(
    ("record", "model"),
    [
        (lambda project, body: Ruleset.record(project, "filter", {"min_char_length": body}), Ruleset),
        (lambda project, body: PromptTemplate.record(project, "hypothesis", f"Text {body}"), PromptTemplate),
    ],
    ids=["ruleset", "template"],
)
def test_versions_are_made_of_new_bodies_only(project, record, model):
    first, again, second = record(project, 1), record(project, 1), record(project, 2)
    assert (first, first.version, second.version) == (again, 1, 2)
    assert model.objects.count() == 2


def test_rules_that_hold_again_are_a_new_version(project):
    rules = [Ruleset.record(project, "filter", {"min_char_length": body}) for body in (1, 2, 1)]
    assert [each.version for each in rules] == [1, 2, 3]
    assert Project.objects.get(pk=project.pk).filter_ruleset == rules[-1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "record",
    [
        lambda project: Ruleset.record(project, "filter", {"min_char_length": 1}),
        lambda project: PromptTemplate.record(project, "hypothesis", "Text"),
    ],
    ids=["ruleset", "template"],
)
def test_workers_that_begin_together_record_one_version(record):
    project = make.project()
    assert len({each.pk for each in together(*[lambda: record(Project.objects.get(pk=project.pk))] * 4)}) == 1


@pytest.mark.parametrize(
    ("prices", "usage", "cost"),
    [
        (("2", "8"), (1_000_000, 500_000), Decimal(6)),
        (("0", "0"), (10, 10), Decimal(0)),
        ((None, "8"), (10, 10), None),
        (("2", "8"), (None, 10), None),
    ],
)
def test_an_unknown_price_is_not_free(prices, usage, cost):
    given = [price and Decimal(price) for price in prices]
    assert Teacher(input_price=given[0], output_price=given[1]).price(*usage) == cost


@pytest.mark.parametrize("kept", [Call, TeacherResponse, Event])
def test_a_run_that_goes_leaves_what_it_bought(project, kept):
    run = make.run(project)
    prompt = make.prompt(project, "to_review")
    rows = {
        Call: lambda: make.call(project, run=run),
        TeacherResponse: lambda: make.response(prompt, run=run),
        Event: lambda: Event.objects.create(project=project, run=run, kind="tested"),
    }
    row = rows[kept]()
    Run.objects.filter(pk=run.pk).delete()
    row.refresh_from_db()
    assert row.run is None


def test_slugs_are_made_of_names(project):
    names = ["Zinc oxide", "Zinc oxide", "Zinc", "日本", "日本"]
    assert [make.project(name).slug for name in names] == ["zinc-oxide", "zinc-oxide-2", "zinc", "project", "project-2"]


def test_what_a_project_shows_to_whom(project):
    member, outsider, admin = make.member(project, "viewer"), make.user(), make.user(superuser=True)
    visible = [list(Project.objects.visible_to(person)) for person in (member, outsider, admin)]
    assert visible == [[project], [], [project]]


def test_only_the_right_to_resolve_makes_a_resolver():
    rights = [(role, right) for role in ("manager", "reviewer", "viewer") for right in (False, True)]
    resolvers = [(role, right) for role, right in rights if Membership(role=role, can_resolve=right).may_resolve]
    assert resolvers == [("manager", False), ("manager", True), ("reviewer", True)]


def test_releases_lie_under_the_projects_directory(project, data_dir):
    assert Release(project=project, version=3).directory == data_dir / "projects" / project.slug / "releases" / "v3"


def test_a_key_speaks_of_content_alone(project):
    prompt = make.prompt(project, context="Line one\nLine two, naïve.", metadata={"row": 1}, domain="physics")
    same = make.prompt(make.project(), context="Line one\r\nLine two, nai\u0308ve.", metadata={}, domain="physics")
    other = make.prompt(project, context="Line one\nLine two, naïve.", domain="biology")
    assert prompt.key == same.key != other.key
    assert Prompt.objects.filter(key=prompt.key).count() == 2
