"""The Parquet files that the user's steps leave behind, with the columns of the earlier scripts.

The database stays the truth: these files are written from it, whole or not at all, and never read back as state.
"""

import json
from datetime import UTC
from functools import partial
from pathlib import Path

import pandas as pd

from curation.models import Annotation, FilterResult, GateResult, Prompt, State, TeacherResponse
from pipeline.filters import legacy_columns
from pipeline.formats import replacing

from .rendered import COLUMN, Asked
from .writing import write


def columns_of(config):
    """The names that the input's columns had, so that the output carries them again."""
    names = config.columns
    return {
        "prompt": names.get("prompt", "user_prompt"),
        "context": names.get("context", "context"),
        "task_type": names.get("task_type", "template_name"),
        "output": config.defaults.output_column or "teacher_output",
    }


def answered(project):
    """The project's prompts that have an answer, in the order of their import."""
    prompts = Prompt.objects.filter(project=project, current_response__isnull=False)
    return prompts.select_related("current_response").order_by("pk")


def write_raw(project, path, columns):
    """Every prompt as a teacher input; returns the number of rows."""
    rows = Asked(project, Prompt.objects.filter(project=project).order_by("pk"))
    return write(path, rows, partial(_input, columns=columns), columns)


def write_collected(project, path, columns):
    """Every current answer beside its input; returns the number of rows."""
    return write(path, Asked(project, answered(project)), lambda prompt: _row(prompt, columns), columns)


def write_regenerated(project, path, columns):
    """The current answers that are second or later attempts; returns the number of rows."""
    prompts = answered(project).filter(current_response__attempt__gt=1)
    return write(path, Asked(project, prompts), lambda prompt: _row(prompt, columns) | _regenerated(prompt), columns)


def _regenerated(prompt):
    event = prompt.events.filter(to_state="to_regenerate").order_by("-at", "-pk").first()
    action = event.detail.get("action") if event else None
    return {"regenerated": True, "annotation_action": action or "regenerate"}


def write_filtered(project, path, columns):
    """Current answers that pass every rule to `path`, the others beside it as rejected_…; returns both numbers."""
    path = Path(path)
    beside = path.with_name(f"rejected_{path.name}")
    return tuple(
        write_measured(project, target, columns, passing=passing) for target, passing in ((path, True), (beside, False))
    )


def write_measured(project, path, columns, *, passing):
    """Current answers that pass every rule, or those that fail one; returns how many."""
    results = FilterResult.objects.filter(ruleset=project.filter_ruleset, response__current_for__project=project)
    failed = dict(results.values_list("response_id", "failed"))
    measured = answered(project).filter(current_response__filter_results__ruleset=project.filter_ruleset)

    def row(prompt):
        rules = failed.get(prompt.current_response_id)
        if rules is None or bool(rules) is passing:
            return None
        return _row(prompt, columns) | legacy_columns(rules) | {"failed_rules": rules}

    return write(path, Asked(project, measured), row, columns)


def write_gated(project, path, columns, *, passing):
    """Current answers that SampleGate passed, or those it did not with `rejection_reason`; returns how many."""
    results = GateResult.objects.filter(ruleset=project.gate_ruleset, response__current_for__project=project)
    verdicts = {row.response_id: row for row in results.order_by("pk")}
    scores = {pk: {each["rule"]: each["value"] for each in row.measurements} for pk, row in verdicts.items()}
    judged = answered(project).filter(current_response__gate_results__ruleset=project.gate_ruleset)

    def row(prompt):
        verdict = verdicts.get(prompt.current_response_id)
        if verdict is None or verdict.passed is not passing:
            return None
        found = _row(prompt, columns) | scores.get(prompt.current_response_id, {})
        return found if passing else found | {"rejection_reason": ", ".join(verdict.reasons)}

    return write(path, Asked(project, judged), row, columns)


def write_labels(project, path, columns):
    """Every decision, replaced ones too, as the review page of the scripts wrote it; returns the number of rows.

    `index` is left out: it was a position, which names a row of one file on one day.
    """
    found = Annotation.objects.filter(response__prompt__project=project, purpose=Annotation.Purpose.REVIEW)
    found = found.select_related("response__prompt", "reviewer").order_by("pk")
    return write(path, found, _label, columns)


def _label(annotation):
    prompt = annotation.response.prompt
    return {
        "task_type": prompt.task_type,
        "context": prompt.context or None,
        "teacher_output": annotation.response.text,
        "action": annotation.action,
        "timestamp": annotation.created_at.astimezone(UTC).replace(tzinfo=None).isoformat(),
        "reviewer": annotation.reviewer.get_username(),
        "reasons": annotation.reasons,
        "comment": annotation.comment or None,
        "edited_text": annotation.edited_text,
        "current": annotation.current,
        "prompt_key": prompt.key,
    }


def write_sft(project, path, columns):
    """What is accepted at this moment as input, output and meta; returns the number of rows. A release has splits."""
    accepted = answered(project).filter(state=State.ACCEPTED)
    texts = TeacherResponse.objects.filter(current_for__in=accepted).with_authoritative_text()
    texts = dict(texts.values_list("pk", "authoritative"))
    return write(path, accepted, lambda prompt: _training(prompt, texts[prompt.current_response_id]), columns)


def _training(prompt, text):
    response = prompt.current_response
    meta = {"task_type": prompt.task_type, "domain": prompt.domain, "model_id": response.model_id}
    meta |= {"regenerated": response.attempt > 1, "edited": text != response.text, "prompt_key": prompt.key}
    return {"input": response.sent_user, "output": text, "meta": meta}


# What `snapshot` writes, by the scripts' names of their files.
STAGES = {
    "raw": write_raw,
    "collected": write_collected,
    "filtered": partial(write_measured, passing=True),
    "rejected": partial(write_measured, passing=False),
    "gated": partial(write_gated, passing=True),
    "gate_rejected": partial(write_gated, passing=False),
    "regenerated": write_regenerated,
    "labels": write_labels,
    "sft": write_sft,
}


def _input(prompt, columns):
    message, made_of = prompt.asked
    return {
        **prompt.metadata,
        "prompt_key": prompt.key,
        columns["prompt"]: message,
        COLUMN: made_of,
        columns["context"]: prompt.context or None,
        columns["task_type"]: prompt.task_type,
        "domain": prompt.domain or None,
        "system_prompt": prompt.system_prompt or None,
    }


def _row(prompt, columns):
    response = prompt.current_response
    return _input(prompt, columns) | {
        columns["output"]: response.text,
        "model_id": response.model_id,
        "latency_ms": response.latency_ms,
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "total_tokens": response.total_tokens,
        "finish_reason": response.finish_reason,
        "attempt": response.attempt,
        "state": prompt.state,
    }


def write_report(project, path):
    """The filter step's numbers as JSON: total, passed, pass rate, tokens, and how often each rule failed."""
    results = FilterResult.objects.filter(ruleset=project.filter_ruleset, response__current_for__project=project)
    frame = pd.DataFrame(
        list(results.values_list("passed", "failed", "response__completion_tokens")),
        columns=["passed", "failed", "tokens"],
    )
    tokens = pd.to_numeric(frame["tokens"]).mean()
    report = {
        "total": len(frame),
        "passed": int(frame["passed"].sum()),
        "pass_rate": round(float(frame["passed"].mean()), 4) if len(frame) else None,
        "avg_completion_tokens": None if pd.isna(tokens) else round(float(tokens), 1),
        "failed_rules": {rule: int(n) for rule, n in frame["failed"].explode().dropna().value_counts().items()},
        "ruleset": {"version": project.filter_ruleset.version, "sha256": project.filter_ruleset.sha256},
    }
    with replacing(path) as part:
        part.write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return report


def gate_report(project):
    """SampleGate's verdicts as a Markdown table: each outcome and reason with its number and share."""
    results = GateResult.objects.filter(ruleset=project.gate_ruleset, response__current_for__project=project)
    frame = pd.DataFrame(list(results.values_list("passed", "reasons")), columns=["passed", "reasons"])
    rows = [("judged", len(frame)), ("passed", int(frame["passed"].sum()))]
    rows += sorted(frame["reasons"].explode().dropna().value_counts().items(), key=lambda item: (-item[1], item[0]))
    lines = ["| SampleGate | responses | share |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {number:,} | {number / max(1, len(frame)):.1%} |" for name, number in rows]
    return "\n".join(lines) + "\n"
