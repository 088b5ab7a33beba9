"""A quote: how many calls, tokens, dollars and hours a run will take, before it is started."""

from collections import defaultdict
from dataclasses import dataclass

from curation.models import Teacher, TeacherResponse
from pipeline.prompts import PromptError
from pipeline.stages.sending import HANDLES
from pipeline.stages.working import StopRun
from pipeline.teachers import most_output

from . import words
from .amounts import Amount, total_of
from .choosing import strata
from .experience import experience_of, passing, seconds_of
from .foreseeing import Purpose, foresee
from .quoted import Line, Quote


def quote(project, stage, parameters=None):
    """The Quote of a run of `stage` with these parameters; writes nothing and asks nobody.

    Up to 200 prompts of each state are composed as they would be sent; their tokens are estimated, by the ratio that
    this project's own answers showed where there are five. See `amounts` for how percentiles of sums are formed.
    """
    parameters = {name: value for name, value in (parameters or {}).items() if value is not None}
    mode = parameters.get("mode") or "online"
    if stage not in HANDLES:
        return Quote(stage, mode)
    found, waits, held = strata(project, stage, parameters)
    prompts = sum(stratum.number for stratum in found)
    counted = {"mode": mode, "prompts": prompts, "waiting": waits, "held": held}
    if stage == "judge" and not project.is_gated:
        return Quote(stage, **counted, trouble="This project has no judges: choose them in its settings.")
    if stage == "filter" or not prompts:
        return Quote(stage, **counted)
    try:
        drawn = [(stratum.number, _foreseen(project, stage, stratum, parameters)) for stratum in found]
    except (StopRun, PromptError) as stop:
        return Quote(stage, **counted, trouble=str(stop))
    if "again" in parameters:
        drawn = _as_many_as_wanted(drawn, parameters.get("limit"))
        counted["prompts"] = round(sum(number * _asked(prompts) / len(prompts) for number, prompts in drawn))
    return _quote(project, stage, drawn, counted)


def quote_of(project, stage, foreseen):
    """The Quote of these prompts alone, each with its list of Foreseen calls."""
    counted = {"mode": "online", "prompts": len(foreseen), "waiting": len(foreseen), "held": 0}
    return _quote(project, stage, [(len(foreseen), foreseen)], counted)


def _asked(prompts):
    return sum(bool(calls) for calls in prompts)


def _as_many_as_wanted(drawn, limit):
    """Asking again counts only those towards its limit that would be sent another payload."""
    asked = sum(number * _asked(prompts) / len(prompts) for number, prompts in drawn)
    share = min(1, limit / asked) if limit and asked else 1
    return [(number * share, prompts) for number, prompts in drawn]


def _foreseen(project, stage, stratum, parameters):
    return foresee(project, stage, stratum.draw(), parameters)


@dataclass
class _Gathered:
    """What all strata say of one line, before the price."""

    teacher: Teacher
    purpose: Purpose
    calls: Amount = Amount()
    about: Amount = Amount()
    limit: int | None = 0


def _quote(project, stage, drawn, counted):
    shares = {gate: passing(project, gate, counted["prompts"]) for gate in ("filters", "gate")}
    every = [call for _, prompts in drawn for calls in prompts for call in calls]
    known = {line: experience_of(project, teacher, line[1]) for line, teacher in _lines(every).items()}
    gathered = {line: _gather(line, known, drawn, shares) for line in known}
    lines = tuple(_priced(gathered[line], known[line], counted["mode"]) for line in known)
    bought = [call for call in every if not call.reused]
    most = [call.ask.most(batch=counted["mode"] == "batch") for call in bought]
    reused = Amount()
    for number, prompts in drawn:
        reused += total_of(number, [float(sum(call.reused for call in calls)) for calls in prompts])
    unknown = tuple(dict.fromkeys(line.teacher.name for line in lines if line.price is None))
    hours, slowest = _hours(lines, known) if counted["mode"] != "batch" else (None, "")
    return Quote(
        stage,
        **counted,
        calls=_sum(line.calls for line in lines).rounded(),
        reused=reused.rounded(),
        input_tokens=_sum(line.input_tokens for line in lines).rounded(),
        output_tokens=_sum(line.output_tokens for line in lines).rounded(),
        price=None if unknown else _sum(line.price for line in lines),
        unknown_prices=unknown,
        prices_of=_date(lines),
        hours=hours,
        slowest=slowest,
        basis=words.basis(lines, is_new=not any(line.answers for line in lines) and _is_new(project)),
        unlimited=tuple(dict.fromkeys(c.ask.teacher.name for c in bought if most_output(c.ask.body) is None)),
        least_usd=_least(usd for usd, _ in most),
        least_tokens=_least(tokens for _, tokens in most),
        lines=lines,
    )


def _is_new(project):
    return not TeacherResponse.objects.filter(prompt__project=project).exists()


def _sum(amounts):
    return sum(amounts, Amount())


def _lines(calls):
    """{line: its Teacher}, with the lines whose answers others read, in the order of the stages."""
    return {call.line: call.ask.teacher for call in calls}


def _gather(line, known, drawn, shares):
    teacher, purpose = known[line].teacher, line[1]
    found = _Gathered(teacher, purpose)
    for number, prompts in drawn:
        calls, about = [], []
        for each in prompts:
            own = [call for call in each if call.line == line and not call.reused]
            chances = [_chance(call, shares) for call in own]
            calls.append(_sum(chances))
            about.append(_sum(c * _input(call, known) for c, call in zip(chances, own, strict=True)))
            limits = [most_output(call.ask.body) for call in own]
            found.limit = None if None in limits or found.limit is None else max([found.limit, *limits])
        found.calls += _total(number, calls)
        found.about += _total(number, about)
    return found


def _total(number, amounts):
    """Percentile by percentile the total over `number` things, of which these are some."""
    low = total_of(number, [amount.low for amount in amounts]).low
    mid = total_of(number, [amount.mid for amount in amounts]).mid
    return Amount(low, mid, total_of(number, [amount.high for amount in amounts]).high)


def _chance(call, shares):
    chance = Amount.exactly(1.0)
    for gate in call.chance:
        chance *= shares[gate]
    return chance


def _input(call, known):
    """Estimated input tokens of one call, with the answer it will read; before any comparison with real ones."""
    least = call.tokens if known[call.line].is_calibrated else call.least_tokens
    about = Amount(least, call.tokens, call.tokens)
    return about + known[call.reads].each if call.reads in known else about


def _priced(gathered, experience, mode):
    again = experience.again(gathered.calls)
    calls = gathered.calls + again
    about = gathered.about
    if again.mid:
        share = 1 + again.mid / gathered.calls.mid
        about = Amount(about.low, about.mid * share, about.high * (1 + again.high / gathered.calls.high))
    read = experience.input(calls, about)
    written = experience.output(calls)
    if gathered.limit:
        longest = gathered.limit * (2 if again.mid else 1)
        written = written.at_most(calls * longest)
    return Line(
        gathered.teacher,
        gathered.purpose,
        calls=calls,
        input_tokens=read,
        output_tokens=written,
        price=_price(gathered.teacher, read.rounded(), written.rounded(), mode),
        answers=len(experience.outputs) if experience.is_enough else 0,
    )


def _price(teacher, read, written, mode):
    pairs = ((read.low, written.low), (read.mid, written.mid), (read.high, written.high))
    prices = [teacher.price(i, o, batch=mode == "batch") for i, o in pairs]
    return None if None in prices else Amount(*map(float, prices))


def _date(lines):
    """The oldest date of the prices that count."""
    paid = [line.teacher for line in lines if line.teacher.input_price or line.teacher.output_price]
    if not paid:
        return ""
    dates = [teacher.prices_of for teacher in paid]
    return "date unknown" if None in dates else min(dates).isoformat()


def _least(costs):
    """The smallest of what the calls may cost at most; None where one is unknown."""
    costs = list(costs)
    return None if None in costs or not costs else min(costs)


def _hours(lines, known):
    """(hours under the limits of the slowest teacher, what slows it): teachers are asked at the same time."""
    by_teacher = defaultdict(list)
    for line in lines:
        by_teacher[line.teacher.pk].append(line)
    slowest = (0.0, "")
    for own in by_teacher.values():
        teacher = own[0].teacher
        calls, read, written = (
            _sum(amounts).mid
            for amounts in zip(*((line.calls, line.input_tokens, line.output_tokens) for line in own), strict=True)
        )
        seconds, measured = seconds_of([known[(teacher.pk, line.purpose)] for line in own])
        assumed = "" if measured else ", assumed"
        minutes = {
            f"{teacher.concurrency:,} at once, {seconds:.1f} s each{assumed}": calls
            * seconds
            / teacher.concurrency
            / 60
        }
        for limit, needed in (
            ("requests_per_minute", calls),
            ("input_tokens_per_minute", read),
            ("output_tokens_per_minute", written),
        ):
            allowed = getattr(teacher, limit)
            if allowed:
                minutes[f"{allowed:,} {limit.replace('_per_minute', '').replace('_', ' ')} a minute"] = needed / allowed
        name, longest = max(minutes.items(), key=lambda item: item[1])
        slowest = max(slowest, (longest / 60, f"{teacher.name}: {name}"))
    return slowest
