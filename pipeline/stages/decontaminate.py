"""Decontaminate: keep the n-grams of evaluation texts, and mark the prompts and responses that share some of them."""

from pathlib import Path

from curation.importing import ImportRefused
from curation.importing.errors import BadRow, shown
from curation.importing.files import BROKEN_GZIP, identify, scan_text
from curation.importing.plan import READERS
from curation.models import EvaluationSet, Prompt, Run, TeacherResponse
from pipeline.resemblance import leaks

from .deduplicate import Stopped

DEFAULT_N = 13  # words, as in the report on GPT-3
SMALLEST_N = 5
MOST_SAID = 10  # rows that cannot be read, by line
LOOK_EVERY = 1000  # rows


class WrongWish(ValueError):
    """What was asked for cannot be done; the message says what can."""


def refuse_wrong(parameters):
    """Raise WrongWish or ImportRefused for files, a column or an n that a run could do nothing with."""
    n = parameters.get("n", DEFAULT_N)
    if not isinstance(n, int) or n < SMALLEST_N:
        raise WrongWish(f"n-grams of {n!r} words are found everywhere: use {SMALLEST_N} or more, such as {DEFAULT_N}.")
    for path in parameters.get("against", ()):
        _reader(path, parameters.get("column"))


def _reader(path, column=None):
    """(InputFile, what reads its rows); raises ImportRefused where the file or its column is not to be read."""
    file = identify(path)
    try:
        reader = READERS[file.format](file)
    except (UnicodeError, *BROKEN_GZIP):
        scan_text(file)  # says which line and byte
        raise
    if column and column not in reader.columns:
        raise file.refuse(f"There is no column {column!r}; found {shown(reader.columns)}.")
    return file, reader


def texts(path, column=None):
    """The texts of an evaluation file, one at a time: those of `column`, or of every column, lists and objects too.

    Raises ImportRefused with the lines of rows that cannot be read.
    """
    file, reader = _reader(path, column)
    reader.check()
    names = [column] if column else ["text"] if file.format in ("text", "markdown") else reader.columns
    bad = []
    for place, values in reader.rows():
        if isinstance(values, BadRow):
            bad.append(f"{reader.place} {place}: {values}")
            if len(bad) == MOST_SAID:
                break
        elif not bad:
            for name in names:
                yield from _inner(values.get(name))
    if bad:
        raise file.refuse(*bad)


def _inner(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _inner(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _inner(each)


def work(run, should_stop=lambda: False):
    """Hold the project against the files of `run.parameters`, and against the sets that it knows."""
    if not run.begin():
        return "ended"
    Run.objects.filter(pk=run.pk).update(done=0, counters={})

    def or_stop():
        if run.seen() or should_stop():
            raise Stopped

    try:
        _keep_sets(run, or_stop)
        _check(run, or_stop)
    except Stopped:
        if run.seen():
            run.end(Run.State.CANCELLED)
            return "ended"
        return "stopped"
    except ImportRefused as refusal:
        run.end(Run.State.FAILED, error=str(refusal))
        return "ended"
    run.end(Run.State.FINISHED)
    return "ended"


def _keep_sets(run, or_stop):
    wanted = run.parameters
    for path in wanted.get("against", ()):
        read = _stoppable(texts(path, wanted.get("column")), or_stop)
        made = leaks.keep(run.project, Path(path).name, read, wanted.get("n", DEFAULT_N), run.created_by)
        run.count(texts=made.texts, ngrams=made.ngrams)


def _stoppable(found, or_stop):
    for number, text in enumerate(found):
        if number % LOOK_EVERY == 0:
            or_stop()
        yield text


def _check(run, or_stop):
    project = run.project
    for each in EvaluationSet.objects.filter(project=project):
        waiting = Prompt.objects.filter(project=project, pk__gt=each.checked_prompt).count()
        waiting += TeacherResponse.objects.filter(prompt__project=project, pk__gt=each.checked_response).count()
        run.total += waiting
    Run.objects.filter(pk=run.pk).update(total=run.total)
    found = leaks.check(project, or_stop, step=lambda number: run.count(done=number), run=run)
    leaking = leaks.leaking(project.prompts.all()).count()
    run.count(overlaps=found)
    sets = project.evaluation_sets.count()
    known = f"{sets:,} evaluation set{'' if sets == 1 else 's'}"
    if not leaking:
        run.say(f"Nothing is shared with {known}.")
        return
    share = "prompt shares" if leaking == 1 else "prompts share"
    run.say(
        f"{leaking:,} {share} words with {known}, also counting current answers: releases leave them out unless asked."
    )
