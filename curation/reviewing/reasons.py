"""Why a response is sent back or refused: one list for the page, the statistics and the regeneration prompt."""

from typing import NamedTuple


class Reason(NamedTuple):
    """`code` is stored, `label` is shown, `help` says in one sentence when it applies."""

    code: str
    label: str
    help: str


REASONS = (
    Reason("not_falsifiable", "Not falsifiable", "No possible result could prove the claim wrong."),
    Reason("no_measurable_outcome", "No measurable outcome", "It names nothing that could be measured."),
    Reason("no_variable", "No variable", "It does not say what is to be varied."),
    Reason("known_fact", "Known fact", "It states what the source or the field already holds as established."),
    Reason("not_grounded", "Not grounded in the source", "It does not follow from the source passage."),
    Reason("invented_number", "Invented number", "It gives a figure that the source does not support."),
    Reason("no_control", "No control", "The method lacks a control group or condition."),
    Reason("no_readout", "No readout", "The method does not say how the outcome is measured."),
    Reason("no_safety", "No safety constraint", "The method names no safety measure."),
    Reason("not_reproducible", "Not reproducible", "A normal laboratory could not repeat it from this text."),
    Reason("too_vague", "Too vague", "Amounts, conditions or objects are left open."),
    Reason("too_long", "Too long", "It says more than is needed."),
    Reason("citations", "Citations", "It cites literature or links."),
    Reason("formatting", "Formatting", "Broken markup, wrong layout, leftovers of a template."),
    Reason("unsafe", "Unsafe", "It proposes work that should not be done."),
    Reason("off_topic", "Off topic", "It answers another question."),
    Reason("hypothesis_mismatch", "Does not test the hypothesis", "The method tests something else."),
    Reason("other", "Other", "Say it in the comment."),
)

BY_CODE = {reason.code: reason for reason in REASONS}


def reasons_of(project):
    """The Reasons that reviewers of `project` choose from: its own list, or the shipped one."""
    own = [_reason(row) for row in project.reason_codes if not row.get("retired")]
    return tuple(own) or REASONS


def known_reasons(project):
    """{code: Reason} of all that a decision may carry: what is offered, and what was offered once."""
    retired = [_reason(row) for row in project.reason_codes if row.get("retired")]
    return {reason.code: reason for reason in (*retired, *reasons_of(project))}


def _reason(row):
    return Reason(row["code"], row["label"], row.get("help", ""))


def rows_of(project, wanted):
    """What `Project.reason_codes` becomes when `wanted` are to be offered: what goes is kept as retired.

    Decisions that carry a reason stay readable, and a form that was open meanwhile can still be sent.
    """
    kept = {reason.code for reason in wanted}
    gone = [reason for code, reason in known_reasons(project).items() if code not in kept]
    if tuple(wanted) == REASONS and not gone:
        return []
    return [reason._asdict() for reason in wanted] + [reason._asdict() | {"retired": True} for reason in gone]


def labels(codes, project=None):
    """The labels of `codes` as `project` calls them; a code that no list knows is shown as it is."""
    known = BY_CODE | (known_reasons(project) if project else {})
    return [known[code].label if code in known else code for code in codes]
