"""A directory as the earlier batch script left it: CSV inputs, batches with judges, a gate, messages and text files."""

import json

import yaml

from tests.import_files import content, write

CONFIG = {
    "project": "batches",
    "generation": {"teacher_model": "openai/gpt-4o-mini", "temperature": 0.3, "max_tokens": 900},
    "judging": {"judge_f_model": "gpt-4o-mini", "judge_r_model": "gpt-4o-mini"},
    "defaults": {"task_type_column": "task_type"},
    "data": {
        "prompt_column": "prompt_text",
        "context_column": "context",
        "source_dataset": "data/inputs.csv",
        "output_dir": "data/generated",
        "manifest_path": "data/generated/generation_manifest.jsonl",
    },
    "tracking": {"cost_per_1k_input": 0.15, "cost_per_1k_output": 0.6},
}
FINE = {"score": 90, "rationale": "Plausible.", "flags": [], "requires_human_review": False}
FLAGGED = FINE | {"flags": ["safety_hazard"], "requires_human_review": True}
JUDGED = {  # what the two judges replied, as JSON text
    0: (json.dumps(FINE), json.dumps(FINE)),
    1: (None, json.dumps(FINE)),
    2: ("I would say ninety.", json.dumps(FINE | {"score": 55})),
    3: (json.dumps(FINE), json.dumps(FLAGGED)),
    4: (json.dumps(FINE), json.dumps(FINE)),
}


def inputs(number):
    """A row with the columns of the code."""
    return {
        "id": f"sample_{number:06d}",
        "prompt_text": f"Explain what sample {number} shows.",
        "context": f"Sample {number} melted at {300 + number} K.",
        "task_type": "explanation",
    }


def answer(number):
    """What the teacher said."""
    return f"Sample {number} melts at {300 + number} K, hence its lattice is weak, and it conducts badly above."


def generated(number):
    """A row of a batch."""
    factual, reasoned = JUDGED[number]
    said = {"teacher_output": answer(number), "generation_model": "gpt-4o-mini", "generation_timestamp": "2025-11-01"}
    return inputs(number) | said | {"judge_f_response": factual, "judge_r_response": reasoned}


def gated(number, reason=None):
    """A row of what the gate accepted, or with a reason of what it did not."""
    row = inputs(number) | {"teacher_output": answer(number), "judge_f": FINE, "judge_r": FINE}
    row["judge_r"] = json.loads(JUDGED[number][1])
    return row | ({"rejection_reason": reason} if reason else {})


def messages(number):
    """A training row in chat format, as the guide promises it."""
    asked = f"Context: {inputs(number)['context']}\n\nQuestion: {inputs(number)['prompt_text']}"
    return {
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer(number)}],
        "meta": {"domain": "PHY", "quality": "human_accept"},
    }


def text(number):
    """A training row as the deployment guide writes it."""
    return {"text": f"### Question:\n{inputs(number)['prompt_text']}\n\n### Answer:\n{answer(number)}"}


FILES = {
    "data/inputs.csv": [inputs(number) for number in range(5)],
    "data/generated/generated_batch_0000.parquet": [generated(number) for number in (0, 1, 2)],
    "data/generated/generated_batch_0001.parquet": [generated(number) for number in (3, 4)],
    "data/generated/generation_manifest.jsonl": [
        {"batch_id": 0, "samples_processed": 3, "cost_usd": 0.01},
        {"batch_id": "batch_0001", "samples_processed": 5, "cost_usd": 0.01},
        {"batch_id": 2, "samples_processed": 3, "cost_usd": 0.01},
    ],
    "data/gate/accepted.parquet": [gated(0), gated(3)],
    "data/gate/rejections.parquet": [gated(2, "judge_r_low_score_55.0")],
    "data/labels/accepted.jsonl": [{"task_type": "explanation", "teacher_output": answer(0)}],
    "data/labels/rejected.jsonl": [
        {"task_type": "explanation", "context": inputs(4)["context"], "teacher_output": answer(4)},
        {"task_type": "explanation", "teacher_output": "Nobody said so."},
        {"task_type": "explanation", "context": "x"},
    ],
    "data/sft/train.jsonl": [messages(0), messages(1)],
    "data/sft/val.jsonl": [messages(1), messages(4)],
    "data/sft/deployment.jsonl": [text(3), {"text": "Neither question nor answer."}],
}


def make(root):
    """Write the directory; returns the path of the batch configuration."""
    for name, rows in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write(root, name, content(rows, f".{name.rsplit('.', 1)[1]}"))
    (root / "data/notes.csv").write_text("colour,size\nred,1\n")
    (root / "configs").mkdir()
    return write(root / "configs", "teacher_gen_v1.yaml", yaml.safe_dump(CONFIG))
