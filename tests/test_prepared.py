"""A prepared query gives what Django gives, whatever is asked of it."""

from datetime import UTC, datetime, timedelta

import pytest

from curation.models import Annotation, Prompt, Resolution, State
from curation.models.prepared import Prepared
from tests import factories

pytestmark = pytest.mark.django_db


@Prepared
def with_answers(project: int, ids: list):
    rows = Prompt.objects.filter(project=project, pk__among=ids)
    return rows.select_related("current_response__teacher", "document").order_by("pk")


@Prepared
def keys_of(project: int, key: str, since: datetime, newest: bool, most: int):
    rows = Prompt.objects.filter(project=project, key=key, state_changed_at__gt=since)
    return rows.order_by("-pk" if newest else "pk").values_list("key", flat=True)[:most]


def fields(row):
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_rows_are_those_of_the_queryset():
    project = factories.project()
    ids = [factories.prompt(project, State.TO_REVIEW).pk, factories.prompt(project).pk]
    for _ in range(2):
        found = with_answers(project=project.pk, ids=ids)
        expected = list(
            Prompt.objects.filter(project=project, pk__in=ids).select_related("current_response__teacher", "document")
        )
        assert [fields(row) for row in found] == [fields(row) for row in expected]
        assert [row._state.fields_cache.keys() for row in found] == [row._state.fields_cache.keys() for row in expected]
    assert with_answers(project=project.pk, ids=[]) == []
    assert with_answers(project=project.pk + 1000, ids=ids) == []


def test_values_stand_in_the_places_they_are_named_for():
    prompt = factories.prompt(factories.project())
    now = datetime.now(UTC)
    asked = {"project": prompt.project_id, "key": prompt.key, "newest": True, "most": 3}
    assert keys_of(**asked, since=now - timedelta(days=1)) == [prompt.key]
    assert keys_of(**asked | {"newest": False}, since=now - timedelta(days=1)) == [prompt.key]
    assert keys_of(**asked | {"most": 1}, since=now - timedelta(days=1)) == [prompt.key]
    assert keys_of(**asked, since=now + timedelta(days=1)) == []
    assert keys_of.first(**asked | {"key": "' OR 1=1 --"}, since=now - timedelta(days=1)) is None


def test_a_value_that_the_query_does_not_use_is_refused():
    @Prepared
    def forgotten(response: int, reviewer: int):
        return Annotation.objects.filter(response=response)

    with pytest.raises(ValueError, match="reviewer"):
        forgotten(response=1, reviewer=2)


def test_json_and_times_come_as_fields_give_them():
    @Prepared
    def on(response: int):
        return Resolution.objects.filter(response=response)

    response = factories.prompt(factories.project(), State.TO_REVIEW).current_response
    made = Resolution.objects.create(response=response, by="consensus", action="reject", reasons=["too_vague"])
    found = on.first(response=response.pk)
    assert (found.reasons, found.created_at, found.current) == (["too_vague"], made.created_at, True)
