"""Templates are filled verbatim: braces survive, and what is missing is refused by name."""

import hashlib
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.prompts import SHIPPED, PromptError, placeholders, render, sha256, shipped

LATEX = r"\frac{a}{b} and x^{{2}} and {{\rm d}x}"


@pytest.mark.parametrize(
    ("body", "values", "rendered"),
    [
        ("Source: {{context}}", {"context": "text"}, "Source: text"),
        ("{{ context }}|{{\tcontext}}", {"context": "t"}, "t|t"),
        ("{{context}} {{context}}", {"context": "t"}, "t t"),
        (f"{LATEX} {{{{context}}}}", {"context": "t"}, f"{LATEX} t"),
        ('{"source": "{{context}}", "n": {"a": {}}}', {"context": "t"}, '{"source": "t", "n": {"a": {}}}'),
        ("{{{context}}}", {"context": "t"}, "{t}"),
        (r"\textbf{{{context}}}", {"context": "t"}, r"\textbf{t}"),
        ("{{context}}", {"context": "{{hypothesis}} {context} \\1 \\g<0>"}, "{{hypothesis}} {context} \\1 \\g<0>"),
        ("{{context}} {context}", {"context": "t"}, "t {context}"),  # single braces are nothing beside double ones
        ("No placeholder {x}", {}, "No placeholder {x}"),
        ("{{context}}", {"context": "  a\n\n  b \n"}, "  a\n\n  b \n"),
        ("{{context}}", {"context": 5}, "5"),
        ("{{context}}", {"context": 0.5}, "0.5"),
    ],
)
def test_rendering(body, values, rendered):
    assert render(body, values) == rendered


@pytest.mark.parametrize(
    ("body", "rendered"),
    [
        ("Read: {context}", "Read: t"),
        ("{title} ({domain}, {task_type}): {context} {hypothesis}", "T (biology, methodology): t h"),
        ('{"a": {context}} {other} {0} {}', '{"a": t} {other} {0} {}'),
        ("{response} {prompt}", "{response} {prompt}"),  # names that the earlier scripts did not know
        (r"\frac{context}{b}", r"\frac" + "t{b}"),
    ],
)
def test_the_earlier_scripts_single_braces(body, rendered):
    values = {"context": "t", "hypothesis": "h", "domain": "biology", "title": "T", "task_type": "methodology"}
    assert render(body, values) == rendered


@pytest.mark.parametrize("missing", [None, "", "  \n", math.nan])
def test_a_missing_value_is_refused_by_name(missing):
    with pytest.raises(PromptError, match="missing value: context, hypothesis") as error:
        render("{{context}} {{domain}} {{hypothesis}}", {"context": missing, "domain": "biology"})
    assert error.value.missing == ("context", "hypothesis")
    assert error.value.unknown == ()


def test_an_unknown_placeholder_is_refused_by_name_together_with_what_is_missing():
    with pytest.raises(PromptError) as error:
        render("{{contxt}} {{x}} {{context}}", {"hypothesis": "h"})
    assert error.value.unknown == ("contxt", "x")
    assert error.value.missing == ("context",)
    assert "unknown placeholder: {{contxt}}, {{x}}; known are hypothesis, context" in str(error.value)


def test_an_optional_value_may_be_missing():
    assert render("[{{domain}}] {{context}}", {"context": "t", "domain": None}, optional=["domain"]) == "[] t"


@pytest.mark.parametrize("value", [["a"], {"a": 1}, True])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(TypeError, match="takes text or numbers"):
        render("{{context}}", {"context": value})


def test_the_missing_values_of_tables_are_missing():
    pandas = pytest.importorskip("pandas")
    for missing in (pandas.NA, pandas.NaT):
        with pytest.raises(PromptError):
            render("{{context}}", {"context": missing})


@given(st.text(), st.text(), st.text().filter(str.strip))
def test_everything_but_the_placeholder_survives(before, after, value):
    assume(not placeholders(before + after))
    assume("{" not in before[-1:] and "}" not in after[:1])
    assume(placeholders(before + "{{context}}" + after) == ("context",))
    assert render(before + "{{context}}" + after, {"context": value}) == before + value + after


BRACES = st.text(alphabet=st.sampled_from(list("{}ab \\\n")), max_size=30)


@given(BRACES, BRACES, BRACES.filter(str.strip))
def test_braces_around_and_inside_survive(before, after, value):
    assume(not placeholders(before) and not placeholders(after))
    body = f"{before} {{{{context}}}} {after}"
    assert render(body, {"context": value}) == f"{before} {value} {after}"


def test_the_fingerprint_is_the_sha256_of_the_text():
    assert sha256("{{context}}") == hashlib.sha256(b"{{context}}").hexdigest()
    assert sha256("a\ud800") != sha256("a")


def test_every_shipped_template_is_found_by_name():
    files = sorted(SHIPPED.rglob("*.txt"))
    assert files
    for path in files:
        body = shipped(path.relative_to(SHIPPED).with_suffix("").as_posix())
        assert body == path.read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("name", ["nothing", "../configs/filters", "/etc/passwd", "hypothesis.txt", ""])
def test_no_other_file_is(name):
    with pytest.raises(PromptError, match="does not exist; there are .*hypothesis"):
        shipped(name)
