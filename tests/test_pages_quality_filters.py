"""The filter page: what it shows, trying without writing, applying as a version, files in and out."""

import re
from urllib.parse import urlencode

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.safestring import SafeString

from curation import plots
from curation.models import Event, FilterResult, GateResult, Prompt, Ruleset, Run, TeacherResponse
from pipeline import filters
from pipeline.filters import patterns
from pipeline.views import quality_filters_change
from tests import factories
from tests.pages import text
from tests.test_trying import answers, measure, only, recorded

pytestmark = pytest.mark.django_db
RECORDED = (Prompt, TeacherResponse, FilterResult, GateResult, Ruleset, Run, Event)


@pytest.fixture
def measured(project):
    """A project with thirty answers, measured by three rules as version 1."""
    answers(project, 30)
    measure(project, recorded(project, only(min_char_length=120, max_char_length=1200, ban_citations=True)))
    return project


def address(project, path="", **query):
    return f"/p/{project.slug}/quality/filters/{path}{'?' if query else ''}{urlencode(query)}"


def inputs(response):
    """{name: value} of the page's form, as a browser would send it."""
    page, found = response.content.decode(), {}
    form = page[page.index('<form id="filters-form"') :]
    form = form[: form.index("</form>")]
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = value[1] if value else ""
    for name, value in re.findall(r'<textarea name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL):
        found[name] = value
    return found


def rows():
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in RECORDED}


def test_a_viewer_sees_every_rule_with_label_and_limit_and_may_not_apply(people, measured):
    page = people["viewer"].get(address(measured))
    assert page.status_code == 200
    for rule in filters.RULES.values():
        assert rule.label in page.content.decode()
    assert "Version 1 is in force" in text(page)
    assert 'type="file"' not in page.content.decode()
    tried = people["viewer"].get(address(measured, "try/", min_char_length=10))
    assert "would flip" in text(tried)
    assert "Apply" not in text(tried)


def test_the_form_says_the_rules_in_force_when_it_is_sent_as_it_is(people, measured):
    page = people["manager"].get(address(measured))
    sent = people["manager"].post(address(measured, "apply/"), inputs(page), follow=True)
    assert "Unchanged: version 1" in text(sent)
    assert Ruleset.objects.count() == 1


def test_trying_writes_nothing_whatever_is_tried(people, measured):
    before = rows()
    for query in ({"min_char_length.hypothesis": 5}, {"ban_citations": "off"}, {"min_char_length": "many"}):
        for path in ("", "try/", "rule/"):
            people["manager"].get(address(measured, path, **query, rule="min_char_length"))
    people["manager"].post(address(measured), {"min_char_length.hypothesis": 7})
    people["manager"].get(address(measured, "versions/"))
    people["manager"].get(address(measured, "filters.yaml"))
    assert rows() == before


def test_looking_at_a_project_without_rules_of_its_own_records_none(people, project):
    page = people["viewer"].get(address(project))
    assert "The shipped rules" in text(page)
    assert "no answer yet" in text(page)
    assert Ruleset.objects.count() == 0


def test_what_would_flip_is_told_rule_by_rule_with_examples(people, project):
    long, short = "Measure the plate and compare. " * 8, "Measure the plate and compare it with the other one."
    for number in range(3):
        factories.prompt(project, "to_review", task_type="summary", answer=f"{long} {number}")
        factories.prompt(project, "to_review", task_type="summary", answer=f"{short} {number}")
    measure(project, recorded(project, only(min_char_length=120)))
    tried = people["viewer"].get(address(project, "try/", **{"min_char_length.summary": 20}))
    assert "3 answers would flip" in text(tried)
    assert "3 would pass" in text(tried)
    assert "0 would fail" in text(tried)
    assert "the stored measurements of all 6 answers" in text(tried)
    assert text(tried).count(short) == 3
    assert "Shortest answer, in characters: 54, at least 120" in text(tried)
    assert tried["HX-Replace-Url"] == address(project, **{"min_char_length.summary": 20})


def test_decided_answers_are_counted_apart(people, measured):
    for prompt in measured.prompts.all():
        factories.resolution(prompt.current_response)
    tried = text(people["viewer"].get(address(measured, "try/", **{"min_char_length.hypothesis": 600})))
    assert "people have decided: they stay where they are" in tried


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"min_char_length": "many"}, "Shortest answer, in characters: 'many' is wrong; it takes a whole number"),
        ({"max_char_length.hypothesis": "0"}, "Longest answer, in characters (hypothesis): 0 is wrong"),
        ({"min_char_length.hypothesis": 9000}, "min_char_length 9000 is above max_char_length 1200"),
        ({"min_char_length": "nan"}, "'nan' is wrong"),
        ({"min_char_length": "9" * 11}, "it takes a whole number up to 1,000,000,000, or nothing"),
        ({"min_char_length": "9" * 400}, "is wrong; it takes a whole number"),
        ({"allowed_action_verbs": ""}, "takes a list of single verbs"),
    ],
)
def test_a_wrong_value_is_refused_by_its_rule_and_kept(people, measured, query, said):
    page = people["manager"].get(address(measured, **query))
    assert page.status_code == 422
    assert said in text(page).replace("&#x27;", "'")
    assert "There are numbers once the values are right" in text(page)
    assert 'id="apply-rules"' not in page.content.decode()
    name, value = next(iter(query.items()))
    assert inputs(page)[name] == str(value)
    applied = people["manager"].post(address(measured, "apply/"), query | {"version": 1})
    assert applied.status_code == 422
    assert Ruleset.objects.count() == 1


def test_a_pattern_is_tried_by_managers_alone(people, measured):
    query = {"forbidden_patterns": "dust|snow"}
    assert "would flip" in text(people["manager"].get(address(measured, "try/", **query)))
    assert "Nothing is changed" in text(people["viewer"].get(address(measured, "try/", **query)))


@pytest.mark.parametrize("path", ["try/", "apply/", ""])
def test_a_pattern_that_takes_too_long_is_refused_at_its_field(people, measured, monkeypatch, path):
    monkeypatch.setattr(patterns, "SECONDS", 0.2)
    said = {"forbidden_patterns": "dust\n(a|aa)+$", "version": "1"}
    manager = people["manager"]
    page = (
        manager.post(address(measured, path), said)
        if path == "apply/"
        else manager.get(address(measured, path, **said))
    )
    assert "takes too long on a text" in text(page)
    assert Ruleset.objects.count() == 1


def test_the_pages_open_where_a_pattern_in_force_takes_too_long(people, project, monkeypatch):
    answers(project, 3)
    recorded(project, {"forbidden_patterns": ["(a|aa)+$"]})

    def give_up(pattern, text):
        raise patterns.SlowPattern("It takes too long.")

    monkeypatch.setattr(patterns, "_search", give_up)
    assert people["manager"].get(address(project)).status_code == 200
    assert people["manager"].get(address(project, "rule/", rule="forbidden_patterns")).status_code == 200
    assert people["manager"].get(f"/p/{project.slug}/quality/data/").status_code == 200


def test_without_javascript_the_form_leads_to_a_short_address_that_shows_the_same(people, measured):
    form = inputs(people["viewer"].get(address(measured)))
    sent = people["viewer"].post(address(measured), form | {"min_char_length.methodology": "60"})
    assert sent.status_code == 302
    assert sent["Location"] == address(measured, **{"min_char_length.methodology": 60}) + "#filters-trial"
    page = people["viewer"].get(sent["Location"].partition("#")[0])
    assert inputs(page)["min_char_length.methodology"] == "60"
    assert inputs(page)["min_char_length"] == "120"
    assert "would flip" in text(page)


def test_lists_that_no_address_could_hold_are_shown_at_once(people, measured):
    words = "\n".join(f"some phrase number {number}" for number in range(300))
    sent = people["manager"].post(address(measured), {"refusal_strings": words})
    assert sent.status_code == 200
    assert "some phrase number 299" in sent.content.decode()


def test_moving_the_limit_of_all_other_tasks_leaves_those_with_a_field_of_their_own(people, measured):
    people["manager"].post(address(measured, "apply/"), {"min_char_length": "99", "version": 1})
    rules = filters.load_rules(Ruleset.objects.get(version=2).body)
    assert rules.settings("anything else")["min_char_length"] == 99
    assert rules.settings("hypothesis")["min_char_length"] == 120


def test_apply_makes_a_version_and_offers_the_filter_run(people, measured):
    form = inputs(people["manager"].get(address(measured)))
    changed = {"min_char_length.hypothesis": "33", "ban_citations.summary": ["off"], "version": "1"}
    page = people["manager"].post(address(measured, "apply/"), form | changed, follow=True)
    made = Ruleset.objects.get(version=2)
    assert made.body["task_types"]["hypothesis"]["min_char_length"] == 33
    assert made.body["task_types"]["summary"]["ban_citations"] is False
    assert (made.origin, made.created_by is not None) == ("filter page", True)
    assert "Version 2 is in force" in text(page)
    assert "Nothing has moved yet" in text(page)
    assert "30 answers have no verdict by this version yet." in text(page)
    assert f"/p/{measured.slug}/runs/start/?stage=filter" in page.content.decode()
    assert Run.objects.count() == 0
    assert FilterResult.objects.filter(ruleset=made).count() == 0


def test_what_has_no_verdict_by_the_new_version_is_told_and_the_run_offered(people, measured):
    for prompt in list(measured.prompts.all())[:10]:
        factories.resolution(prompt.current_response)
        prompt.go("accepted", "resolved")
    assert "no verdict by this version" not in text(people["manager"].get(address(measured)))
    people["manager"].post(address(measured, "apply/"), {"min_char_length.hypothesis": "33", "version": "1"})
    page = text(people["manager"].get(address(measured)))
    assert "30 answers have no verdict by this version yet; 10 of them people have decided" in page
    assert "See the quote and start the run" in page
    assert "start the run" not in text(people["viewer"].get(address(measured)))


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_only_managers_apply_and_upload(people, measured, role):
    assert people[role].post(address(measured, "apply/"), {"version": 1}).status_code == 403
    assert people[role].post(address(measured, "upload/")).status_code == 403


def test_rules_that_came_into_force_meanwhile_are_not_overwritten(people, measured):
    form = inputs(people["manager"].get(address(measured)))
    recorded(measured, only(min_char_length=120, max_char_length=3000, ban_citations=True))  # a colleague
    mine = form | {"min_char_length.hypothesis": "33"}
    page = people["manager"].post(address(measured, "apply/"), mine)
    assert page.status_code == 409
    assert Ruleset.objects.count() == 2
    said = text(page)
    assert "version 2" in said
    assert "max_char_length 1200 → 3000" in said
    assert "hypothesis: min_char_length 120 → 33" in said
    again = inputs(page)
    assert (again["version"], again["min_char_length.hypothesis"], again["max_char_length"]) == ("2", "33", "3000")
    people["manager"].post(address(measured, "apply/"), again)
    body = Ruleset.objects.get(version=3).body
    assert body["max_char_length"] == 3000
    assert body["task_types"]["hypothesis"]["min_char_length"] == 33


def upload(client, project, content, name="mine.yaml"):
    return client.post(address(project, "upload/"), {"file": SimpleUploadedFile(name, content)})


def test_an_uploaded_file_is_a_trial_until_it_is_applied(people, measured):
    content = (
        b"min_char_length: 44\nallowed_action_verbs: [anneal]\ntask_types: {essay: {allowed_action_verbs: [write]}}"
    )
    page = upload(people["manager"], measured, content)
    assert page.status_code == 200
    assert Ruleset.objects.count() == 1
    form = inputs(page)
    assert (form["min_char_length"], form["min_char_length.hypothesis"]) == ("44", "44")
    assert "would flip" in text(page)
    people["manager"].post(address(measured, "apply/"), form)
    made = Ruleset.objects.get(version=2)
    assert made.body == filters.rules_to_mapping(filters.load_rules(yaml.safe_load(content)))
    assert made.origin == "mine.yaml"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"min_chars: 3", "min_chars: unknown key"),
        (b"min_char_length: many\nban_citations: 3", "min_char_length: 'many' is wrong"),
        (b"a: [", "is not YAML"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"- min_char_length", "is not a mapping"),
        (b"a: &x [1]\nb: *x", "aliases"),
        (b"min_char_length: 2024-02-99", "is not YAML: day is out of range"),
        (b"min_char_length: " + b"9" * 5000, "is not YAML: Exceeds the limit"),
        (b"[" * 3000 + b"]" * 3000, "is not YAML: maximum recursion depth exceeded"),
        (b"#" * 300_000, "is larger than"),
    ],
)
def test_a_wrong_file_is_refused_by_name(people, measured, content, said):
    page = upload(people["manager"], measured, content)
    assert page.status_code == 422
    assert said in text(page).replace("&#x27;", "'")
    assert Ruleset.objects.count() == 1


def test_what_is_downloaded_is_what_can_be_uploaded(people, measured):
    recorded(measured, {"min_char_length": 44, "forbidden_patterns": ["(?i)dust  "]})
    sent = people["viewer"].get(address(measured, "filters.yaml"))
    assert 'filename="' in sent["Content-Disposition"]
    assert "v2.yaml" in sent["Content-Disposition"]
    assert filters.rules_to_mapping(filters.load_rules(yaml.safe_load(sent.content))) == measured.filter_ruleset.body
    page = upload(people["manager"], measured, sent.content)
    assert "Nothing is changed" in text(page)
    first = people["viewer"].get(address(measured, "filters.yaml", version=1))
    assert yaml.safe_load(first.content) == Ruleset.objects.get(version=1).body
    assert people["viewer"].get(address(measured, "filters.yaml", version=9)).status_code == 404


def test_versions_say_who_what_and_how_many_verdicts(people, measured):
    people["manager"].post(address(measured, "apply/"), {"min_char_length": "99", "version": 1})
    page = text(people["viewer"].get(address(measured, "versions/")))
    assert "min_char_length 120 → 99" in page
    assert "the first" in page
    assert re.search(r"v1 .*? 30 the first", page)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"min_char_length": 99}, [("min_char_length", "120", "99")]),
        (
            {},
            {"task_types": {"hypothesis": {"min_char_length": 150}}},
            [("hypothesis: min_char_length", "120", "150")],
        ),
        ({"ban_citations": True}, {"ban_citations": False}, [("ban_citations", "on", "off")]),
        (
            {"max_char_length": None},
            {"max_char_length": 900, "refusal_strings": ["no way", "never"]},
            [("max_char_length", "not set", "900"), ("refusal_strings", "none", "no way, never")],
        ),
    ],
)
def test_what_changed_between_two_versions_is_said_by_what_holds(before, after, said):
    bodies = (filters.rules_to_mapping(filters.load_rules(each)) for each in (before, after))
    assert quality_filters_change.differences(*bodies) == said


def test_a_rules_histogram_has_its_limit_and_its_numbers(people, measured):
    part = people["viewer"].get(
        address(measured, "rule/", **{"rule": "min_char_length", "min_char_length.hypothesis": 77})
    )
    assert part.content.decode().count("<svg") == 3
    assert "limit 77" in part.content.decode()
    assert "limit 120" in part.content.decode()
    assert "At least 77 passes" in text(part)
    assert "style=" not in part.content.decode()
    assert people["viewer"].get(address(measured, "rule/", rule="nothing")).status_code == 400


def test_without_javascript_a_histogram_is_a_link_away(people, measured):
    page = people["viewer"].get(address(measured))
    assert "?rule=min_char_length#rule-min_char_length" in page.content.decode()
    asked = people["viewer"].get(address(measured, rule="min_char_length"))
    assert asked.content.decode().count("<svg") == 3


def test_every_rule_has_numbers_whether_on_or_off(people, measured, monkeypatch):
    monkeypatch.setattr(plots, "histogram", lambda bins, **words: SafeString("<svg></svg>" if bins else ""))
    for rule in filters.RULES.values():
        part = people["viewer"].get(address(measured, "rule/", rule=rule.id))
        assert part.status_code == 200
        if rule.bound:
            assert part.content.decode().count("<svg>") == 3, rule.id
