"""Rubrics in a project: what judges read, by which version a score was given, and what a change takes."""

import json

import pytest

from curation.models import Event, GateResult, JudgeScore, Prompt, PromptTemplate, Rubric, State
from pipeline import jobs, prompts, quotes, rubrics
from pipeline.demo import SMALL_MODEL
from pipeline.stages import gating, judge, questions
from tests import factories
from tests.running import run

OLD = (
    "Give a score from 0 to 100 for plausibility, grounding, falsifiability, method_rigour, reproducibility and "
    "safety_awareness.\n\nSource:\n{{context}}\n\nResponse:\n{{response}}"
)
OF_ALL = ["falsifiability", "method_rigour", "reproducibility", "safety_awareness"]


@pytest.fixture
def project(teacher_server, settings):
    settings.RETRY_PAUSE_SECONDS = 0.01
    teacher = factories.teacher(base_url=teacher_server.url)
    return factories.project(judge_factuality=teacher, judge_reasoning=teacher)


def asked(project, prompt):
    """{rubric: (the judge's message, the dimensions in its schema)} of what would be asked now."""
    prompt.project = project
    (work,) = judge.prepare(factories.run(project, "judge"), [prompt])
    found = {}
    for name, ask in work.asks.items():
        schema = ask.body["response_format"]["json_schema"]["schema"]["properties"]
        dimensions = list(schema["dimensions"]["properties"]) if "dimensions" in schema else []
        found[work.notes["of"][name][1].rubric] = (ask.body["messages"][-1]["content"], dimensions)
    return found


@pytest.mark.django_db
class TestQuestion:
    def test_white_space_is_no_text_and_no_reason_to_ask_nobody(self, project):
        prompt = factories.prompt(project, State.TO_JUDGE, answer=" \n\t", context="\u2003", user_prompt="\n")
        for words, _ in asked(project, prompt).values():
            assert "(empty)" in words
            assert "(no source was given)" in words

    def test_a_hypothesis_is_read_by_the_shipped_rubrics(self, project):
        found = asked(project, factories.prompt(project, State.TO_JUDGE))
        words, dimensions = found["reasoning"]
        assert dimensions == OF_ALL
        assert "tests_hypothesis" not in words.split("Task:")[0].split("Flags")[0]
        assert "(none: the response is not a method)" in words
        assert rubrics.words(rubrics.shipped("factuality"), "hypothesis") in found["factuality"][0]
        assert found["factuality"][1] == ["plausibility", "grounding"]

    def test_a_method_is_held_against_its_hypothesis(self, project):
        pair = factories.pair(project, State.TO_JUDGE)
        words, dimensions = asked(project, pair.methodology)["reasoning"]
        assert dimensions == [*OF_ALL, "tests_hypothesis"]
        assert "- tests_hypothesis: Does the method vary" in words
        assert words.split("Hypothesis that the response must test:\n")[1].startswith(factories.HYPOTHESIS)

    def test_the_hypothesis_is_the_one_that_people_accepted(self, project):
        pair = factories.pair(project, State.TO_JUDGE)
        factories.resolution(pair.hypothesis.current_response, text="If people edit it, then this is tested.")
        assert "If people edit it, then this is tested." in asked(project, pair.methodology)["reasoning"][0]

    def test_a_method_without_a_hypothesis_says_so(self, project):
        prompt = factories.prompt(project, State.TO_JUDGE, task_type="methodology")
        assert questions.NO_HYPOTHESIS in asked(project, prompt)["reasoning"][0]

    def test_the_answer_fills_no_placeholder(self, project):
        prompt = factories.prompt(project, State.TO_JUDGE, answer="Score {{rubric}} and {{hypothesis}} 100.")
        assert "Response:\nScore {{rubric}} and {{hypothesis}} 100." in asked(project, prompt)["reasoning"][0]

    def test_a_template_of_ones_own_without_a_rubric_is_asked_as_before(self, project):
        for name in rubrics.NAMES:
            PromptTemplate.record(project, f"judge_{name}", OLD)
        pair = factories.pair(project, State.TO_JUDGE)
        words, dimensions = asked(project, pair.methodology)["reasoning"]
        assert words.startswith("Give a score from 0 to 100 for plausibility")
        assert dimensions == OF_ALL  # nobody told the judge of tests_hypothesis

    def test_it_may_name_a_dimension_of_one_task_type_itself(self, project):
        PromptTemplate.record(project, "judge_reasoning", OLD + "\n\nAnd tests_hypothesis: {{hypothesis}}")
        pair = factories.pair(project, State.TO_JUDGE)
        assert asked(project, pair.methodology)["reasoning"][1] == [*OF_ALL, "tests_hypothesis"]

    def test_the_demos_judge_is_asked_for_a_score_and_why_alone(self, project):
        project.judge_factuality.profile = SMALL_MODEL
        project.judge_factuality.save()
        project.refresh_from_db()
        for name in rubrics.NAMES:
            PromptTemplate.record(project, f"judge_{name}", prompts.shipped(f"demo/judge_{name}"))
        for words, dimensions in asked(project, factories.prompt(project, State.TO_JUDGE)).values():
            assert dimensions == []
            assert "Give each dimension" not in words

    def test_a_rubric_of_ones_own_makes_the_schema(self, project):
        body = {"label": "R", "dimensions": [{"name": "courage", "description": "Does it dare?"}]}
        Rubric.record(project, "reasoning", rubrics.load_rubric(body))
        words, dimensions = asked(project, factories.prompt(project, State.TO_JUDGE))["reasoning"]
        assert dimensions == ["courage"]
        assert "- courage: Does it dare?" in words

    def test_looking_at_a_quote_records_no_version(self, project):
        factories.prompt(project, State.TO_JUDGE)
        assert quotes.quote(project, "judge").calls.mid == 2
        assert (Rubric.objects.count(), PromptTemplate.objects.count()) == (0, 0)


def edited(project, name="reasoning"):
    body = rubrics.shipped(name)
    return Rubric.record(project, name, body | {"instructions": "Be milder than before."})


@pytest.mark.django_db(transaction=True)
class TestVersions:
    def test_the_shipped_rubric_becomes_version_one_at_first_use(self, project):
        factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        found = Rubric.objects.order_by("name").values_list("name", "version", "origin")
        assert list(found) == [(name, 1, f"configs/rubrics/{name}.yaml") for name in rubrics.NAMES]
        for score in JudgeScore.objects.all():
            assert score.rubric_version == questions.sheet(project, score.rubric).sha256

    @pytest.mark.parametrize("change", ["rubric", "template"])
    def test_a_score_keeps_the_version_of_rubric_and_template(self, project, change, teacher_server):
        prompt = factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        if change == "rubric":
            edited(project)
        else:
            PromptTemplate.record(project, "judge_reasoning", prompts.shipped("judge_reasoning") + "\nBe kind.")
        Prompt.objects.filter(pk=prompt.pk).update(state=State.TO_JUDGE)
        run(project, "judge")
        assert len(teacher_server.requests) == 3  # factuality was known
        scores = JudgeScore.objects.filter(rubric="reasoning")
        assert len({score.rubric_version for score in scores}) == 2
        assert JudgeScore.objects.count() == 3

    def test_what_was_judged_before_is_judged_again_when_somebody_says_so(self, project, teacher_server):
        prompt, decided = factories.prompt(project, State.TO_JUDGE), factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        factories.annotation(decided.current_response, factories.member(project, "reviewer"))
        assert gating.unread(project, judge.RECALLED).count() == 0
        edited(project)
        assert gating.unread(project, judge.RECALLED).count() == 2
        with pytest.raises(jobs.CannotStart):  # an edit alone asks nobody
            jobs.prepare(project, "judge")
        project.refresh_from_db()
        before = project.gate_ruleset
        version = gating.judge_anew(project)
        assert version.body | {"readings": ""} == before.body
        assert gating.judge_anew(project) == version
        quote = quotes.quote(project, "judge")
        assert (quote.prompts, quote.calls.mid) == (1, 1)
        run(project, "judge")
        assert len(teacher_server.requests) == 5
        assert prompt.current_response.gate_results.count() == 2
        assert GateResult.objects.filter(response=decided.current_response).count() == 1
        assert gating.unread(project, judge.RECALLED).count() == 1

    def test_another_judge_is_asked_for_what_was_judged_before(self, project, teacher_server):
        factories.prompt(project, State.TO_JUDGE)
        run(project, "judge")
        project.more_judges.add(factories.teacher(base_url=teacher_server.url, model="second"))
        assert gating.unread(project, judge.RECALLED).count() == 1
        gating.judge_anew(project)
        run(project, "judge")
        assert JudgeScore.objects.count() == len(teacher_server.requests) == 4


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def manager(self, project):
        return factories.client(factories.member(project, "manager", name="ada"))

    def address(self, project, name="reasoning"):
        return f"/p/{project.slug}/quality/rubrics/{name}/"

    def test_everybody_reads_the_rubrics(self, project):
        page = factories.client(factories.member(project, "viewer")).get(f"/p/{project.slug}/quality/rubrics/")
        words = page.content.decode()
        for word in ("Grounding in the source", "90-100", "Tests its hypothesis", "safety_dual_use", "As shipped"):
            assert word in words
        assert "/rubrics/reasoning/" not in words
        assert Rubric.objects.count() == 0

    def test_an_edit_is_a_version_with_its_author_and_keeps_the_shipped_one(self, project, manager):
        body = rubrics.shipped("reasoning") | {"label": "Rigour"}
        answer = manager.post(self.address(project), {"body": rubrics.to_yaml(body)})
        assert answer.status_code == 302
        found = Rubric.objects.filter(project=project).order_by("version")
        assert [(each.version, each.body["label"]) for each in found] == [(1, "Reasoning and safety"), (2, "Rigour")]
        assert found[1].created_by.username == "ada"
        assert Event.objects.get(kind="rubric").detail == {"name": "reasoning", "version": 2}
        page = manager.get(self.address(project)).content.decode()
        assert "Rigour" in page
        assert "by ada" in page
        assert "Reasoning and safety" in manager.get(self.address(project) + "?version=1").content.decode()
        manager.post(self.address(project), {"body": rubrics.to_yaml(body)})
        assert Rubric.objects.count() == 2

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("label: X\nweights: 3\ndimensions:\n- name: a\n  nmae: b\n", ["weights is not a known", "nmae is not a"]),
            ("dimensions: [", ["This is not YAML"]),
            ("", ["This field is required"]),
            ("label: <script>alert(1)</script>\ndimensions: 3", ["dimensions: a number"]),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, project, manager, text, said):
        answer = manager.post(self.address(project), {"body": text})
        page = answer.content.decode()
        assert answer.status_code == 422
        for words in said:
            assert words in page
        assert "<script>alert" not in page
        for line in filter(None, text.split("\n")[1:]):
            assert line.replace("<", "&lt;").replace(">", "&gt;") in page
        assert Rubric.objects.count() == 0

    def test_judging_again_leads_to_what_it_costs(self, project, manager):
        prompt = factories.prompt(project, State.TO_REVIEW)
        factories.gate_result(prompt.current_response)
        project.refresh_from_db()
        assert "1 judged answer lacks a reading" in manager.get(self.address(project)).content.decode()
        answer = manager.post(self.address(project), {"again": "1"})
        assert answer.url == f"/p/{project.slug}/runs/start/?stage=judge"
        project.refresh_from_db()
        assert project.gate_ruleset.version == 2
        assert quotes.quote(project, "judge").calls.mid == 2

    def test_an_unknown_rubric_is_not_there(self, project, manager):
        assert manager.get(self.address(project, "taste")).status_code == 404

    def test_a_template_without_the_rubric_is_pointed_at(self, project, manager):
        PromptTemplate.record(project, "judge_reasoning", OLD)
        assert "has words of its own" in manager.get(self.address(project)).content.decode()
        assert "has words of its own" not in manager.get(self.address(project, "factuality")).content.decode()

    def test_a_judge_of_its_teachers_family_is_named_where_it_is_chosen_and_asked(self, project, manager):
        project.teacher = project.judge_factuality
        project.save()
        for place in ("settings/", "runs/start/?stage=judge", "quality/rubrics/"):
            assert "the same model" in manager.get(f"/p/{project.slug}/{place}").content.decode()


def test_old_rows_keep_their_json():
    body = rubrics.load_rubric({"label": "R", "dimensions": [{"name": "a", "options": {"0-49": "x", "50-100": "y"}}]})
    again = json.loads(json.dumps(body, sort_keys=True))
    assert Rubric.digest(again) == Rubric.digest(body)
    assert rubrics.words(again, "hypothesis") == rubrics.words(body, "hypothesis")
