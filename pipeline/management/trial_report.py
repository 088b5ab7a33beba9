"""What other filter rules would do, as lines for a terminal: the same numbers as the filter page."""

EXCERPT = 100


def told(trial, origin):
    """The Trial of the rules of `origin` in words, a table of the rules, and some answers that would flip."""
    lines = [*_summary(trial, origin), "", *_rules(trial.effects)]
    if trial.examples:
        lines += ["", f"{len(trial.examples)} of them:", *(line for each in trial.examples for line in _example(each))]
    return "\n".join(lines)


def _summary(trial, origin):
    looked_at = f"all {trial.total:,} answers"
    if not trial.exact:
        looked_at = f"{trial.looked_at:,} of {trial.total:,} answers, drawn at random: the numbers are estimates"
    yield f"The rules of {origin} beside those in force, on {looked_at}."
    yield f"Now {trial.passed_now:,} pass; then {trial.passed_then:,} would."
    flips = f"{trial.flips:,} would flip: {trial.to_pass:,} to passing, {trial.to_fail:,} to failing."
    if trial.flips_between:
        flips += f" Between {trial.flips_between[0]:,} and {trial.flips_between[1]:,} would, at 95 %."
    yield flips
    if trial.decided_flips:
        yield f"People have decided {trial.decided_flips:,} of those: they would not move."


def _rules(effects):
    width = max([len(each.rule.label) for each in effects], default=0)
    yield f"{'rule':{width}}  fail now  fail then  to passing  to failing"
    for each in effects:
        numbers = f"{each.failed_now:>8,}  {each.failed_then:>9,}  {each.to_pass:>10,}  {each.to_fail:>10,}"
        yield f"{each.rule.label:{width}}  {numbers}"


def _example(example):
    decided = ", decided by people" if example.decided else ""
    yield f"- {'would pass' if example.passes else 'would fail'}: {example.task_type} {example.key[:12]}{decided}"
    yield f"  {'; '.join(_why(*each) for each in example.why)}"
    text = " ".join(example.excerpt.split())
    yield f"  “{text if len(text) <= EXCERPT else text[: EXCERPT - 1] + '…'}”"


def _why(rule, value, limit):
    measured = "" if value is None else f" {value:,.10g}"
    return f"{rule.label}{measured}" + ("" if limit is None else f", limit {limit}")
