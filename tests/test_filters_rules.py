"""filters.yaml: what is read, what is refused by name, and what holds for which task type."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config_errors import ConfigError
from pipeline.filters import (
    RULES,
    Answer,
    check,
    failed,
    kinds,
    legacy_columns,
    load_rules,
    patterns,
    rules_to_mapping,
    rules_to_yaml,
    stored_rules,
)
from pipeline.filters.answer import quoted
from pipeline.filters.registry import known_settings

PATTERNS = "forbidden_patterns"
CONFIGS = Path(__file__).resolve().parent.parent / "configs"

GOOD_HYPOTHESIS = (
    "If pyruvate dehydrogenase kinase 1 is knocked down in hypoxic kidney cells, then lactate output will fall by at "
    "least 30 % within 72 h."
)
GOOD_METHOD = """1. Culture kidney epithelial cells in 25 mM glucose in triplicate wells.
2. Replace glucose by 10 mM galactose in half of the wells for 72 h; untreated wells are the control.
3. Incubate all plates at 3 % oxygen and keep a second set at 21 % oxygen.
4. Measure lactate in the medium with an enzymatic assay every 24 h and compare both groups.
5. Work at BSL-1 with gloves and dispose of the medium as biological waste."""


def active(rules, task_type):
    return {rule.id: thresholds for rule, thresholds in rules.active(task_type)}


def test_the_shipped_file_says_what_holds_without_a_file():
    assert load_rules(yaml.safe_load((CONFIGS / "filters.yaml").read_text())) == load_rules(None) == load_rules({})


def test_the_shipped_rules_differ_by_task_type():
    rules = load_rules({})
    hypothesis, methodology, other = (active(rules, name) for name in ("hypothesis", "methodology", "explanation"))
    assert hypothesis["min_char_length"] == methodology["min_char_length"] == {"limit": 120}
    assert "min_token_length" not in hypothesis
    assert "require_action_verb" not in hypothesis
    assert methodology["min_token_length"] == {"limit": 80}
    assert "measure" in methodology["require_action_verb"]["verbs"]
    assert hypothesis["max_char_length"] == {"limit": 1200}
    assert methodology["max_char_length"] == {"limit": 4000}
    assert "max_char_length" not in other
    for rule in ("empty", "truncated", "ban_citations", "refusal", "broken_markdown"):
        assert rule in hypothesis
        assert rule in methodology
        assert rule in other
    assert "forbidden_patterns" not in hypothesis


@pytest.mark.parametrize(("text", "task_type"), [(GOOD_HYPOTHESIS, "hypothesis"), (GOOD_METHOD, "methodology")])
def test_good_answers_pass_the_shipped_rules(text, task_type):
    assert failed(check(Answer(text, task_type, finish_reason="stop"), load_rules({}))) == []


def test_every_failure_is_reported_not_only_the_first():
    answer = Answer("I cannot [1].\n```", "methodology", finish_reason="length")
    measurements = check(answer, load_rules({}))
    assert failed(measurements) == [
        *("min_char_length", "min_token_length", "truncated", "min_lines", "min_steps", "require_action_verb"),
        *("min_method_parts", "ban_citations", "refusal", "broken_markdown"),
    ]
    assert [m.rule for m in measurements] == [rule.id for rule, _ in load_rules({}).active("methodology")]
    assert json.loads(json.dumps([m._asdict() for m in measurements]))


def test_the_demo_rules_are_looser_but_keep_what_is_never_good():
    rules = load_rules(yaml.safe_load((CONFIGS / "demo_filters.yaml").read_text()))
    for task_type in ("hypothesis", "methodology"):
        on = active(rules, task_type)
        assert on["min_char_length"] == {"limit": 40}
        assert {"empty", "truncated", "ban_citations", "refusal", "broken_markdown"} <= on.keys()
        assert not {"min_token_length", "require_action_verb"} & on.keys()


def test_a_file_of_the_earlier_scripts_is_read_as_written():
    """All its keys on top: what stands on top holds for every task type."""
    rules = load_rules(
        {
            "min_char_length": 100,
            "min_token_length": 60,
            "require_action_verb": True,
            "ban_citations": False,
            "allowed_action_verbs": ["Anneal", "sinter", "anneal"],
        }
    )
    for task_type in ("hypothesis", "methodology", "explanation"):
        on = active(rules, task_type)
        assert on["min_token_length"] == {"limit": 60}
        assert on["require_action_verb"] == {"verbs": ("anneal", "sinter")}
        assert "ban_citations" not in on


def test_a_task_type_goes_before_what_stands_on_top():
    rules = load_rules(
        {"min_char_length": 50, "max_char_length": 2000, "task_types": {"methodology": {"min_char_length": 200}}}
    )
    assert active(rules, "methodology")["min_char_length"] == {"limit": 200}
    assert active(rules, "hypothesis")["min_char_length"] == {"limit": 50}
    assert active(rules, "hypothesis")["max_char_length"] == {"limit": 2000}


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("min_char_length", "min_char_length"),
        ("min_token_length", "min_token_length"),
        ("max_char_length", "max_char_length"),
        ("require_action_verb", "require_action_verb"),
        ("ban_citations", "ban_citations"),
        ("ban_refusals", "refusal"),
        ("ban_broken_markdown", "broken_markdown"),
        ("ban_truncated", "truncated"),
        ("ban_empty", "empty"),
        ("forbidden_patterns", "forbidden_patterns"),
    ],
)
def test_null_switches_a_rule_off(key, rule):
    assert rule not in active(load_rules({key: None}), "methodology")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"min_chars": 120}, "min_chars: unknown key; min_char_length is meant?"),
        ({"whatever": 1}, "whatever: unknown key; known keys are ban_empty, min_char_length"),
        ({3: 1}, "3: unknown key"),
        ({"min_char_length": "120"}, "min_char_length: '120' is wrong; it takes a whole number of 0 or more, or null"),
        ({"min_char_length": True}, "min_char_length: True is wrong"),
        ({"min_char_length": 12.5}, "min_char_length: 12.5 is wrong"),
        ({"min_token_length": -1}, "min_token_length: -1 is wrong"),
        ({"max_char_length": 0}, "max_char_length: 0 is wrong; it takes a whole number of 1 or more"),
        ({"ban_citations": "yes"}, "ban_citations: 'yes' is wrong; it takes true or false"),
        ({"require_action_verb": 1}, "require_action_verb: 1 is wrong; it takes true or false"),
        ({"allowed_action_verbs": []}, "allowed_action_verbs: [] is wrong; it takes a list of single verbs"),
        ({"allowed_action_verbs": None}, "leave the key out for the shipped verbs"),
        ({"allowed_action_verbs": "measure"}, "allowed_action_verbs: 'measure' is wrong"),
        ({"allowed_action_verbs": ["knock down"]}, "'knock down' is not one word"),
        ({"allowed_action_verbs": [True]}, "True is not text"),
        ({"refusal_strings": "no"}, "refusal_strings: 'no' is wrong; it takes a list of phrases"),
        ({"refusal_strings": [""]}, "'' is not text"),
        ({"forbidden_patterns": ["("]}, "'(', which is not a regular expression"),
        ({"forbidden_patterns": ["(?:(?:a{1000}){1000}){1000}"]}, "repeats more than 100,000 times"),
        ({"forbidden_patterns": ["x|(?=(?:a{500,}){500})"]}, "repeats more than 100,000 times"),
        ({"forbidden_patterns": ["a{99999999999}"]}, "which is not a regular expression"),
        ({"forbidden_patterns": ["(?:" * 3000 + "a" + ")" * 3000]}, "which is not a regular expression"),
        ({"forbidden_patterns": ["a*"]}, "'a*', which matches the empty text"),
        ({"task_types": ["hypothesis"]}, "task_types: ['hypothesis'] takes a mapping"),
        ({"task_types": {"methodolgy": {}}}, "task_types.methodolgy: unknown task type; methodology is meant?"),
        ({"task_types": {"Hypothesis": {}}}, "task_types.Hypothesis: unknown task type; hypothesis is meant?"),
        ({"task_types": {"hypothesis": 5}}, "task_types.hypothesis: 5 takes a mapping"),
        ({"task_types": {"": {}}}, "'' is not the name of a task type"),
        ({"task_types": {"hypothesis": {"min_chars": 1}}}, "task_types.hypothesis.min_chars: unknown key"),
        ({"task_types": {"hypothesis": {"ban_empty": 1}}}, "task_types.hypothesis.ban_empty: 1 is wrong"),
        ({"min_char_length": 90, "max_char_length": 80}, "min_char_length 90 is above max_char_length 80"),
        ({"max_token_length": 70}, "task_types.methodology: min_token_length 80 is above max_token_length 70"),
        ({"min_sentences": 4}, "task_types.hypothesis: min_sentences 4 is above max_sentences 3"),
        ({"min_lines": 3, "max_lines": 2}, "filters: min_lines 3 is above max_lines 2"),
        ({"max_lines": 2}, "task_types.methodology: min_steps 3 is above max_lines 2"),
        ({"min_method_parts": 6}, "min_method_parts: 6 is wrong; it takes a whole number from 1 to 5, or null"),
        ({"max_copied_percent": 101}, "max_copied_percent: 101 is wrong; it takes a whole number from 0 to 100"),
        ({"max_filler_percent": 2.5}, "max_filler_percent: 2.5 is wrong"),
        ({"languages": ["english"]}, "languages: ['english'] is wrong; it takes a list of language codes"),
        ({"languages": "en"}, "languages: 'en' is wrong"),
        ({"min_char_length": 1300}, "task_types.hypothesis: min_char_length 1300 is above max_char_length 1200"),
        (["min_char_length"], "is not a mapping"),
    ],
)
def test_what_is_wrong_is_refused_by_name_with_the_right_value(mapping, said):
    with pytest.raises(ConfigError) as error:
        load_rules(mapping)
    assert said in str(error.value)


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as error:
        load_rules(
            {"min_chars": 1, "ban_citations": 2, "forbidden_patterns": ["(", "["], "task_types": {"x": {"y": 1}}}
        )
    messages = error.value.messages
    assert [message.split(":")[0] for message in messages] == [
        *("min_chars", "ban_citations", "forbidden_patterns", "task_types.x.y"),
    ]
    assert "'('" in messages[2]
    assert "'['" in messages[2]


@pytest.mark.parametrize("pattern", [r"(a|aa)+$", r"(?:a|a)+$", r"(a|aa)+[yz]", r"^(\w|[a-z])*[0-9]$"])
def test_a_pattern_whose_repeats_overlap_is_given_up_on(monkeypatch, pattern):
    monkeypatch.setattr(patterns, "SECONDS", 0.2)
    rules = load_rules({"forbidden_patterns": [pattern]})
    with pytest.raises(ConfigError, match="takes too long on a text of 101 characters"):
        check(Answer("a" * 100 + "!"), rules)
    with pytest.raises(ConfigError, match="takes too long"):
        patterns.refuse_slow([pattern])


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(?i)\bin conclusion\b", r"\d{4}-\d\d", r"[^\w\s]{2,}", r"^\s*\d+[.)]", r"(?m)^#+ ", r"(?s)We.*fall"),
        *(r"(?<!not )novel", r"(\w+) \1\b", r"(?i)straße|MÜNCHEN", r"[A-Z]{2,}(?=s\b)", r"\u00b5m", r"a{2}|b{,2}c"),
    ],
)
@pytest.mark.parametrize(
    "text", ["In Conclusion, on 2026-11 the the DNAs fall", "1) We see\n# a fall!!", "not novel, µm STRASSE"]
)
def test_a_pattern_finds_what_pythons_own_search_finds(pattern, text):
    here = next(m for m in check(Answer(text), load_rules({"forbidden_patterns": [pattern]})) if m.rule == PATTERNS)
    found = re.search(pattern, text)
    assert here.value == bool(found)
    assert not found or here.note == f"{pattern} matches {quoted([found[0]])}"


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"min_char_length": 50, "refusal_strings": ["No comment"], "forbidden_patterns": ["(?i)foo", "bar"]},
        {"task_types": {"explanation": {"min_char_length": 7}, "methodology": {"require_action_verb": None}}},
        {"max_char_length": 1200, "allowed_action_verbs": ["anneal"]},
    ],
)
def test_rules_survive_the_way_out_and_in(mapping):
    rules = load_rules(mapping)
    assert load_rules(rules_to_mapping(rules)) == rules
    assert load_rules(yaml.safe_load(rules_to_yaml(rules))) == rules
    assert rules_to_mapping(load_rules(rules_to_mapping(rules))) == rules_to_mapping(rules)
    assert json.loads(json.dumps(rules_to_mapping(rules))) == rules_to_mapping(rules)


def test_a_version_recorded_before_a_rule_existed_has_it_off():
    old = rules_to_mapping(load_rules({"min_char_length": 50, "task_types": {"methodology": {"min_token_length": 70}}}))
    for mapping in (old, *old["task_types"].values()):
        for key in ("ban_unsafe", "max_sentences", "languages", "min_method_parts"):
            mapping.pop(key, None)
    rules = stored_rules(old)
    for task_type in ("hypothesis", "methodology", "explanation"):
        on = active(rules, task_type)
        assert on["min_char_length"] == {"limit": 50}
        assert not {"ban_unsafe", "max_sentences", "languages", "min_method_parts"} & on.keys()
    assert active(rules, "methodology")["min_token_length"] == {"limit": 70}


def test_the_same_rules_written_differently_are_the_same_version():
    short = {"task_types": {"methodology": {"min_token_length": 80}}}
    long = {"ban_empty": True, "min_char_length": 120, "task_types": {"hypothesis": {"max_char_length": 1200}}}
    assert rules_to_mapping(load_rules(short)) == rules_to_mapping(load_rules(long)) == rules_to_mapping(load_rules({}))


@pytest.mark.parametrize(
    ("text", "ok"), [("In conclusion, it falls.", False), ("An INCONCLUSIVE end", True), ("see TODO", False)]
)
def test_forbidden_patterns(text, ok):
    rules = load_rules({"forbidden_patterns": [r"(?i)\bin conclusion\b", "TODO"]})
    measurement = next(m for m in check(Answer(text), rules) if m.rule == "forbidden_patterns")
    assert measurement.ok is ok
    if not ok:
        assert measurement.value == 1
        assert "matches “" in measurement.note


def test_every_rule_explains_itself_and_measures_under_its_own_name():
    rules = load_rules(everything_on())
    for rule, thresholds in rules.active("methodology"):
        assert rule.label
        assert rule.help.endswith(".")
        assert rule.measure(Answer("text", "methodology"), **thresholds).rule == rule.id
    assert len(rules.active("methodology")) == len(RULES)
    assert len({rule.label for rule in RULES.values()}) == len(RULES)
    assert RULES["min_token_length"].task_types == ("methodology",)
    assert RULES["ban_citations"].task_types == ()


@pytest.mark.parametrize(
    ("rules", "false"),
    [
        ([], set()),
        (["max_char_length"], {"length_char_ok"}),
        (["min_token_length", "require_action_verb"], {"length_token_ok", "action_verb_ok"}),
        (["ban_citations"], {"no_citations"}),
        (["refusal"], set()),
    ],
)
def test_legacy_columns(rules, false):
    columns = legacy_columns(rules)
    assert {name for name, value in columns.items() if not value} == false | (
        {"passes_all", "quality_pass"} if rules else set()
    )


def everything_on():
    """A filters.yaml that switches every rule on."""
    values = {"forbidden_patterns": ["x"], "languages": ["en"], "min_method_parts": 5}
    for rule in RULES.values():
        setting = rule.settings[0]
        values.setdefault(setting.key, True if setting.kind is kinds.switch else 90 if rule.bound == "at most" else 10)
    return values


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_how_its_value_is_held_to_its_limit(rule):
    """The value is compared as `bound` says, with the limit as it stands, and does not depend on it."""
    values = []
    for limit in (0, 1, 5, 5000):
        thresholds = active(load_rules(everything_on()), "methodology")[rule.id] | (
            {"limit": limit} if rule.limit else {}
        )
        measured = rule.measure(Answer(GOOD_METHOD, "methodology", GOOD_HYPOTHESIS), **thresholds)
        values.append(measured.value)
        if rule.bound == "at least":
            assert measured.ok == (measured.value >= measured.limit)
        elif rule.bound == "at most":
            assert measured.ok == (measured.value <= measured.limit)
        if rule.limit:
            assert measured.limit == limit
            assert rule.limit.key in known_settings()
        if rule.bound:
            assert rule.unit
            assert isinstance(measured.value, int) is rule.whole
    assert len(set(values)) == 1


ODD = st.text(alphabet=st.sampled_from(list("aIi1. \n*#|`~[](){}$\\\"':,;-’–é")), max_size=80)


@settings(deadline=None, max_examples=300)  # the first text that is no English loads the model of languages
@given(st.text() | ODD, st.text(max_size=60) | ODD)
def test_no_text_makes_a_rule_raise(text, other):
    rules = load_rules({**everything_on(), "refusal_strings": ["no"]})
    fields = {"variable": other, "control": other, "outcome": 3}
    answer = Answer(text, "methodology", other, parsed=fields, hypothesis=other, hypothesis_fields=fields)
    for measurement in check(answer, rules):
        json.dumps(measurement._asdict(), allow_nan=False)
        assert measurement.ok or measurement.note
