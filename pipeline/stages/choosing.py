"""Several answers to one prompt: which of them are looked at, which one goes on, and why."""

from statistics import fmean

from django.db.models import F

from curation.models import Prompt, TeacherResponse


def candidates_of(prompts):
    """{prompt id: the answers of its current attempt, by candidate number}."""
    found = {prompt.pk: [] for prompt in prompts}
    rows = TeacherResponse.objects.filter(prompt__in=found, attempt=F("prompt__current_response__attempt"))
    for response in rows.select_related("teacher").defer("sent_user", "sent_system", "thinking").order_by("candidate"):
        found[response.prompt_id].append(response)
    return found


def standing(prompts, found):
    """{prompt id: those of its candidates that may go on}: not what a longer answer replaced.

    A hypothesis whose method was decided by people keeps the answer that the method tests.
    """
    several = [prompt.pk for prompt in prompts if len(found[prompt.pk]) > 1]
    kept = _tested_by_a_decided_method(several)
    may = {}
    for prompt in prompts:
        kept_one = [response for response in found[prompt.pk] if response.pk == prompt.current_response_id]
        in_the_running = [response for response in found[prompt.pk] if not response.is_replaced]
        may[prompt.pk] = (prompt.pk in kept and kept_one) or in_the_running
    return may


def _tested_by_a_decided_method(hypotheses):
    if not hypotheses:
        return set()
    methods = Prompt.objects.filter(
        pair_as_methodology__hypothesis__in=hypotheses,
        project__paired=True,
        current_response__hypothesis=F("pair_as_methodology__hypothesis__current_response"),
    )
    return set(methods.decided_by_people().values_list("pair_as_methodology__hypothesis", flat=True))


def by_rules(results):
    """(the FilterResult of the candidate that goes on, why): the first that passed, else that with fewest failures."""
    best = min(results, key=lambda result: (len(result.failed), result.response.candidate))
    return best, "the first that passed the filters" if best.passed else "none passed; it failed the fewest rules"


def by_scores(judged):
    """(the GateResult of the candidate that goes on, its Verdict, why) of [(GateResult, Verdict)].

    One that passed the gate goes before one that did not; then the best mean score, then the lowest number. All of
    them passed the filters, or none did.
    """

    def order(item):
        result, verdict = item
        scores = [each["value"] for each in verdict.measurements]
        return not verdict.passed, -fmean(scores) if scores else 1, result.response.candidate

    best, verdict = min(judged, key=order)
    if len(judged) == 1:
        return best, verdict, "the only one that was judged"
    return best, verdict, "the best scores" if best.passed else "the best scores; none passed SampleGate"


def words(chosen, of, why):
    """What the event says of a choice; nothing where there was none to make."""
    return {"chosen": chosen.candidate, "of": of, "why": why} if of > 1 else {}


def make_current(run, chosen, *, source):
    """Point prompts that are still in `source` at the answer chosen for each: [(prompt, response)].

    A method that was asked with another answer of its hypothesis is called back.
    """
    new = {prompt.pk: response for prompt, response in chosen if response.pk != prompt.current_response_id}
    if not new:
        return
    changed = list(Prompt.objects.select_for_update(no_key=True).filter(pk__in=new, state=source).order_by("pk"))
    for prompt in changed:
        prompt.current_response = new[prompt.pk]
    Prompt.objects.bulk_update(changed, ["current_response"], batch_size=200)
    hypotheses = [prompt.pk for prompt in changed if prompt.task_type == "hypothesis"]
    if hypotheses:
        Prompt.objects.filter(pk__in=hypotheses).hypothesis_changed(run=run)
