"""Fingerprints in the database: made once for each text, joined to clusters, and kept in order.

Any of it may be killed and begun again, and may be done by two workers at once: a fingerprint is unique, what two texts
share never changes, and clusters grow by whoever finds a pair.
"""

from collections import Counter
from itertools import islice

import numpy as np
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Subquery
from django.db.models.functions import Length

from curation.models import Fingerprint, GateResult, Pair, Project, Prompt, State
from curation.models.locking import delete_in_order
from curation.models.prompt import AT_ONCE
from curation.models.writing import insert_values, update_rows

from . import clusters, minhash

BATCH = 1000
PAST_THE_GATE = (State.TO_REVIEW, State.TO_RESOLVE, State.ACCEPTED)
PROMPT, RESPONSE = Fingerprint.Kind.PROMPT, Fingerprint.Kind.RESPONSE


def past_the_gate(project):
    """Prompts whose current response has passed the gate."""
    return Prompt.objects.filter(project=project).in_state(*PAST_THE_GATE)


def missing(project, prompts=None):
    """{kind: prompts whose source, or current response, has no fingerprint yet}, responses among `prompts`."""
    prompts = past_the_gate(project) if prompts is None else prompts.exclude(current_response=None)
    of_prompt = Fingerprint.objects.filter(prompt=OuterRef("pk"), kind=PROMPT)
    of_response = Fingerprint.objects.filter(response=OuterRef("current_response"), kind=RESPONSE)
    return {
        PROMPT: Prompt.objects.filter(~Exists(of_prompt), project=project),
        RESPONSE: prompts.filter(~Exists(of_response)),
    }


def forget_other_methods(project):
    """Signatures that were made another way cannot be compared with today's: they are made anew."""
    return delete_in_order(Fingerprint.objects.filter(project=project).exclude(method=minhash.METHOD))


def take(project, kind, prompts, should_stop=lambda: False):
    """Store a fingerprint of each of `prompts`, some at a time; yields how many were stored. Stops when asked to."""
    of_response = ("pk", "current_response", "current_response__text")
    fields = ("pk", "context", "user_prompt") if kind == PROMPT else of_response
    after = 0
    while not should_stop():
        rows = list(prompts.filter(pk__gt=after).order_by("pk").values_list(*fields)[:BATCH])
        if not rows:
            return
        after = rows[-1][0]
        units = _units(project, [row[0] for row in rows])
        texts = [row[1] or row[2] if kind == PROMPT else row[2] for row in rows]
        made = [
            (row[0], row[1] if kind == RESPONSE else None, signature or b"", units[row[0]])
            for row, signature in zip(rows, minhash.signatures(texts), strict=True)
        ]
        with transaction.atomic():
            names = ("prompt_id", "response_id", "signature", "unit")
            insert_values(Fingerprint, names, made, project_id=project.pk, kind=kind, method=minhash.METHOD)
        yield len(made)


def _units(project, prompt_ids):
    """{prompt id: id of its unit}: of a pair in a paired project the hypothesis'."""
    units = {pk: pk for pk in prompt_ids}
    if project.paired:
        units |= dict(Pair.objects.filter(methodology__in=prompt_ids).values_list("methodology", "hypothesis"))
    return units


# -- clusters -------------------------------------------------------------------------------------------------------


def to_join(project, kind):
    """Fingerprints that were not compared with all others under the project's threshold."""
    rows = Fingerprint.objects.filter(project=project, kind=kind)
    return rows.exclude(joined=project.near_duplicate_percent)


def join(project, kind):
    """Compare the new fingerprints with all of this kind and put near-duplicates into clusters; returns how many.

    What takes time is done outside of any transaction; the pairs are then written under the project's lock, whatever
    others have written meanwhile. A changed threshold begins with no clusters.
    """
    percent = project.near_duplicate_percent
    _begin_anew_where_changed(project, kind, percent)
    new = list(to_join(project, kind).order_by("pk").values_list("pk", flat=True))
    if not new:
        return 0
    ids, numbers = _load(project, kind)
    found = clusters.links(numbers, np.isin(ids, new), percent, lambda pairs: _share(kind, ids[pairs], percent))
    if not _write(project, percent, ids[found].tolist()):
        return 0
    for start in range(0, len(new), AT_ONCE):
        with transaction.atomic():
            _locked(project)
            Fingerprint.objects.filter(pk__in=new[start : start + AT_ONCE]).update(joined=percent)
    return len(new)


def _locked(project):
    """The project as it is now; nobody else writes to its fingerprints until the transaction ends, in another order."""
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


@transaction.atomic
def _begin_anew_where_changed(project, kind, percent):
    rows = Fingerprint.objects.filter(project=project, kind=kind)
    other = rows.exclude(joined__in=(0, percent))
    if other.exists() and _locked(project).near_duplicate_percent == percent:
        rows.update(joined=0, cluster=None)


def _load(project, kind):
    """(ids, signatures as rows) of all fingerprints of a kind: a text has a row, two, or none where it has no word."""
    rows = Fingerprint.objects.filter(project=project, kind=kind).exclude(signature=b"").order_by("pk")
    ids, numbers = [np.zeros(0, np.int64)], [minhash.matrix([])]
    stored = rows.values_list("pk", "signature").iterator(AT_ONCE)
    while some := list(islice(stored, AT_ONCE)):
        signatures = [signature for _, signature in some]
        ids.append(np.repeat(np.array([pk for pk, _ in some], np.int64), minhash.rows_of(signatures)))
        numbers.append(minhash.matrix(signatures))
    return np.concatenate(ids), np.concatenate(numbers)


def _share(kind, pairs, percent):
    """Which of these pairs of fingerprints share at least `percent`, by their texts."""
    fields = ("prompt__context", "prompt__user_prompt") if kind == PROMPT else ("response__text",)
    found = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), BATCH):
        some = pairs[start : start + BATCH].tolist()
        rows = Fingerprint.objects.filter(pk__in={pk for pair in some for pk in pair})
        texts = {pk: next(filter(None, parts), "") for pk, *parts in rows.values_list("pk", *fields)}
        shingles = {pk: minhash.shingles(text) for pk, text in texts.items()}
        for place, (one, other) in enumerate(some, start):
            both = one in shingles and other in shingles  # one may have gone with its prompt
            found[place] = both and minhash.share_at_least(shingles[one], shingles[other], percent)
    return found


@transaction.atomic
def _write(project, percent, pairs):
    """Put the two of each pair into one cluster; False where the threshold is another one by now."""
    if _locked(project).near_duplicate_percent != percent:
        return False
    cluster_of, wanted = {}, sorted({pk for pair in pairs for pk in pair})
    for start in range(0, len(wanted), AT_ONCE):
        rows = Fingerprint.objects.filter(pk__in=wanted[start : start + AT_ONCE])
        cluster_of |= dict(rows.values_list("pk", "cluster"))
    # A fingerprint may have gone with its prompt since it was read.
    members, moved = clusters.merged([pair for pair in pairs if cluster_of.keys() >= set(pair)], cluster_of)
    update_rows([Fingerprint(pk=pk, cluster=cluster) for pk, cluster in members.items()], ["cluster"])
    for former, cluster in moved.items():
        Fingerprint.objects.filter(cluster=former).update(cluster=cluster)
    return True


# -- order ----------------------------------------------------------------------------------------------------------


def put_in_order(project):
    """Note on the clusters' current responses what orders them, as it is now; returns how many changed.

    Both halves of a pair get the same: the mean of their scores, the sum of their lengths, one unit.
    """
    rows = Fingerprint.objects.filter(
        project=project, kind=RESPONSE, cluster__isnull=False, prompt__current_response=F("response")
    )
    changed, after = 0, 0
    rows = rows.order_by("pk").values_list("pk", "prompt", "score", "length", "unit")
    while some := list(rows.filter(pk__gt=after)[:BATCH]):
        after = some[-1][0]
        units = _units(project, [row[1] for row in some])
        standing = _standing(project, sorted(set(units.values())))
        stale = []
        for pk, prompt, *was in some:
            score, length = standing[units[prompt]]
            if was != [score, length, units[prompt]]:
                stale.append(Fingerprint(pk=pk, score=score, length=length, unit=units[prompt]))
        with transaction.atomic():
            if stale:
                _locked(project)
            update_rows(stale, ["score", "length", "unit"])
        changed += len(stale)
    return changed


def _standing(project, units):
    """{unit: (score, length)} of the current answers of these units' prompts."""
    of_unit = {unit: unit for unit in units}
    if project.paired:
        methods = Pair.objects.filter(hypothesis__in=units).values_list("methodology", "hypothesis")
        of_unit |= dict(methods)
    newest = GateResult.objects.filter(response=OuterRef("current_response")).order_by("-pk").values("score")[:1]
    prompts = Prompt.objects.filter(pk__in=of_unit, current_response__isnull=False)
    scores, lengths = {}, dict.fromkeys(units, 0)
    rows = prompts.annotate(score=Subquery(newest), length=Length("current_response__text"))
    for pk, score, length in rows.values_list("pk", "score", "length"):
        lengths[of_unit[pk]] += length
        if score is not None:
            scores.setdefault(of_unit[pk], []).append(score)
    return {unit: (sum(scores[unit]) / len(scores[unit]) if unit in scores else -1.0, lengths[unit]) for unit in units}


def sizes(project, kind):
    """{number of units: clusters that have so many}; a cluster of one unit alone is none."""
    rows = Fingerprint.objects.filter(project=project, kind=kind, cluster__isnull=False)
    if kind == RESPONSE:
        rows = rows.filter(prompt__current_response=F("response"))
    counted = rows.order_by().values("cluster").annotate(n=Count("unit", distinct=True)).values_list("n", flat=True)
    return dict(sorted(Counter(n for n in counted if n > 1).items()))
