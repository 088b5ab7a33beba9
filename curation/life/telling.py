"""A prompt's life in plain text, for reading, a mail or a terminal."""

import textwrap
from datetime import datetime

from .. import labels
from ..reviewing import labels as reasons_in_words
from ..reviewing.complaints import label_of

WIDTH = 100
STATE_WORDS = {True: "passed", False: "failed"}


def as_text(life):
    """The dict of `life_of` as lines of text, the oldest thing first in each part."""
    lines = [
        f"{labels.words(life['task_type'])} {life['key']}",
        f"project {life['project']}" + (f", {life['domain']}" if life["domain"] else ""),
        f"{labels.words(life['state'])} since {_when(life['state_since'])}; imported {_when(life['imported'])}",
    ]
    if life["parked"]:
        lines.append(
            f"parked from {life['parked']['from']} ({life['parked']['error_class']}): {life['parked']['error']}"
        )
    if life["pair"]:
        lines.append(f"pair: {life['pair']['task_type']} {life['pair']['key']}, {labels.words(life['pair']['state'])}")
    lines += [f"left out: {said}" for said in life["left_out"]]
    lines += _part("Source", _source(life["source"]))
    lines += _part("The imported row", _row(life["prompt"]))
    for attempt in life["attempts"]:
        lines += _part(_title(attempt), _attempt(attempt))
    lines += _part("Shared with evaluation sets", [_overlap(row) for row in life["overlaps"]])
    lines += _part("Remarks", [line for row in life["comments"] for line in _comment(row)])
    lines += _part("Flags", [line for row in life["flags"] for line in _flag(row)])
    lines += _part("Changes of many prompts", [_change(row) for row in life["changes"]])
    lines += _part("Releases", [_release(row) for row in life["releases"]])
    lines += _part("History", [_event(row) for row in life["history"]])
    return "\n".join(lines) + "\n"


def _part(title, lines):
    return ["", title.upper(), *lines] if lines else []


def _when(iso):
    return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M:%S UTC") if iso else "unknown"


def _indented(text, by="  "):
    """The text with its own line breaks; what is longer than a line is folded at blanks."""
    return [
        folded
        for line in text.split("\n")
        for folded in textwrap.wrap(
            line, WIDTH, initial_indent=by, subsequent_indent=by, break_long_words=False, break_on_hyphens=False
        )
        or [""]
    ]


def _said(name, text):
    return [f"{name}:", *_indented(text)] if text else []


def _source(source):
    passage = f", passage {source['passage']}" if source["passage"] else ""
    head = [part for part in (source["title"], f"{source['locator']}{passage}", source["licence"]) if part]
    return [*head, *_indented(source["text"])]


def _row(row):
    columns = [f"{name}: {value}" for name, value in row["columns"].items()]
    return [*_said("prompt", row["user"]), *_said("system prompt", row["system"]), *columns]


def _title(attempt):
    candidate = f", candidate {attempt['candidate']}" if attempt["candidate"] > 1 else ""
    return f"Attempt {attempt['attempt']}{candidate}{' (current)' if attempt['current'] else ''}"


def _attempt(attempt):
    lines = [f"{attempt['model']}, {_when(attempt['at'])}", *_call(attempt)]
    if attempt["tests"]:
        lines.append(f"tests attempt {attempt['tests']['attempt']} of hypothesis {attempt['tests']['key']}")
    used = ", ".join(f"{name} v{each['version']}" for name, each in attempt["templates"].items())
    lines += [f"templates: {used}"] if used else []
    lines += _said("asked, system", attempt["sent"]["system"]) + _said("asked", attempt["sent"]["user"])
    for each in attempt["complaints"]:
        lines += _complaint(each)
    lines += ["answer:", *_indented(attempt["text"] or "(empty)")]
    lines += _said("refusal", attempt["refusal"]) + _said("not read as asked", attempt["parse_error"])
    for each in attempt["filters"]:
        lines += _filters(each)
    for each in attempt["gate"]:
        lines += _gate(each)
    for each in attempt["judges"]:
        lines += _judge(each)
    lines += [f"judges warn: {hazard}" for hazard in attempt["hazards"]]
    for each in attempt["decisions"]:
        lines += _decision(each)
    for each in attempt["resolutions"]:
        lines += _resolution(each)
    return lines


def _complaint(each):
    met = {True: "met as measured", False: "not met as measured"}.get(each["met"])
    people = [f"{row['reviewer']}: {'met' if row['met'] else 'not met'}" for row in each["reviewers"]]
    said = ", ".join(([met] if met else []) + people)
    head = f"to mend: {label_of(each['source'], each['code'])}" + (f" ({said})" if said else "")
    return [head, *(_indented(each["words"]) if each["words"] else ())]


def _call(attempt):
    call = attempt["call"]
    if call is None:
        return []
    cost = "cost unknown" if call["cost_usd"] is None else f"{call['cost_usd']:.6f} USD"
    tokens = f"{_or_unknown(call['prompt_tokens'])} tokens read, {_or_unknown(call['completion_tokens'])} written"
    return [f"call {call['sha256'][:12]}: {tokens}, {_or_unknown(call['latency_ms'])} ms, {cost}"]


def _or_unknown(value):
    return "unknown" if value is None else f"{value:,}"


def _filters(result):
    lines = [f"filters v{result['version']}, {_when(result['at'])}: {STATE_WORDS[result['passed']]}"]
    for each in result["rules"]:
        limit = "" if each.get("limit") is None else f", limit {each['limit']}"
        note = f" ({each['note']})" if each.get("note") else ""
        sign = "ok  " if each.get("ok") else "FAIL"
        lines.append(f"  {sign} {labels.rule(each['rule'])}: {each.get('value')}{limit}{note}")
    return lines


def _gate(result):
    score = "" if result["score"] is None else f", score {result['score']:g}"
    pair = "" if result["pair_score"] is None else f", of the pair {result['pair_score']:g}"
    why = f" ({', '.join(labels.gate_reason(reason) for reason in result['reasons'])})" if result["reasons"] else ""
    audit = ", sent to people as an audit" if result["audit"] else ""
    verdict = "passed" if result["passed"] else "held"
    return [f"SampleGate v{result['version']}, {_when(result['at'])}: {verdict}{why}{score}{pair}{audit}"]


def _judge(score):
    value = f"unreadable: {score['error']}" if score["score"] is None else f"{score['score']:g} of 100"
    again = f", reading {score['repeat']}" if score["repeat"] > 1 else ""
    lines = [f"judge {score['judge']}{again}, {labels.words(score['rubric'])}: {value}"]
    lines += [f"  {labels.words(name)}: {said}" for name, said in score["dimensions"].items()]
    lines += [f"  flag: {labels.words(str(flag))}" for flag in score["flags"]]
    return [*lines, *_indented(score["rationale"])] if score["rationale"] else lines


def _decision(row):
    marks = [] if row["purpose"] == "review" else [row["purpose"]]
    marks += ["" if row["current"] else "taken back or closed", "surplus" if row["surplus"] else ""]
    marks += ["blind" if row["blind"] else "", f"imported from {row['origin']}" if row["origin"] else ""]
    marks = [mark for mark in marks if mark]
    said = f" ({', '.join(marks)})" if marks else ""
    lines = [f"{row['reviewer']}, {_when(row['at'])}: {row['action']}{said}, {row['seconds']} s"]
    return lines + _because(row)


def _resolution(row):
    who = f" ({row['decided_by']})" if row["decided_by"] else ""
    held = "holds" if row["current"] else "held until reopened or taken back"
    return [f"{held}: {row['action']} by {row['by']}{who}, {_when(row['at'])}", *_because(row)]


def _because(row):
    lines = [f"  reasons: {', '.join(reasons_in_words(row['reasons']))}"] if row["reasons"] else []
    lines += _indented(f"“{row['comment']}”") if row["comment"] else []
    if row["edit"]:
        lines += ["  edited to:", *_indented(row["edit"]["text"], "    ")]
        changed = [("-" if kind == "removed" else "+", words) for kind, words in row["edit"]["diff"] if kind != "same"]
        lines += [f"    {sign} {' '.join(words.split())}" for sign, words in changed if words.strip()]
    return lines


def _overlap(row):
    return f"{row['of']} shares {row['shared']:,} runs of words with {row['evaluation_set']}, such as “{row['words']}”"


def _comment(row):
    about = f" on attempt {row['attempt']}" if row["attempt"] else ""
    return [f"{row['author']}{about}, {_when(row['at'])}", *_indented(row["text"])]


def _flag(row):
    lines = [f"{row['raised_by']}, {_when(row['raised'])}: {row['note']}"]
    if row["cleared"]:
        lines.append(
            f"  cleared by {row['cleared_by']}, {_when(row['cleared'])}"
            + (f": {row['answer']}" if row["answer"] else "")
        )
    return lines


def _change(row):
    back = f", taken back by {row['taken_back_by']}" if row["taken_back"] else ""
    return f"change {row['change']}, {_when(row['at'])}: {row['action']} by {row['by']}{back}"


def _release(row):
    return f"release {row['version']} ({row['state']}), {_when(row['at'])}: {row['split']}, row {row['row_id']}"


def _event(row):
    moved = f": {labels.words(row['from'])} to {labels.words(row['to'])}" if row["to"] else ""
    by = f" by {row['by']}" if row["by"] else ""
    run = f", run {row['run']}" if row["run"] else ""
    reason = row["detail"].get("reason") if isinstance(row["detail"], dict) else ""
    return f"{_when(row['at'])} {labels.words(row['kind'])}{moved}{by}{run}" + (f": “{reason}”" if reason else "")
