"""Rubrics as data: what is shipped, what is refused by name, and the words that a judge reads."""

import pytest
import yaml

from pipeline import rubrics
from pipeline.config_errors import ConfigError

SMALL = {
    "label": "Taste",
    "dimensions": [
        {"name": "salt", "description": "Enough salt?", "options": {"50-100": "yes", "0-49": "no"}},
        {"name": "dessert", "task_types": ["methodology"]},
    ],
    "flags": [{"name": "burnt", "description": "it is black"}, {"name": "raw"}],
    "instructions": "Be strict.",
}


@pytest.mark.parametrize(
    ("name", "of_hypothesis", "more_of_method"),
    [
        ("factuality", ["plausibility", "grounding"], []),
        (
            "reasoning",
            ["falsifiability", "method_rigour", "reproducibility", "safety_awareness"],
            ["tests_hypothesis"],
        ),
    ],
)
def test_the_shipped_rubrics(name, of_hypothesis, more_of_method):
    body = rubrics.shipped(name)
    named = {
        task: [each["name"] for each in rubrics.dimensions(body, task)]
        for task in ("hypothesis", "methodology", "explanation")
    }
    assert named == {
        "hypothesis": of_hypothesis,
        "explanation": of_hypothesis,
        "methodology": of_hypothesis + more_of_method,
    }
    assert all(each["description"] and each["label"] for each in body["dimensions"])
    for each in body["dimensions"]:
        spans = sorted(rubrics._span(key) for key in each["options"])
        assert spans[0][0] == 0
        assert spans[-1][1] == 100
        assert all(last + 1 == first for (_, last), (first, _) in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize("name", rubrics.NAMES)
def test_a_rubric_goes_out_as_yaml_and_comes_back_the_same(name):
    body = rubrics.shipped(name)
    assert rubrics.from_yaml(rubrics.to_yaml(body)) == body


def test_yaml_is_written_from_the_best_option_to_the_worst_whatever_order_the_database_gave():
    shuffled = rubrics.load_rubric(SMALL)
    shuffled["dimensions"][0]["options"] = {"0-49": "no", "50-100": "yes"}
    assert rubrics.to_yaml(shuffled) == rubrics.to_yaml(rubrics.load_rubric(SMALL))
    assert list(yaml.safe_load(rubrics.to_yaml(shuffled))) == list(rubrics.KEYS)


def test_the_words_of_a_rubric():
    assert rubrics.words(rubrics.load_rubric(SMALL), "hypothesis") == (
        "Give each dimension a whole number from 0 to 100:\n"
        "- salt: Enough salt?\n"
        "  50-100: yes\n"
        "  0-49: no\n"
        "\n"
        "Flags, as many as apply, none if none does:\n"
        "- burnt: it is black\n"
        "- raw\n"
        "\n"
        "Be strict."
    )
    assert "- dessert: Dessert\n" in rubrics.words(rubrics.load_rubric(SMALL), "methodology")


def changed(**keys):
    return SMALL | keys


def dimension(**keys):
    return changed(dimensions=[{"name": "salt"} | keys])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (changed(weights={}), "weights is not a known key"),
        (changed(label=""), "label: a text is needed"),
        (changed(label=["x"]), "label: ['x']"),
        (changed(label=None), "label: a text is needed"),
        (changed(dimensions=[]), "at least one"),
        (changed(dimensions={"salt": 1}), "dimensions: a mapping"),
        (changed(dimensions=["salt"]), "dimensions[1]: a text"),
        (dimension(weight=2), "dimensions[1].weight is not a known key"),
        (dimension(name="Salt!"), "dimensions[1].name: 'Salt!'"),
        (dimension(name="score"), "dimensions[1].name: 'score'"),
        (dimension(name=3), "dimensions[1].name: 3"),
        (changed(dimensions=[{"name": "salt"}, {"name": "salt"}]), "salt stands there twice"),
        (changed(dimensions=[{"label": "Salt"}]), "dimensions[1].name: None"),
        (dimension(options=["good"]), "dimensions[1].options: a list"),
        (dimension(options={"good": "x"}), "'good' is not right"),
        (dimension(options={"90-101": "x"}), "'90-101' is not right"),
        (dimension(options={"90-80": "x"}), "'90-80' is not right"),
        (dimension(options={"80-90": "x", "90-100": "y"}), "90-100 overlaps"),
        (dimension(options={"80-90": ""}), "80-90 needs a meaning"),
        (dimension(task_types="methodology"), "task_types: 'methodology'"),
        (dimension(task_types=[]), "task_types: []"),
        (dimension(description="x" * 5000), "dimensions[1].description"),
        (changed(flags="burnt"), "flags: a text"),
        (changed(flags=[{"name": "burnt", "score": 1}]), "flags[1].score is not a known key"),
        (changed(flags=[{"name": "not a word"}]), "flags[1].name"),
        (changed(instructions=3), "instructions: 3"),
        (changed(dimensions=[{"name": f"d{n}"} for n in range(21)]), "21 are too many"),
    ],
)
def test_what_is_wrong_is_refused_by_name(body, named):
    with pytest.raises(ConfigError) as refused:
        rubrics.load_rubric(body)
    assert len(refused.value.messages) == 1
    assert named in str(refused.value)


def test_every_problem_is_told_at_once():
    with pytest.raises(ConfigError) as refused:
        rubrics.load_rubric({"dimensions": [{"name": "a"}, {"name": "a", "x": 1}], "y": 2, "z": 3})
    assert len(refused.value.messages) == 5


# Ten of these lines are a thousand keys, thirty more than any memory.
BOMB = "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40))


@pytest.mark.parametrize(
    "text", ["[1, 2]", "", "just words", "a: [", "- \t- x", "\x00", "a: &a [*a, *a]", "{" * 2000, BOMB]
)
def test_what_is_no_rubric_at_all(text):
    with pytest.raises(ConfigError):
        rubrics.from_yaml(text)


def test_a_number_alone_is_a_range():
    assert rubrics.load_rubric(dimension(options={100: "perfect", "0 – 99": "not"}))["dimensions"][0]["options"] == {
        "100": "perfect",
        "0 - 99": "not",
    }
