"""Whether an attempt met what it was asked to mend, as filters and SampleGate measure it; the rest only people know."""

import json

from curation.models import Complaint

from .recipes import FILTER, GATE


def by_filters(verdicts):
    """Note on complaints of rules whether they are met: {response id: (its measurements, ids of failed rules)}.

    Measurements are those of a FilterResult, or their JSON. A rule that was not measured leaves its complaint as it is.
    """
    _note(FILTER, verdicts, lambda verdict: {found["rule"] for found in _read(verdict[0])}, lambda verdict: verdict[1])


def by_gate(verdicts):
    """Note on complaints of SampleGate whether they are met: {response id: the gate's reasons against it}."""
    _note(GATE, verdicts, lambda reasons: None, lambda reasons: reasons)


def _read(measurements):
    return json.loads(measurements) if isinstance(measurements, str) else measurements


def _note(source, verdicts, known_in, failed_in):
    told = Complaint.objects.filter(response__among=list(verdicts), source=source).order_by("pk")
    changed = {True: [], False: []}
    for pk, response, code, before in told.values_list("pk", "response", "code", "met"):
        known, met = known_in(verdicts[response]), code not in failed_in(verdicts[response])
        if (known is None or code in known) and met is not before:
            changed[met].append(pk)
    for met, ids in changed.items():
        if ids:
            Complaint.objects.filter(pk__among=ids).update(met=met)
