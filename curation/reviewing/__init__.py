"""Claims, decisions, consensus and adjudication: the pure rule in rule.py, the transactions around it in the others."""

from .adjudication import NotYours, adjudicate, others_who_may_resolve, take_back_adjudication, why_not_adjudicate
from .asking import pending_counts, waiting_among_the_first
from .blind import drawn, hazards, hidden_from, without_judgements
from .cards import Card, cards_of, notice_mismatch, pair_score, source_of
from .checks import Check, purpose_of
from .choices import Choice
from .claims import ReviewItem, claim_next, held_until, holders, open_prompt, release, renew, skip
from .conflicts import Conflict, Problem, newest_own, why_not_decide
from .decisions import Submission, submit
from .diff import Change, word_diff
from .emptiness import EmptyQueue, why_empty
from .holding import Mate, held_prompts, mates
from .queue import decidable, offered, pending_by_project, to_resolve
from .reasons import REASONS, Reason, known_reasons, labels, reasons_of
from .reopening import reopen_many
from .resolutions import recount, reopen, settle
from .rule import Decision, Outcome, consensus, same_text
from .undo import LastDecision, TooLate, last_decision, take_back, undo_until
from .units import Unit, unit_of

__all__ = [
    "REASONS",
    "Card",
    "Change",
    "Check",
    "Choice",
    "Conflict",
    "Decision",
    "EmptyQueue",
    "LastDecision",
    "Mate",
    "NotYours",
    "Outcome",
    "Problem",
    "Reason",
    "ReviewItem",
    "Submission",
    "TooLate",
    "Unit",
    "adjudicate",
    "cards_of",
    "claim_next",
    "consensus",
    "decidable",
    "drawn",
    "hazards",
    "held_prompts",
    "held_until",
    "hidden_from",
    "holders",
    "known_reasons",
    "labels",
    "last_decision",
    "mates",
    "newest_own",
    "notice_mismatch",
    "offered",
    "open_prompt",
    "others_who_may_resolve",
    "pair_score",
    "pending_by_project",
    "pending_counts",
    "purpose_of",
    "reasons_of",
    "recount",
    "release",
    "renew",
    "reopen",
    "reopen_many",
    "same_text",
    "settle",
    "skip",
    "source_of",
    "submit",
    "take_back",
    "take_back_adjudication",
    "to_resolve",
    "undo_until",
    "unit_of",
    "waiting_among_the_first",
    "why_not_adjudicate",
    "why_empty",
    "why_not_decide",
    "without_judgements",
    "word_diff",
]
