"""The JSON schemas: strict, and fitted to small models."""

import pytest

from pipeline.answers import HYPOTHESIS, METHODOLOGY, judge_schema, schema_for

DIMENSIONS = ("falsifiability", "method_rigour")


def objects(schema):
    """Every object schema inside a schema."""
    if schema.get("type") == "object":
        yield schema
        for inner in schema["properties"].values():
            yield from objects(inner)
    if schema.get("type") == "array":
        yield from objects(schema["items"])


@pytest.mark.parametrize(
    "schema",
    [
        HYPOTHESIS,
        METHODOLOGY,
        judge_schema(["plausibility"]),
        judge_schema(DIMENSIONS),
        schema_for("hypothesis", leave_out=["support"]),
        judge_schema(DIMENSIONS, leave_out=["flags"]),
    ],
)
def test_every_object_is_strict(schema):
    for each in objects(schema):
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])


def test_the_fields():
    assert list(HYPOTHESIS["properties"]) == ["statement", "variable", "outcome", "direction", "support"]
    assert HYPOTHESIS["properties"]["direction"]["enum"] == ["increase", "decrease", "no change", "other"]
    assert list(METHODOLOGY["properties"]) == [
        *("system", "perturbation", "control", "readout", "safety", "steps", "support"),
    ]
    steps = METHODOLOGY["properties"]["steps"]
    assert (steps["minItems"], steps["maxItems"]) == (4, 6)
    schema = judge_schema(DIMENSIONS)
    assert tuple(schema["properties"]["dimensions"]["properties"]) == DIMENSIONS
    for score in (schema["properties"]["score"], *schema["properties"]["dimensions"]["properties"].values()):
        assert (score["type"], score["minimum"], score["maximum"]) == ("integer", 0, 100)


def test_other_task_types_are_answered_in_plain_text():
    assert schema_for("explanation") is None
    assert schema_for("explanation", leave_out=["support"]) is None


def test_a_schema_is_fitted_without_changing_the_full_one():
    fitted = schema_for("methodology", max_length={"system": 160, "steps": 200, "nothing": 1}, leave_out=["support"])
    assert fitted["properties"]["system"]["maxLength"] == 160
    assert fitted["properties"]["steps"]["items"]["maxLength"] == 200
    assert "support" not in fitted["required"]
    assert "maxLength" not in METHODOLOGY["properties"]["system"]
    assert schema_for("methodology") == METHODOLOGY
    assert judge_schema(DIMENSIONS, max_length={"rationale": 200})["properties"]["rationale"]["maxLength"] == 200
