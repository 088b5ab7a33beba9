"""SampleGate's rule: judge scores in, verdict out. Pure; the thresholds are `>=` on 0-100."""

from dataclasses import dataclass

from .config_errors import ConfigError

# Reason codes carry no numbers, so that they can be counted; the measured values stand beside them.
HOLDS_FOR_PEOPLE = {
    "judge_unreadable",
    "missing_judge_scores",
    "missing_dual_judge",
    "safety_flag_human_review",
    "safety_critical_flag",
}

DEFAULTS = {
    "judge_f_threshold": 80,
    "judge_r_threshold": 80,
    "require_both": True,
    "decides": True,
}
SHORT = {"factuality": "judge_f", "reasoning": "judge_r"}


@dataclass(frozen=True)
class Reading:
    """One judge's reading: a score of 0-100 with its flags, or `error` saying why there is none."""

    rubric: str
    score: float | None = None
    flags: tuple = ()
    requires_human_review: bool = False
    error: str = ""


@dataclass(frozen=True)
class Verdict:
    """`passed`; every reason code; the measured values with their limits; whether a person must look."""

    passed: bool
    reasons: list
    measurements: list
    needs_people: bool


def load_gate(mapping):
    """Thresholds from a mapping, defaults filled in; raises ConfigError that names every wrong key and value."""
    wrong = [f"gate.{key} is not a known key; known: {', '.join(DEFAULTS)}." for key in mapping if key not in DEFAULTS]
    gate = {**DEFAULTS, **{key: value for key, value in mapping.items() if value is not None}}
    for key in ("judge_f_threshold", "judge_r_threshold"):
        value = gate[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 100:
            wrong.append(f"gate.{key}: {value!r} is not right: give a number from 0 to 100.")
    for key in ("require_both", "decides"):
        if not isinstance(gate[key], bool):
            wrong.append(f"gate.{key}: {gate[key]!r} is not right: give true or false.")
    if wrong:
        raise ConfigError(wrong)
    return gate


def judge_verdict(readings, configured, gate):
    """What the gate says of one response.

    `readings` are its Readings, `configured` the rubrics that the project has judges for. A safety flag, a wish for
    human review or an unreadable reply goes to people, whatever the scores. With `decides` off the scores are shown
    and decide nothing; what needs people still does.
    """
    by_rubric = {reading.rubric: reading for reading in readings}
    reasons, measurements = [], []
    for rubric in configured:
        reading, short = by_rubric.get(rubric), SHORT[rubric]
        limit = gate[f"{short}_threshold"]
        if reading is None:
            reasons.append("missing_judge_scores")
        elif reading.score is None:
            reasons.append("judge_unreadable")
        else:
            ok = reading.score >= limit
            measurements.append({"rule": f"{short}_score", "value": reading.score, "limit": limit, "ok": ok})
            if not ok:
                reasons.append(f"{short}_low_score")
    if gate["require_both"] and len(configured) < len(SHORT):
        reasons.append("missing_dual_judge")
    reasons += _safety(readings)
    reasons = list(dict.fromkeys(reasons))
    needs_people = bool(HOLDS_FOR_PEOPLE.intersection(reasons))
    low = any(reason.endswith("_low_score") for reason in reasons)
    return Verdict(not needs_people and not (low and gate["decides"]), reasons, measurements, needs_people)


def _safety(readings):
    reasons = []
    if any(reading.requires_human_review for reading in readings):
        reasons.append("safety_flag_human_review")
    if any(str(flag).lower().startswith("safety") for reading in readings for flag in reading.flags):
        reasons.append("safety_critical_flag")
    return reasons
