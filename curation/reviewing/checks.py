"""Gold and repeated items: what is mixed in among what a reviewer is given, to see how they decide.

Which item comes, and when, follows from a keyed hash of the person and the prompt that the queue would give them: the
same page asked for twice shows the same. Such decisions change no state, enter no release, and nobody's count.
"""

import hashlib
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from ..models import Annotation, Gold, Pair, Prompt, ReviewClaim, State
from ..models.review import Purpose
from .units import Unit, unit_of

CHECKS = (Purpose.GOLD, Purpose.REPEAT)
SETTLED = (State.ACCEPTED, State.REJECTED)  # only what is out of the queue is mixed in
APART = 20  # decisions of one's own that lie between a decision and its repetition, at least
LOOKED_AT = 200  # candidates among which one is drawn


@dataclass(frozen=True)
class Check:
    """A unit to be decided once more, or against what is known; all its prompts are shown to be decided."""

    unit: Unit
    purpose: str

    @property
    def prompts(self):
        return self.unit.prompts


def maybe(project, user, first):
    """The Check that `user` is given instead of the prompt `first` (its id, None where the queue is empty), or None.

    One that they have in hand goes on until it is decided or skipped. No two come in a row, none instead of a prompt
    that is in hand already, and none where nothing else is left to do.
    """
    if not project.gold_percent and not project.repeat_percent:
        return None
    held = _in_hand(project, user)
    if held or first is None:
        return held
    purpose = _drawn(project, user, first)
    if not purpose or _is_held(user, first) or _after_a_check(project, user):
        return None
    candidates = _gold(project, user) if purpose == Purpose.GOLD else _repeats(project, user)
    prompt_id = min(candidates, key=lambda pk: _hash("which", project, user, first, pk), default=None)
    return Check(unit_of(project, prompt_id), purpose) if prompt_id else None


def _in_hand(project, user):
    """The Check that was given and neither decided nor skipped; one whose prompt has come back to people is dropped."""
    claims = ReviewClaim.objects.filter(prompt__project=project, reviewer=user, purpose__in=CHECKS, skipped_at=None)
    claim = claims.order_by("-until", "prompt").first()
    if claim is None:
        return None
    unit = unit_of(project, claim.prompt_id)
    if all(prompt.state in SETTLED and prompt.current_response_id for prompt in unit.prompts):
        return Check(unit, claim.purpose)
    claims.filter(prompt__in=unit.ids).in_order().delete()
    return None


def _drawn(project, user, first):
    """The purpose that the hash draws for this place in the queue; "" for none."""
    gold, both = project.gold_percent, project.gold_percent + project.repeat_percent
    # Checks come before ordinary items: of 100 given, `both` are checks if so many come before the 100 - both others.
    odds = min(1.0, both / (100 - both)) if both < 100 else 1.0
    draw = int(_hash("check", project, user, first)[:12], 16) / 16**12
    if draw >= odds:
        return ""
    return Purpose.GOLD if draw < odds * gold / both else Purpose.REPEAT


def _hash(what, project, user, *more):
    said = ":".join(map(str, (what, project.split_seed, user.pk, *more)))
    return hashlib.sha256(said.encode()).hexdigest()


def _is_held(user, prompt_id):
    claims = ReviewClaim.objects.filter(prompt=prompt_id, reviewer=user, purpose=Purpose.REVIEW, skipped_at=None)
    return claims.filter(until__gt=timezone.now()).exists()


def _after_a_check(project, user):
    """Whether the last thing that this person decided or skipped here was a check."""
    own = Annotation.objects.filter(reviewer=user, response__prompt__project=project)
    last = own.order_by("-pk").values("purpose", "created_at").first()
    if last and last["purpose"] in CHECKS:
        return True
    skipped = ReviewClaim.objects.filter(prompt__project=project, reviewer=user, purpose__in=CHECKS)
    skipped = skipped.exclude(skipped_at=None)
    return (skipped.filter(skipped_at__gt=last["created_at"]) if last else skipped).exists()


def _gold(project, user):
    """Ids of prompts with a known answer that this person has not decided, nor written down themselves."""
    decided = Annotation.objects.filter(response=OuterRef("response"), reviewer=user)
    rows = Gold.objects.filter(active=True, response__prompt__project=project).exclude(created_by=user)
    rows = rows.filter(response__prompt__current_response=F("response")).exclude(Exists(decided))
    return _open_for_checks(project, user, rows.order_by("pk").values_list("response__prompt", flat=True)[:LOOKED_AT])


def _repeats(project, user):
    """Ids of prompts that this person decided some time ago, once, and nobody is to decide any more."""
    own = Annotation.objects.filter(reviewer=user, purpose=Purpose.REVIEW, response__prompt__project=project)
    old = own.order_by("-pk").values_list("response", "response__prompt", "current")[APART : APART + LOOKED_AT]
    chosen = {response: prompt for response, prompt, current in old if current}
    again = Annotation.objects.filter(reviewer=user, purpose=Purpose.REPEAT, response__in=chosen)
    for response in again.values_list("response", flat=True):
        chosen.pop(response, None)
    still = Prompt.objects.filter(current_response__in=chosen).values_list("pk", flat=True)
    return _open_for_checks(project, user, still)


def _open_for_checks(project, user, prompt_ids):
    """Those of `prompt_ids` that are settled, with their partner, and that this person did not skip as a check."""
    rows = Prompt.objects.filter(pk__in=list(prompt_ids), state__in=SETTLED, current_response__isnull=False)
    rows = rows.filter(withdrawal=None)
    rows = rows.exclude(Exists(ReviewClaim.objects.filter(prompt=OuterRef("pk"), reviewer=user)))
    if project.paired:
        for half, other in (("hypothesis", "methodology"), ("methodology", "hypothesis")):
            partner = Pair.objects.filter(**{half: OuterRef("pk")})
            rows = rows.exclude(Exists(partner.exclude(**{f"{other}__state__in": SETTLED})))
            rows = rows.exclude(Exists(partner.filter(**{f"{other}__current_response": None})))
    return list(rows.values_list("pk", flat=True))


def purpose_of(user, prompt):
    """What a decision of `user` on the current answer of `prompt` is for: gold or repeat where it was given as such."""
    if prompt.state == State.TO_REVIEW:
        return Purpose.REVIEW
    claim = ReviewClaim.objects.filter(prompt=prompt, reviewer=user, purpose__in=CHECKS).first()
    if claim:
        return claim.purpose
    # Sent once more, from another window or after it was decided: it does not become an ordinary one.
    own = Annotation.objects.filter(response=prompt.current_response_id, reviewer=user).order_by("-pk").first()
    return own.purpose if own else Purpose.REVIEW
