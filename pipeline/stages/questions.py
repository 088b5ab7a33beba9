"""What judges are asked: by which rubric, in which words, how often; and what of it is known."""

from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q

from curation.models import JudgeScore, PromptTemplate, Rubric, TeacherResponse
from pipeline import answers, prompts, rubrics, teachers
from pipeline.asks import Ask, Work

from .composing import rubric, template

NO_SOURCE = "(no source was given)"
NO_TEXT = "(empty)"
NO_HYPOTHESIS = "(No hypothesis is given: it must test the most important claim of the source that can be tested.)"
NOT_A_METHOD = "(none: the response is not a method)"
TRIES = 2  # calls a reading takes at most: its own, and a second where the first could not be read


class Sheet(NamedTuple):
    """A rubric and the template that asks by it, in the versions in force."""

    template: PromptTemplate
    rubric: Rubric

    @property
    def sha256(self):
        """What a score keeps as the version that it was given by."""
        return rubrics.asked_by(self.template, self.rubric)

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


class Reader(NamedTuple):
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


def wanted_of(project):
    """[Reader] of every reading that is wanted of an answer now."""
    return _readers({name: sheet(project, name) for name in project.judges}, project.readers)


def _readers(sheets, readers):
    return [Reader(name, sheets[name].sha256, judge.pk, repeat) for name, judge, repeat in readers]


def works_of(project, prompt_list, responses):
    """A Work for each prompt that asks every wanted reading of `responses` {prompt id: [response]} that is not known.

    What an imported answer brought along is not asked of the project's judges. Notes of a Work, plain as a batch keeps
    them: `wanted` {response id: [Reader]}; `of` {name of an ask: (response, Reader, judge)}; `sheets` by rubric; and
    `hypotheses` {response id: text} that its methods must test.
    """
    several = [response for found in responses.values() for response in found]
    sheets, readers = {name: sheet(project, name) for name in project.judges}, project.readers
    wanted, known = _wanted(several, sheets, readers)
    hypotheses, judges = _hypotheses(several), {judge.pk: judge for _, judge, _ in readers}
    works = []
    for prompt in prompt_list:
        own = responses[prompt.pk]
        tested = {response.hypothesis_id for response in own} & hypotheses.keys()
        notes = {
            "sheets": sheets,
            "responses": own,
            "wanted": {response.pk: sorted(wanted[response.pk], key=_order) for response in own},
            "of": {},
            "hypotheses": {pk: hypotheses[pk] for pk in tested},
            "tried": set(),
        }
        work = Work(prompt, notes=notes)
        for response in own:
            for reader in notes["wanted"][response.pk]:
                if reader not in known[response.pk]:
                    name = f"{reader.rubric} of {response.pk} by {reader.judge_id}, {reader.repeat}"
                    notes["of"][name] = (response, reader, judges[reader.judge_id])
                    work.asks[name] = asked_of(work, name)
        works.append(work)
    return works


def brought_up_to_date(project, notes):
    """Notes of a Work as they are kept today; a batch may be answered that was filled before rubrics were data."""
    if "wanted" in notes:
        return notes
    sheets = {name: Sheet(version, rubric(project, name)) for name, version in notes["rubrics"].items()}
    readers = {name: Reader(name, sheets[name].sha256, judge.pk) for name, judge in notes["judges"].items()}
    of = {name: (answer, readers[by], notes["judges"][by]) for name, (answer, by) in notes["of"].items()}
    wanted = {answer.pk: list(readers.values()) for answer in notes["responses"]}
    return notes | {"sheets": sheets, "of": of, "wanted": wanted, "hypotheses": {}}


def asked_of(work, name, sample=None):
    """The Ask of this name, as its judge takes it now."""
    response, reader, judge = work.notes["of"][name]
    of, tested = Reader(*reader), work.notes["hypotheses"].get(response.hypothesis_id, "")
    sheet = Sheet(*work.notes["sheets"][of.rubric])
    return question(work.prompt, response, judge, sheet, of.repeat, tested, sample=sample)


def _order(reader):
    return reader.rubric, reader.repeat, reader.judge_id or 0


def _wanted(responses, sheets, readers):
    """({response id: {Reader}} of the readings that are wanted, the same of those that are there)."""
    ids = [response.pk for response in responses]
    known = {pk: set() for pk in ids}
    for score in JudgeScore.objects.filter(response__in=ids).only(
        "response_id", "rubric", "rubric_version", "judge_id", "repeat"
    ):
        known[score.response_id].add(Reader.of(score))
    asked = _readers(sheets, readers)
    wanted = {}
    for pk in ids:
        imported = {reader for reader in known[pk] if reader.version == JudgeScore.IMPORTED}
        names = {reader.rubric for reader in imported}
        wanted[pk] = imported | {reader for reader in asked if reader.rubric not in names}
    return wanted, known


def all_known(project):
    """The condition that every reading which is wanted of a prompt's current answer is there."""
    scores = JudgeScore.objects.filter(response=OuterRef("current_response"))
    imported = scores.filter(rubric_version=JudgeScore.IMPORTED)
    sheets = {name: sheet(project, name) for name in project.judges}
    condition = Q() if sheets else Q(Exists(imported))
    for name in sheets:
        own = [reader for reader in _readers(sheets, project.readers) if reader.rubric == name]
        known = [
            Exists(scores.filter(rubric=name, rubric_version=each.version, judge=each.judge_id, repeat=each.repeat))
            for each in own
        ]
        condition &= Q(Exists(imported.filter(rubric=name))) | Q(*known)
    return condition


def _hypotheses(responses):
    """{response id of a hypothesis: its authoritative text} of what these methods must test."""
    ids = {response.hypothesis_id for response in responses if response.hypothesis_id}
    rows = TeacherResponse.objects.filter(pk__in=ids).with_authoritative_text() if ids else ()
    return {row.pk: row.authoritative for row in rows}


def _said(text, instead):
    return text if text.strip() else instead  # a template refuses what is blank


def question(prompt, response, judge, sheet, repeat=0, hypothesis="", *, sample=None):
    """The Ask for a judge's reading of one answer; each repeat is a sample of its own, with room for a second try."""
    is_method = prompt.task_type == "methodology"
    text = prompts.render(
        sheet.template.body,
        {
            "context": _said(prompt.context, NO_SOURCE),
            "prompt": _said(prompt.user_prompt, f"Write one {prompt.task_type} from the source."),
            "response": _said(response.text, NO_TEXT),
            "hypothesis": _said(hypothesis, NO_HYPOTHESIS) if is_method else NOT_A_METHOD,
            "rubric": rubrics.words(sheet.rubric.body, prompt.task_type),
            "task_type": prompt.task_type,
        },
    )
    fitted = judge.profile.get("judge_schema", {})
    schema = answers.judge_schema(sheet.dimensions(prompt.task_type), **fitted)
    body = teachers.payload(judge, "", text, schema=("judgement", schema))
    return Ask(judge, body, TRIES * repeat if sample is None else sample)
