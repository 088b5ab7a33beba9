"""Recipes: shipped ones for every reason, a project's own versions, and everything wrong in them named."""

from contextlib import suppress

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from curation.labels import GATE
from curation.models import Ruleset
from curation.reviewing.reasons import REASONS
from pipeline import filters
from pipeline.config_errors import ConfigError
from pipeline.regenerating import from_yaml, load_recipes, reasons, recipes_of, record_recipes, shipped, to_yaml
from tests import factories

pytestmark = pytest.mark.django_db
KEYS = (
    "ladder",
    "recipes",
    "otherwise",
    "stop_after_same_reason",
    "addendum",
    "parameters",
    "filter:empty",
    "temperature",
)
NAMES = st.sampled_from(KEYS) | st.text(max_size=5)


@pytest.fixture
def project():
    own = [{"code": "too_dull", "label": "Too dull"}, {"code": "no_colour", "label": "No colour", "retired": True}]
    return factories.project(reason_codes=own)


def test_every_reason_has_a_shipped_recipe_and_nothing_else_has():
    body = shipped()
    wanted = {f"filter:{rule}" for rule in filters.RULES}
    wanted |= {f"gate:{reason}" for reason in GATE if not reason.endswith("_score") or "_low_" in reason}
    wanted |= {f"reviewer:{reason.code}" for reason in REASONS}
    assert set(body["recipes"]) == wanted == set(reasons())
    assert all(each["addendum"] for each in [*body["recipes"].values(), body["otherwise"]])


def test_the_example_of_the_docs_is_right():
    for name in ("gpt-4o", "o3-mini"):
        factories.teacher(name)
    text = (settings.BASE_DIR / "docs" / "regeneration.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    assert from_yaml(example)["recipes"]["filter:max_sentences"] == shipped()["recipes"]["filter:max_sentences"]


def test_limits_stand_only_in_addenda_of_rules_that_have_one():
    for key, each in shipped()["recipes"].items():
        if "{{" in each["addendum"]:
            assert "{{limit}}" in each["addendum"]
            assert filters.RULES[key.removeprefix("filter:")].bound


def test_what_yaml_says_is_what_is_loaded():
    body = shipped()
    assert from_yaml(to_yaml(body)) == body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "This is a list; recipes are a mapping with ladder, stop_after_same_reason, recipes, otherwise."),
        ({"recipe": {}}, "recipe is not a known key; known here: ladder, stop_after_same_reason, recipes, otherwise."),
        ({"otherwise": {"ladder": []}}, "otherwise.ladder is not a known key; known here: addendum."),
        (
            {"recipes": {"filter:empty": {"add": "x"}}},
            "recipes.filter:empty.add is not a known key; known here: addendum, parameters, ladder.",
        ),
        (
            {"recipes": {"filter:ban_citation": {}}},
            "recipes.filter:ban_citation: unknown reason; filter:ban_citations is meant?",
        ),
        (
            {"recipes": {"dull": {}}},
            "recipes.dull: unknown reason; name it filter:<rule>, gate:<reason of SampleGate> or reviewer:<reason>.",
        ),
        (
            {"stop_after_same_reason": 1},
            "stop_after_same_reason: 1 is not right: input should be greater than or equal to 2.",
        ),
        ({"stop_after_same_reason": "2"}, "stop_after_same_reason: '2' is not right: input should be a valid integer."),
        ({"ladder": "Strong"}, "ladder: 'Strong' is not right: input should be a valid list."),
        ({"ladder": ["Nobody"]}, "ladder: there is no teacher named 'Nobody' that can be asked."),
        ({"ladder": ["A file"]}, "ladder: there is no teacher named 'A file' that can be asked."),
        (
            {"recipes": {"reviewer:other": {"ladder": ["Nobody"]}}},
            "recipes.reviewer:other.ladder: there is no teacher named 'Nobody' that can be asked.",
        ),
        (
            {"recipes": {"filter:min_steps": {"addendum": "At least {{limit}} of {{value}}."}}},
            "recipes.filter:min_steps.addendum: {{value}} is not known here; rules have {{limit}}, and nothing else is "
            "filled in.",
        ),
        (
            {"otherwise": {"addendum": "{{ limit }}"}},
            "otherwise.addendum: {{limit}} is not known here; rules have {{limit}}, and nothing else is filled in.",
        ),
        (
            {"recipes": {"filter:empty": {"parameters": {"temperature": 3}}}},
            "recipes.filter:empty.parameters: {'temperature': 3} is not right: “temperature” must be a number "
            "from 0 to 2.",
        ),
        (
            {"recipes": {"filter:empty": {"parameters": {"model": "x"}}}},
            "recipes.filter:empty.parameters: {'model': 'x'} is not right: “model” is set by the program: "
            "leave it out.",
        ),
    ],
)
def test_what_is_wrong_is_named(body, said):
    factories.teacher("A file", kind="imported", base_url="")
    with pytest.raises(ConfigError) as error:
        load_recipes(body)
    assert error.value.messages == [said]


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as error:
        load_recipes({"ladder": ["Nobody"], "recipes": {"x": {}, "y": {"ladder": ["No one"]}}})
    assert len(error.value.messages) == 4


@pytest.mark.parametrize("text", ["a: [", "- 1", "a: &a 1\nb: *a"])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(ConfigError, match="^This "):
        from_yaml(text)


@pytest.mark.parametrize(
    "text",
    [
        "recipes: {'filter:empty': {parameters: {seed: .nan}}}",
        "recipes: {'filter:empty': {parameters: {since: 2024-01-01}}}",
        'otherwise: {addendum: "a\\0b"}',
        'otherwise: {addendum: "a\\ud800b"}',
        'ladder: ["a\\0b"]',
    ],
)
def test_what_no_database_keeps_is_refused(text):
    with pytest.raises(ConfigError, match="^This holds what cannot be stored: |^This is not YAML"):
        from_yaml(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_whatever_is_given_is_loaded_or_refused_in_words(body):
    with suppress(ConfigError):  # nothing else may be raised
        loaded = load_recipes(body)
        assert load_recipes(loaded) == loaded


def test_a_projects_own_reasons_have_recipes_too_the_retired_as_well(project):
    body = {"recipes": {"reviewer:too_dull": {"addendum": "Be lively."}, "reviewer:no_colour": {}}}
    assert load_recipes(body, project)["recipes"]["reviewer:too_dull"]["addendum"] == "Be lively."
    assert reasons(project)["reviewer:too_dull"].label == "Too dull"
    with pytest.raises(ConfigError):
        load_recipes(body)


def test_the_shipped_ones_become_version_1_at_first_use_and_only_then(project):
    assert recipes_of(project, record=False).body == shipped()
    assert not Ruleset.objects.exists()
    first = recipes_of(project)
    assert (first.version, first.kind, first.origin) == (1, "recipe", "recipes.yaml")
    assert recipes_of(project) == first == project.recipe_ruleset


def test_an_edit_is_a_new_version(project):
    ada = factories.user("ada")
    first = recipes_of(project)
    second = record_recipes(project, shipped() | {"stop_after_same_reason": 3}, by=ada)
    assert (second.version, second.created_by, project.recipe_ruleset) == (2, ada, second)
    assert record_recipes(project, second.body) == second
    first.refresh_from_db()
    assert first.body["stop_after_same_reason"] == 2
