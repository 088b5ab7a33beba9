"""SampleGate's rule: judge scores in, verdict out. Pure; the thresholds are `>=` on 0-100."""

from collections import Counter
from dataclasses import dataclass
from statistics import fmean

from .config_errors import ConfigError

# Reason codes carry no numbers, so that they can be counted; the measured values stand beside them.
HOLDS_FOR_PEOPLE = {
    "judge_unreadable",
    "invalid_judge_f_json",
    "invalid_judge_f_schema",
    "invalid_judge_r_json",
    "invalid_judge_r_schema",
    "judges_disagree",
    "missing_judge_scores",
    "missing_dual_judge",
    "safety_flag_human_review",
    "safety_critical_flag",
}
REASONS = ("judge_f_low_score", "judge_r_low_score", *sorted(HOLDS_FOR_PEOPLE))

DEFAULTS = {
    "judge_f_threshold": 80,  # below it: refused, as the project says
    "judge_r_threshold": 80,
    "accept_f_from": None,  # the accept band begins here; None: at the threshold
    "accept_r_from": None,
    "max_spread": None,  # readings of one rubric further apart go to people; None: they may be
    "require_both": True,
    "decides": True,
    "readings": "",  # fingerprint of what judges were asked when all was to be judged again; "" before
}
SHORT = {"factuality": "judge_f", "reasoning": "judge_r"}
THRESHOLDS = {"factuality": "judge_f_threshold", "reasoning": "judge_r_threshold"}
ACCEPT_FROM = {"factuality": "accept_f_from", "reasoning": "accept_r_from"}

BANDS = REFUSE, PEOPLE, ACCEPT = ("refuse", "people", "accept")
PRECISE = 9  # decimals: means of scores are compared with limits, and are no place for errors of binary fractions


@dataclass(frozen=True)
class Reading:
    """One judge's reading by one rubric: a score of 0-100 with its flags, or `error` saying why there is none.

    `invalid` is "json" or "schema" where a score was imported that could not be read: nobody can be asked again.
    """

    rubric: str
    score: float | None = None
    flags: tuple = ()
    requires_human_review: bool = False
    error: str = ""
    judge: object = ""
    invalid: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the gate says: every reason code, and the measured values with their limits.

    `needs_people`: a person must look, whatever the scores. `band` is "refuse", "people" or "accept"; `passed` is
    whether it is not refused and needs nobody. `score` is the mean of the rubrics' scores, None where one is missing.
    """

    passed: bool
    reasons: list
    measurements: list
    needs_people: bool
    band: str = PEOPLE
    score: float | None = None


def load_gate(mapping):
    """Thresholds from a mapping, defaults filled in; raises ConfigError that names every wrong key and value."""
    wrong = [f"gate.{key} is not a known key; known: {', '.join(DEFAULTS)}." for key in mapping if key not in DEFAULTS]
    gate = {**DEFAULTS, **{key: value for key, value in mapping.items() if value is not None and key in DEFAULTS}}
    switches = ("require_both", "decides")
    numbers = [key for key in DEFAULTS if key not in (*switches, "readings")]
    bad = [key for key in numbers if gate[key] is not None and not _is_share(gate[key])]
    wrong += [f"gate.{key}: {gate[key]!r} is not right: give a number from 0 to 100." for key in bad]
    for rubric, key in ACCEPT_FROM.items():
        limit = THRESHOLDS[rubric]
        if gate[key] is not None and key not in bad and limit not in bad and gate[key] < gate[limit]:
            wrong.append(f"gate.{key}: {gate[key]!r} is not right: give {gate[limit]!r}, the {limit}, or more.")
    for key in switches:
        if not isinstance(gate[key], bool):
            wrong.append(f"gate.{key}: {gate[key]!r} is not right: give true or false.")
    if not isinstance(gate["readings"], str):
        wrong.append(f"gate.readings: {gate['readings']!r} is not right: leave it out.")
    if wrong:
        raise ConfigError(wrong)
    return gate


def _is_share(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100


def judge_verdict(readings, configured, gate):
    """What the gate says of one response.

    `readings` are its Readings, `configured` the rubrics that it should have been read by: a rubric named n times
    needs n readings. The score of a rubric is the mean over its judges of the mean over each judge's repeats. A safety
    flag or a wish for human review in any reading, one that is missing or could not be read, and readings further
    apart than `max_spread` go to people, whatever the scores. With `decides` off the scores are shown and decide
    nothing; what needs people still does.
    """
    reasons, measurements = [] if configured else ["missing_judge_scores"], []
    for rubric, wanted in Counter(configured).items():
        own = [reading for reading in readings if reading.rubric == rubric]
        reasons += ["missing_judge_scores"] * (len(own) < wanted)
        reasons += [_unreadable(reading) for reading in own if reading.score is None]
        read = [reading for reading in own if reading.score is not None]
        if read:
            measurements.append(_measured(rubric, read, gate[THRESHOLDS[rubric]]))
    reasons += [each["rule"].replace("_score", "_low_score") for each in measurements if not each["ok"]]
    if gate["max_spread"] is not None and any(each["spread"] > gate["max_spread"] for each in measurements):
        reasons.append("judges_disagree")
    if gate["require_both"] and 0 < len(set(configured)) < len(SHORT):
        reasons.append("missing_dual_judge")
    reasons = list(dict.fromkeys(reasons + _safety(readings)))
    needs_people = bool(HOLDS_FOR_PEOPLE.intersection(reasons))
    band = _band(measurements, needs_people, gate)
    whole = measurements and len(measurements) == len(set(configured))
    score = round(fmean(each["value"] for each in measurements), PRECISE) if whole else None
    return Verdict(not needs_people and band != REFUSE, reasons, measurements, needs_people, band, score)


def band_of(measurements, reasons, gate):
    """The band of a verdict that was stored: what `judge_verdict` said of it under this gate."""
    return _band(measurements, bool(HOLDS_FOR_PEOPLE.intersection(reasons)), gate)


def _measured(rubric, read, limit):
    """One rubric's measurement: the mean over judges, how far the readings are apart, and of how many it is."""
    by_judge = {}
    for reading in read:
        by_judge.setdefault(reading.judge, []).append(reading.score)
    scores = [reading.score for reading in read]
    value = round(fmean(map(fmean, by_judge.values())), PRECISE)
    return {
        "rule": f"{SHORT[rubric]}_score",
        "value": value,
        "limit": limit,
        "ok": value >= limit,
        "spread": round(max(scores) - min(scores), PRECISE),
        "n": len(scores),
    }


def _unreadable(reading):
    return f"invalid_{SHORT[reading.rubric]}_{reading.invalid}" if reading.invalid else "judge_unreadable"


def _band(measurements, needs_people, gate):
    """Where the scores put an answer: between the threshold and the accept band it is for people."""
    if needs_people:
        return PEOPLE
    if not gate["decides"]:
        return ACCEPT
    if not all(each["ok"] for each in measurements):
        return REFUSE
    begins = {f"{SHORT[rubric]}_score": gate[key] for rubric, key in ACCEPT_FROM.items()}
    reached = all(each["value"] >= (begins[each["rule"]] or 0) for each in measurements)
    return ACCEPT if reached else PEOPLE


def _safety(readings):
    reasons = []
    if any(reading.requires_human_review for reading in readings):
        reasons.append("safety_flag_human_review")
    if any(str(flag).lower().startswith("safety") for reading in readings for flag in reading.flags):
        reasons.append("safety_critical_flag")
    return reasons
