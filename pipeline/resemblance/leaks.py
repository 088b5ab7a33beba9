"""What prompts and responses share with evaluation sets, kept as overlaps."""

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from curation.importing import ImportRefused
from curation.models import EvaluationSet, Event, Overlap, Prompt, TeacherResponse

from .held_out import SHORTEST, HeldOut, write

BATCH = 1000
# Rows are numbered when they are made and seen when they are committed: so many before the last are looked at again.
AGAIN = 2000


class LostNgrams(Exception):
    """The file with the n-grams of a set is gone; the message says how to mend it."""


def path_of(evaluation_set):
    """Where the n-grams of a set lie."""
    name = f"{evaluation_set.sha256}-{evaluation_set.n}.u8"
    return evaluation_set.project.data_dir / "evaluation" / name


def held_out_of(evaluation_set):
    """The HeldOut of a set; raises LostNgrams."""
    try:
        return HeldOut(path_of(evaluation_set), evaluation_set.n)
    except FileNotFoundError:
        raise LostNgrams(
            f"The n-grams of the evaluation set {evaluation_set.name} are missing from the data directory. Give its "
            "file again on the page Near-duplicates, or forget the set there."
        ) from None


def keep(project, name, texts, n, by=None):
    """The EvaluationSet of these texts (an iterable); the one that has these very n-grams already stands for it.

    Raises ImportRefused where no text is long enough to be told from others: such a set would promise what it cannot.
    """
    folder = project.data_dir / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".new-{name}"
    number, ngrams, sha256 = write(new, texts, n)
    if not number:
        new.unlink()
        raise ImportRefused(name, f"No text in it has {SHORTEST} words or more, so nothing can be held against it.")
    made = EvaluationSet.objects.get_or_create(
        project=project,
        sha256=sha256,
        n=n,
        defaults={"name": name[:200], "texts": number, "ngrams": ngrams, "created_by": by},
    )[0]
    made.project = project
    new.rename(path_of(made))
    return made


def forget(evaluation_set, by=None):
    """Remove a set with its n-grams and overlaps; the event says what it was."""
    detail = {"name": evaluation_set.name, "sha256": evaluation_set.sha256, "n": evaluation_set.n}
    path = path_of(evaluation_set)
    with transaction.atomic():
        Event.objects.create(project=evaluation_set.project, actor=by, kind="evaluation_set_forgotten", detail=detail)
        evaluation_set.delete()
    path.unlink(missing_ok=True)


def check(project, or_stop=lambda: None, *, step=lambda number: None, run=None):
    """Hold what is new against each set of `project`; returns how many overlaps were found.

    Every response is looked at, whatever its state: it may become a prompt's current one. `or_stop` is called between
    batches and may raise; what was looked at stays known.
    """
    found = 0
    for each in EvaluationSet.objects.filter(project=project).order_by("pk"):
        each.project = project
        held_out = held_out_of(each)
        prompts = Prompt.objects.filter(project=project).annotate(of=F("pk"))
        texts = ("context", "user_prompt")
        for rows in _batches(prompts, each.checked_prompt, ("pk", "of", *texts)):
            or_stop()
            found += _store(each, [(pk, None, _either(held_out, parts)) for pk, _, *parts in rows], run)
            _advance(each, checked_prompt=rows[-1][0])
            step(len(rows))
        responses = TeacherResponse.objects.filter(prompt__project=project)
        for rows in _batches(responses, each.checked_response, ("pk", "prompt", "text")):
            or_stop()
            found += _store(each, [(prompt, pk, held_out.shared(text)) for pk, prompt, text in rows], run)
            _advance(each, checked_response=rows[-1][0])
            step(len(rows))
    return found


def _batches(rows, checked, fields):
    after = max(0, checked - AGAIN)
    if not rows.filter(pk__gt=checked).exists():
        return
    while some := list(rows.filter(pk__gt=after).order_by("pk").values_list(*fields)[:BATCH]):
        after = some[-1][0]
        yield some


def _either(held_out, parts):
    """What a prompt's source or its question shares, whichever shares more."""
    return max(filter(None, map(held_out.shared, parts)), default=None)


def _store(evaluation_set, rows, run):
    made = [
        Overlap(
            evaluation_set=evaluation_set,
            prompt_id=prompt,
            response_id=response,
            run=run,
            shared=said[0],
            share=said[1],
            words=said[2],
        )
        for prompt, response, said in rows
        if said
    ]
    before = evaluation_set.overlaps.count() if made else 0
    Overlap.objects.bulk_create(made, ignore_conflicts=True)
    return evaluation_set.overlaps.count() - before if made else 0


def _advance(evaluation_set, **checked):
    """Never back: two workers may look at the same time."""
    ((name, last),) = checked.items()
    EvaluationSet.objects.filter(pk=evaluation_set.pk, **{f"{name}__lt": last}).update(**checked)


def leaking(prompts):
    """Those of `prompts` whose source, question or current response shares words with an evaluation set."""
    of_prompt = Overlap.objects.filter(prompt=OuterRef("pk"), response=None)
    of_response = Overlap.objects.filter(response=OuterRef("current_response"))
    return prompts.filter(Q(Exists(of_prompt)) | Q(Exists(of_response)))


def of_prompt(prompt):
    """What this prompt and its current response share with evaluation sets, the most first."""
    rows = Overlap.objects.filter(prompt=prompt).filter(Q(response=None) | Q(response=prompt.current_response_id))
    return rows.select_related("evaluation_set").order_by("-shared", "pk")
