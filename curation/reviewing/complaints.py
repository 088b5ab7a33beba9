"""What an attempt was asked to mend, as a checklist for those who review it: was each complaint met?"""

from dataclasses import dataclass

from django.db.models import Prefetch

from .. import labels
from ..models import Annotation, Complaint, ComplaintCheck
from ..models.prepared import Prepared
from .reasons import BY_CODE, known_reasons

MOST_ASKED = 30  # complaints of one attempt that people are asked about; a draft has room for so many
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Asked:
    """One complaint as a page shows it. `met` is what machines measured, None where only people know."""

    pk: int
    source: str
    label: str
    words: str
    met: bool | None = None
    addendum: str = ""  # what the recipe added to the prompt for it
    said: tuple = ()  # (reviewer, whether they found it met), where they were read

    @property
    def field(self):
        """The name of its field in a decision's form."""
        return f"met-{self.pk}"


def complaints_of(responses):
    """{response id: its Complaints, the first first} of `responses`; first attempts have none and are not asked for."""
    later = [response.pk for response in responses if response and response.attempt > 1]
    found = {}
    for row in _rows(responses=later) if later else ():
        found.setdefault(row.response_id, []).append(row)
    return found


@Prepared
def _rows(responses: list):
    return Complaint.objects.filter(response__among=responses).order_by("pk")


def with_checks():
    """What to prefetch of responses so that `shown` says what reviewers said, in decisions that count."""
    return Prefetch("complaints", Complaint.objects.select_related("recipes").prefetch_related(_checks()))


def _checks():
    counting = {"annotation__current": True, "annotation__purpose": Annotation.Purpose.REVIEW}
    return Prefetch("checks", ComplaintCheck.objects.filter(**counting).select_related("annotation__reviewer"))


def to_mend(response, project):
    """The Asked of one response, with what its reviewers said of each; [] for a first attempt."""
    return shown(response.complaints.prefetch_related(_checks()), project) if response.attempt > 1 else []


def shown(rows, project, *, blind=False):
    """The Asked of these Complaints that somebody may read: without what judges said where `blind`."""
    return [_asked(row, project) for row in rows if not (blind and row.source == Complaint.Source.GATE)][:MOST_ASKED]


def _asked(row, project):
    checks = getattr(row, "_prefetched_objects_cache", {}).get("checks", ())
    said = tuple((check.annotation.reviewer, check.met) for check in checks)
    label = label_of(row.source, row.code, project)
    if (row.source, row.code) == (Complaint.Source.REVIEWER, "other") and not row.words:
        label = "Sent back without a reason"
    return Asked(row.pk, row.source, label, row.words, row.met, row.addendum, said)


def label_of(source, code, project=None):
    """What a complaint is called: by its rule, by the gate's reason, or as the project's reviewers call it."""
    if source == Complaint.Source.FILTER:
        return labels.rule(code)
    if source == Complaint.Source.GATE:
        return _begun(labels.gate_reason(code))
    known = known_reasons(project) if project else BY_CODE
    return known[code].label if code in known else _begun(labels.words(code))


def _begun(words):
    """The words as a sentence begins."""
    return words[:1].upper() + words[1:]


def checks_of(annotations):
    """{annotation id: {complaint id: met}} of what these decisions said."""
    found = {}
    rows = ComplaintCheck.objects.filter(annotation__in=annotations).values_list("annotation", "complaint", "met")
    for annotation, complaint, met in rows:
        found.setdefault(annotation, {})[complaint] = met
    return found


def record_checks(annotation, met):
    """Store what a decision says of complaints: {complaint id: met}. Raises ValueError for one of another answer."""
    if not met:
        return
    known = set(Complaint.objects.filter(response=annotation.response_id).values_list("pk", flat=True))
    strange = sorted(set(met) - known)
    if strange:
        raise ValueError(f"Complaints {strange} are not of this answer: use {sorted(known)}.")
    ComplaintCheck.objects.bulk_create(
        ComplaintCheck(complaint_id=pk, annotation=annotation, met=said) for pk, said in sorted(met.items())
    )
