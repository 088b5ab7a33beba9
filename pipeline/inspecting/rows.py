"""The answers of a project or a file one by one, without their texts: what is counted of each."""

import hashlib
from typing import NamedTuple

from curation.importing.errors import BadRow
from curation.models import FilterResult, TeacherResponse
from curation.models.prompt import normalise
from pipeline import answers, filters
from pipeline.stages import filtering

BATCH = 2_000
FIELDS = ("pk", "domain", "task_type", "current_response", "current_response__teacher__name")
NUMBERS = ("current_response__text", "current_response__completion_tokens", "current_response__latency_ms")


class Row(NamedTuple):
    """One answer, or a prompt without one. `key` tells prompts apart that may come again, `digest` answers.

    `looked` is what Look says of the answer, {} where it was not asked.
    """

    domain: str
    task_type: str
    key: int | None = None
    answered: bool = True
    teacher: str = ""
    words: int = 0
    characters: int = 0
    tokens: int | None = None
    latency_ms: int | None = None
    digest: int = 0
    looked: dict = {}  # noqa: RUF012 - never written to

    @property
    def empty(self):
        """Whether it is no answer at all: fewer than ten characters."""
        return self.answered and self.characters < 10


def _of_text(text):
    """What a Row keeps of a text."""
    text = text.strip()
    digest = hashlib.blake2b(normalise(text).encode(errors="replace"), digest_size=8).digest()
    return {"words": len(text.split()), "characters": len(text), "digest": int.from_bytes(digest)}


def rows_of_project(project, look, ids=None, most_afresh=None):
    """A Row for each current answer of `project`, or of its prompts `ids` alone.

    At most `most_afresh` answers without a stored verdict are measured; the others stay unlooked at.
    """
    left = float("inf") if most_afresh is None else most_afresh
    for rows in _portions(project, ids):
        verdicts = _verdicts(project, [row[3] for row in rows])
        afresh = [r for _, _, task, r, *_ in rows if look.needs_measuring(task, verdicts.get(r))]
        measured = _answers(_spread(afresh, left))
        left -= len(measured)
        unlooked = set(afresh) - measured.keys()
        for _, domain, task, response, teacher, text, tokens, latency in rows:
            answer = measured.get(response)
            looked = {} if response in unlooked else look.at(task, verdicts.get(response), answer)
            numbers = _of_text(text) | {"tokens": tokens, "latency_ms": latency}
            yield Row(domain, task, teacher=teacher, looked=looked, **numbers)


def _spread(responses, most):
    """`most` of them, from the first to the last: their order may mean something, such as the order of a file."""
    if len(responses) <= most:
        return responses
    return [responses[place * len(responses) // most] for place in range(most)]


def _portions(project, ids):
    """Lists of rows, in the order of the prompts."""
    answered = project.prompts.filter(current_response__isnull=False).order_by("pk").values_list(*FIELDS, *NUMBERS)
    if ids is not None:
        for start in range(0, len(ids), BATCH):
            yield list(answered.filter(pk__in=ids[start : start + BATCH]))
        return
    after = 0
    while rows := list(answered.filter(pk__gt=after)[:BATCH]):
        after = rows[-1][0]
        yield rows


def _verdicts(project, responses):
    """{response: ids of the rules that it failed} under the rules in force."""
    if not project.filter_ruleset_id:
        return {}
    results = FilterResult.objects.filter(ruleset=project.filter_ruleset_id, response__in=responses)
    return dict(results.order_by().values_list("response", "failed"))


def _answers(responses):
    found = TeacherResponse.objects.select_related("prompt", "hypothesis").filter(pk__in=responses)
    return {response.pk: filtering.answer_of(response.prompt, response) for response in found}


def rows_of_file(plan, look):
    """A Row for each prompt that a file holds, with its answer where it has one; a BadRow for what cannot be read."""
    convert = plan.converter()
    for _, values in plan.reader.rows():
        try:
            pieces = convert(values)
        except BadRow as bad:
            yield bad
            continue
        for piece in pieces:
            for draft in piece.drafts:
                yield _of_draft(draft, piece.answer, look)


def _of_draft(draft, answer, look):
    prompt = {"domain": draft.domain, "task_type": draft.task_type, "key": int(draft.key[:16], 16)}
    if answer is None:
        return Row(**prompt, answered=False)
    read = answers.parse_answer(answer.text, draft.task_type)
    said = {name: answer.said.get(name) for name in ("completion_tokens", "finish_reason", "latency_ms", "model_id")}
    seen = filters.Answer(
        text=read.text or answer.text,
        task_type=draft.task_type,
        context=draft.context,
        tokens=said["completion_tokens"],
        finish_reason=said["finish_reason"] or "",
        parsed=read.fields,
    )
    numbers = {"tokens": said["completion_tokens"], "latency_ms": said["latency_ms"], **_of_text(seen.text)}
    looked = look.at(draft.task_type, None, seen)
    return Row(**prompt, teacher=said["model_id"] or "", looked=looked, **numbers)
