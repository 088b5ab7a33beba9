"""The one state of a prompt: what must happen to it next, and where it may go from there."""

from django.db import models


class State(models.TextChoices):
    TO_COLLECT = "to_collect", "To collect"
    TO_FILTER = "to_filter", "To filter"
    TO_JUDGE = "to_judge", "To judge"
    TO_REVIEW = "to_review", "To review"
    TO_RESOLVE = "to_resolve", "To resolve"
    TO_REGENERATE = "to_regenerate", "To regenerate"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    PARKED = "parked", "Parked"


MACHINE_STATES = (State.TO_COLLECT, State.TO_FILTER, State.TO_JUDGE, State.TO_REGENERATE)

# Where a prompt may go from each state; asking for anything else is a mistake in the code. To collect again: by name.
LEAVES_TO = {
    State.TO_COLLECT: {State.TO_FILTER, State.PARKED, State.REJECTED},
    State.TO_FILTER: {State.TO_COLLECT, State.TO_JUDGE, State.TO_REVIEW, State.TO_REGENERATE, State.REJECTED},
    # Back to filters or gate: other rules hold now, and no person has decided (see pipeline/stages/recalling.py).
    State.TO_JUDGE: {
        State.TO_COLLECT,
        State.TO_FILTER,
        State.TO_REVIEW,
        State.ACCEPTED,
        State.TO_REGENERATE,
        State.REJECTED,
        State.PARKED,
    },
    State.TO_REVIEW: {
        State.TO_COLLECT,
        State.TO_FILTER,
        State.TO_JUDGE,
        State.ACCEPTED,
        State.REJECTED,
        State.TO_REGENERATE,
        State.TO_RESOLVE,
    },
    State.TO_RESOLVE: {State.TO_COLLECT, State.ACCEPTED, State.REJECTED, State.TO_REGENERATE, State.TO_REVIEW},
    State.TO_REGENERATE: {
        State.TO_COLLECT,
        State.TO_FILTER,
        State.TO_JUDGE,
        State.TO_REVIEW,
        State.REJECTED,
        State.PARKED,
    },
    State.ACCEPTED: {
        State.TO_COLLECT,
        State.TO_FILTER,
        State.TO_JUDGE,
        State.TO_REVIEW,
        State.REJECTED,
        State.TO_REGENERATE,
    },
    State.REJECTED: {State.TO_FILTER, State.TO_JUDGE, State.TO_REVIEW, State.TO_REGENERATE, State.TO_COLLECT},
    State.PARKED: {State.TO_COLLECT, State.TO_JUDGE, State.TO_REGENERATE, State.REJECTED},
}
# Where else a prompt goes back to when a change of many is taken back, and never otherwise.
BACK_TO = {State.REJECTED: {State.ACCEPTED, State.TO_RESOLVE, State.PARKED}}
