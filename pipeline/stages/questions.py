"""What judges are asked: by which rubric, in which words, how often; and what of it is known."""

import hashlib
from dataclasses import dataclass

from curation.models import JudgeScore, PromptTemplate, Rubric, TeacherResponse
from pipeline import answers, prompts, rubrics, teachers
from pipeline.asks import Ask, Work

from .composing import rubric, template

NO_SOURCE = "(no source was given)"
NO_TEXT = "(empty)"
NO_HYPOTHESIS = "(No hypothesis is given: it must test the most important claim of the source that can be tested.)"
NOT_A_METHOD = "(none: the response is not a method)"
TRIES = 2  # calls a reading takes at most: its own, and a second where the first could not be read


@dataclass(frozen=True)
class Sheet:
    """A rubric and the template that asks by it, in the versions in force."""

    template: PromptTemplate
    rubric: Rubric

    @property
    def sha256(self):
        """What a score keeps as the version that it was given by."""
        return hashlib.sha256(f"{self.template.sha256}\n{self.rubric.sha256}".encode()).hexdigest()

    @property
    def shows_rubric(self):
        """Whether the template says the rubric; older ones have words of their own in its place."""
        return "rubric" in prompts.placeholders(self.template.body)

    def dimensions(self, task_type):
        """Names of the dimensions that are asked for; of a task type's own ones, those that the judge is told of."""
        found = rubrics.dimensions(self.rubric.body, task_type)
        known = self.shows_rubric
        return [each["name"] for each in found if known or "task_types" not in each or _named(each, self.template)]


def _named(dimension, version):
    return dimension["name"] in version.body


def sheet(project, name):
    """The Sheet of the rubric `name` in this project."""
    return Sheet(template(project, f"judge_{name}"), rubric(project, name))


@dataclass(frozen=True)
class Reader:
    """Whose reading of an answer is wanted, by which rubric and how manieth; `version` is that of the Sheet."""

    rubric: str
    version: str
    judge_id: int | None = None
    repeat: int = 0

    @classmethod
    def of(cls, score):
        """The Reader that a JudgeScore is from; imported ones of a rubric are alike."""
        if score.rubric_version == JudgeScore.IMPORTED:
            return cls(score.rubric, score.rubric_version)
        return cls(score.rubric, score.rubric_version, score.judge_id, score.repeat)


def works_of(project, prompt_list, responses):
    """A Work for each prompt that asks every wanted reading of `responses` {prompt id: [response]} that is not known.

    What an imported answer brought along is not asked of the project's judges. The notes of a Work say what is wanted
    of each response (`wanted`: {response id: {Reader}}) and what each ask is (`of`: {name: (response, Reader, judge)}).
    """
    several = [response for found in responses.values() for response in found]
    sheets, readers = {name: sheet(project, name) for name in project.judges}, project.readers
    wanted, known = _wanted(several, sheets, readers)
    hypotheses, judges = _hypotheses(several), {judge.pk: judge for _, judge, _ in readers}
    works = []
    for prompt in prompt_list:
        of, asks = {}, {}
        for response in responses[prompt.pk]:
            for reader in sorted(wanted[response.pk] - known[response.pk], key=_order):
                judge = judges[reader.judge_id]
                name = f"{reader.rubric} of {response.pk} by {reader.judge_id}, {reader.repeat}"
                of[name] = (response, reader, judge)
                tested = hypotheses.get(response.hypothesis_id, "")
                asks[name] = question(prompt, response, judge, sheets[reader.rubric], reader.repeat, tested)
        notes = {"sheets": sheets, "responses": responses[prompt.pk], "wanted": wanted, "of": of, "tried": set()}
        works.append(Work(prompt, asks, notes=notes | {"hypotheses": hypotheses}))
    return works


def _order(reader):
    return reader.rubric, reader.repeat, reader.judge_id


def _wanted(responses, sheets, readers):
    """({response id: {Reader}} of the readings that are wanted, the same of those that are there)."""
    ids = [response.pk for response in responses]
    known = {pk: set() for pk in ids}
    for score in JudgeScore.objects.filter(response__in=ids).only(
        "response_id", "rubric", "rubric_version", "judge_id", "repeat"
    ):
        known[score.response_id].add(Reader.of(score))
    asked = [Reader(name, sheets[name].sha256, judge.pk, repeat) for name, judge, repeat in readers]
    wanted = {}
    for pk in ids:
        imported = {reader for reader in known[pk] if reader.version == JudgeScore.IMPORTED}
        names = {reader.rubric for reader in imported}
        wanted[pk] = imported | {reader for reader in asked if reader.rubric not in names}
    return wanted, known


def _hypotheses(responses):
    """{response id of a hypothesis: its authoritative text} of what these methods must test."""
    ids = {response.hypothesis_id for response in responses if response.hypothesis_id}
    rows = TeacherResponse.objects.filter(pk__in=ids).with_authoritative_text() if ids else ()
    return {row.pk: row.authoritative for row in rows}


def question(prompt, response, judge, sheet, repeat=0, hypothesis="", *, sample=None):
    """The Ask for a judge's reading of one answer; each repeat is a sample of its own, with room for a second try."""
    is_method = prompt.task_type == "methodology"
    text = prompts.render(
        sheet.template.body,
        {
            "context": prompt.context or NO_SOURCE,
            "prompt": prompt.user_prompt or f"Write one {prompt.task_type} from the source.",
            "response": response.text or NO_TEXT,
            "hypothesis": (hypothesis or NO_HYPOTHESIS) if is_method else NOT_A_METHOD,
            "rubric": rubrics.words(sheet.rubric.body, prompt.task_type),
            "task_type": prompt.task_type,
        },
    )
    fitted = judge.profile.get("judge_schema", {})
    schema = answers.judge_schema(sheet.dimensions(prompt.task_type), **fitted)
    body = teachers.payload(judge, "", text, schema=("judgement", schema))
    return Ask(judge, body, TRIES * repeat if sample is None else sample)
