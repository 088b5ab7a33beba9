"""Answers beyond the first: repairs as further attempts, other answers as candidates, judgements that came later."""

from django.db import transaction

from curation.importing.outputs import PaidAnswers
from curation.models import Annotation, JudgeScore, Prompt, State, TeacherResponse
from curation.reviewing.units import lock_units
from pipeline.stages.importing import answer_reader, read_scores


def store_extras(project, taken, file, between=lambda: None):
    """Store the further answers and scores of a file that was taken in; counts them in `file`.

    `between` is called after the first repairs of all prompts, after the second ones, and so on.
    """
    answers = PaidAnswers(project, answer_reader(project), read_scores=read_scores)
    for response, metadata in taken.scores:
        file.counts["scores"] += _late_scores(response, metadata)
    for response in taken.known_repairs:
        _take_up(project, response)
    for turn in range(max((extra.turn for extra in taken.extras), default=-1) + 1):
        for extra in (extra for extra in taken.extras if extra.turn == turn):
            prompt_id = Prompt.objects.get(project=project, key=extra.key).pk
            if extra.repaired:
                _repair(project, prompt_id, extra, answers, file)
            else:
                _candidate(project, prompt_id, extra, answers)
                file.counts["other_answers"] += 1
        between()


@transaction.atomic
def _candidate(project, prompt_id, extra, answers):
    """Another answer of the first attempt: kept beside the one that holds."""
    prompt = lock_units(project, [prompt_id])[prompt_id]
    own = prompt.responses.filter(attempt=1)
    last = max(own.values_list("candidate", flat=True), default=-1)
    _save(answers, answers.response(prompt, extra.answer, attempt=1, candidate=last + 1))


def _save(answers, response):
    response.save()
    answers.keep_scores([response])
    return response


@transaction.atomic
def _repair(project, prompt_id, extra, answers, file):
    """The next attempt of a prompt. It holds from now on, unless nobody refused the one that it was to replace."""
    prompt = lock_units(project, [prompt_id])[prompt_id]
    former = prompt.current_response
    if former is None:  # put back to be asked while the file was read: its own answer comes first
        file.counts["left"] += 1
        return
    word = last_words([former.pk]).get(former.pk)
    attempt = max(prompt.responses.values_list("attempt", flat=True)) + 1
    response = _save(answers, answers.response(prompt, extra.answer, attempt=attempt, parent=former))
    file.counts["attempts"] += 1
    if not is_ordered(word, any_words(project)) or prompt.state in (State.ACCEPTED, State.PARKED):
        Prompt.objects.filter(pk=prompt.pk).update(attempts=attempt)
        file.counts["kept_beside"] += 1
        return
    _send_on(project, prompt, response, attempt, word)


@transaction.atomic
def _take_up(project, response_id):
    """A repair that was kept beside holds where the label that ordered it has come in since."""
    response = TeacherResponse.objects.get(pk=response_id)
    prompt = lock_units(project, [response.prompt_id])[response.prompt_id]
    former = prompt.current_response
    word = former and last_words([former.pk]).get(former.pk)
    refused = prompt.state in (State.TO_REGENERATE, State.REJECTED) and word in ("reject", "regenerate")
    if refused and not prompt.withdrawal_id and response.attempt > former.attempt:
        _send_on(project, prompt, response, prompt.attempts, word)


def _send_on(project, prompt, response, attempt, word):
    detail = {"action": word or "regenerate", "reasons": []}
    if prompt.state != State.TO_REGENERATE:
        prompt.go(State.TO_REGENERATE, "regeneration_imported", source=prompt.state, detail=detail)
    prompt.go(
        State.TO_FILTER,
        "answer_imported",
        source=State.TO_REGENERATE,
        current_response=response,
        attempts=attempt,
        detail={"attempt": attempt},
    )
    if project.paired and prompt.task_type == "hypothesis":
        Prompt.objects.filter(pk=prompt.pk).hypothesis_changed()


def last_words(responses):
    """{response id: the last action that a person named for it}, of those that have one."""
    rows = Annotation.objects.filter(response__in=responses, purpose="review").order_by("created_at", "version", "pk")
    return dict(rows.values_list("response_id", "action"))


def is_ordered(word, any_words):
    """Whether a repair may take the place of an answer with this last word: without any labels every one may."""
    return word in ("reject", "regenerate") or (word is None and not any_words)


def any_words(project):
    """Whether people decided on anything in this project."""
    return Annotation.objects.filter(response__prompt__project=project, purpose="review").exists()


@transaction.atomic
def _late_scores(response_id, metadata):
    """What a later file says the judges said, where the answer came without it; returns how many are new."""
    response = TeacherResponse.objects.get(pk=response_id)
    known = response.judge_scores.filter(rubric_version=JudgeScore.IMPORTED)
    known = set(known.values_list("rubric", flat=True))
    new = [fields for fields in read_scores(metadata) if fields["rubric"] not in known]
    reader = PaidAnswers(response.prompt.project, read_scores=lambda _: new)
    reader.keep_scores([response])
    return len(new)
