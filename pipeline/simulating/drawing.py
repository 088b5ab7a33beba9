"""Readings, decisions and policy of a project as the recount takes them; kept until something new is stored."""

from decimal import Decimal
from itertools import groupby
from statistics import fmean, median
from time import monotonic

import numpy
from django.core.cache import cache
from django.utils import timezone

from curation.models import Annotation, Event, JudgeScore, Prompt, Resolution, State, TeacherResponse
from pipeline.stages import composing, questions

from .judged import ACCEPTED, REFUSED, RUBRICS, UNDECIDED, Judged, score_of
from .trial import Policy

BY_PEOPLE = (Resolution.By.CONSENSUS, Resolution.By.ADJUDICATOR)
NEWEST_TIMED, NEWEST_PRICED = 5_000, 2_000
KEPT_SECONDS = 3600
MAY_BE_OLDER = 20  # times what it took to draw: while a run judges, a large project is not drawn at every look


def judged_of(project):
    """The Judged answers of `project`: by the rubrics in force, by all versions where those have no readings."""
    return kept(f"simulating:{project.pk}", project, lambda: _drawn(project))


def kept(key, project, draw):
    """What `draw` returns, from the cache while nothing new is stored, or while it was drawn a moment ago."""
    known = (str(project.created_at), versions(project), _newest())
    found = cache.get(key)
    now = timezone.now().timestamp()
    if found and (found["known"] == known or found["known"][:2] == known[:2] and now < found["until"]):
        return found["value"]
    begun = monotonic()
    value = draw()
    until = now + MAY_BE_OLDER * max(0.0, monotonic() - begun - 0.5)  # what takes no time is always drawn anew
    cache.set(key, {"known": known, "until": until, "value": value}, KEPT_SECONDS)
    return value


def _newest():
    """The newest rows of all that a recount looks at; whatever is decided or taken back leaves an event."""
    tables = (TeacherResponse, JudgeScore, Annotation, Resolution, Event)
    return [model.objects.order_by("-pk").values_list("pk", flat=True).first() for model in tables]


def versions(project):
    """{rubric: the version that its readings carry now} of the rubrics that the project has judges for."""
    with composing.only_looking():
        return {name: questions.sheet(project, name).sha256 for name in project.judges}


def in_force(project):
    """The readings by the rubrics and judges in force and those that came with imported answers; None without any."""
    of_project = JudgeScore.objects.filter(response__prompt__project=project)
    judges = {judge.pk for _, judge, _ in project.readers}
    current = of_project.filter(rubric_version__in=[*versions(project).values(), JudgeScore.IMPORTED])
    current = current.filter(judge__in=judges) | current.filter(rubric_version=JudgeScore.IMPORTED)
    wanted = project.judges or dict.fromkeys(RUBRICS)
    if all(current.filter(rubric=rubric, score__isnull=False).exists() for rubric in wanted):
        return current
    return None


def _drawn(project):
    readings = in_force(project)
    all_versions = readings is None
    if all_versions:
        readings = JudgeScore.objects.filter(response__prompt__project=project)
    columns = ("response_id", "rubric", "judge_id", "repeat", "score", "flags", "requires_human_review")
    rows = readings.order_by("response_id", "pk").values_list(*columns).iterator(chunk_size=20_000)
    found = [_answer(pk, group) for pk, group in groupby(rows, key=lambda row: row[0])]
    return _as_arrays(project, found, all_versions)


def _answer(pk, rows):
    """(response, {rubric: (score, spread)}, held) of one answer; a reading anew counts in place of the old."""
    newest = {(rubric, judge, repeat): said for _, rubric, judge, repeat, *said in rows}
    scores, held = {}, False
    for (rubric, judge, _), (score, flags, asks) in newest.items():
        of_rubric = scores.setdefault(rubric, [])
        if score is None:
            held = True
        else:
            of_rubric.append((judge, score))
        held = held or asks or any(str(flag).lower().startswith("safety") for flag in flags or ())
    return pk, {rubric: score_of(said) for rubric, said in scores.items()}, held


def _as_arrays(project, found, all_versions):
    n = len(found)
    present = [name for name in RUBRICS if name in project.judges or any(name in scores for _, scores, _ in found)]
    nothing = (numpy.nan, 0.0)
    of_rubric = {name: [scores.get(name, nothing) for _, scores, _ in found] for name in present}
    responses = numpy.fromiter((pk for pk, _, _ in found), numpy.int64, n)
    spread = numpy.zeros(n)
    for pairs in of_rubric.values():
        numpy.maximum(spread, numpy.fromiter((wide for _, wide in pairs), float, n), out=spread)
    current, waiting = _places(project, responses)
    return Judged(
        responses=responses,
        scores={name: numpy.fromiter((score for score, _ in pairs), float, n) for name, pairs in of_rubric.items()},
        spread=spread,
        held=numpy.fromiter((held for _, _, held in found), bool, n),
        decided=_decided(project, responses),
        current=current,
        waiting=waiting,
        all_versions=all_versions and n > 0,
    )


def _decided(project, responses):
    stands = Resolution.objects.filter(response__prompt__project=project, current=True, by__in=BY_PEOPLE)
    said = dict(stands.order_by().values_list("response", "action"))
    words = {pk: ACCEPTED if action == "accept" else REFUSED for pk, action in said.items()}
    return numpy.fromiter((words.get(pk, UNDECIDED) for pk in responses.tolist()), numpy.int8, len(responses))


def _places(project, responses):
    prompts = Prompt.objects.filter(project=project, current_response__isnull=False).order_by()
    states = dict(prompts.values_list("current_response", "state"))
    given = Annotation.objects.filter(
        response__current_for__project=project,
        response__current_for__state=State.TO_REVIEW,
        purpose="review",
        current=True,
    )
    seen = set(given.order_by().values_list("response", flat=True))
    ids = responses.tolist()
    current = numpy.fromiter((pk in states for pk in ids), bool, len(ids))
    waiting = (states.get(pk) == State.TO_REVIEW and pk not in seen for pk in ids)
    return current, numpy.fromiter(waiting, bool, len(ids))


def policy_of(project):
    """The Policy of `project`, with the median time of a decision and the mean cost of an answer where known."""
    seconds, timed, cost, priced = kept(f"simulating:policy:{project.pk}", project, lambda: _measured(project))
    return Policy(
        reviews_required=project.reviews_required,
        on_gate_fail=project.on_gate_fail,
        auto_accept_percent=project.auto_accept_percent,
        seconds=seconds,
        cost=cost,
        timed=timed,
        priced=priced,
    )


def _measured(project):
    """(median seconds of a decision, of how many, mean cost of an answer, of how many), the newest of both."""
    of_project = {"response__prompt__project": project, "purpose": "review"}
    given = Annotation.objects.filter(**of_project, current=True, seconds__gt=0)
    seconds = list(given.order_by("-pk").values_list("seconds", flat=True)[:NEWEST_TIMED])
    bought = TeacherResponse.objects.filter(prompt__project=project, call__isnull=False)
    costs = list(bought.order_by("-pk").values_list("call__cost", flat=True)[:NEWEST_PRICED])
    known = bool(costs) and None not in costs
    cost = Decimal(fmean(costs)).quantize(Decimal("0.00000001")) if known else None
    return float(median(seconds)) if seconds else None, len(seconds), cost, len(costs) if known else 0
