"""A directory as the earlier scripts left it, with all their shapes of files and all their faults, made by hand.

Ten prompts went through: what became of each stands beside it in `STORY`. Numbers in the tests are counted from here.
"""

import json
import os

import yaml

from tests.import_files import content, write

STORY = {
    0: "accepted, shipped as it is",
    1: "good; lost, since the repair of 2 took its place by position",
    2: "rejected, asked again, both shipped",
    3: "refused first, accepted later, repaired all the same; the repair is kept beside",
    4: "a refusal that passed the filters and was shipped",
    5: "a method of five lines, shipped as one",
    6: "cites literature, sent to be made again; the repair was sent back too, and the second repair accepted",
    7: "a dry-run row; asked again, a dry run once more, and shipped so",
    8: "failed the filters",
    9: "the prompt holds {context}; the answer is an error message",
    10: "the prompt column is empty: the teacher was asked “nan”",
}
METHOD = "\n".join(
    [
        "1. Prepare twelve yeast cultures in YPD medium at 30 °C.",
        "2. Add 5 mM lactate to six of them; six without lactate are the control.",
        "3. Incubate for 24 h and measure the optical density every hour.",
        "4. Compare the growth rates of both groups by a t test.",
        "5. Wear gloves, work at BSL-1 and autoclave the waste.",
    ]
)
REFUSAL = "I'm sorry, but I cannot help with this request."
DRY_RUN = "[DRY RUN] placeholder for the prompt"
ERROR = "Error: the request timed out"


def hypothesis(number, attempt=1):
    """An answer that nothing is wrong with."""
    return (
        f"If sample {number} is heated by {10 * attempt} K for two hours, then its conductivity will increase by at "
        f"least {5 + number} % compared with the untreated control, measured by impedance spectroscopy."
    )


ANSWERS = {
    **{number: hypothesis(number) for number in (0, 1, 2, 3, 8, 10)},
    4: REFUSAL,
    5: METHOD,
    6: hypothesis(6) + " This agrees with the literature (Smith et al., 2019).",
    7: DRY_RUN,
    9: ERROR,
}


def prompt(number):
    """What the prompt column of a row holds."""
    return {9: "Write about {context}.", 10: None}.get(number, f"Write a falsifiable hypothesis about sample {number}.")


def inputs(number):
    """A row of teacher inputs."""
    return {
        "domain": ["biology", "physics", "materials"][number % 3],
        "template_name": "methodology" if number == 5 else "hypothesis",
        "user_prompt": prompt(number),
        "context": f"Sample {number} was heated to {300 + number} K in air." if number in (0, 9, 10) else None,
        "template_prompt": "Read {context} and answer.",
        "source_file": "raw.json",
        "generated_at": 1_700_000_000.5,
    }


def outputs(number, text=None, **more):
    """A row of teacher outputs."""
    used = {"model_id": "gpt-4o-mini", "latency_ms": 812.0, "prompt_tokens": 211, "completion_tokens": 50}
    return inputs(number) | {"teacher_output": text or ANSWERS[number]} | used | {"total_tokens": 261} | more


def passed(number, ok=True):
    """A row of the filtered dataset, or of what failed."""
    flags = dict.fromkeys(("length_char_ok", "length_token_ok", "action_verb_ok", "no_citations"), ok)
    return outputs(number) | flags | {"passes_all": ok, "quality_pass": ok}


def repaired(number, text, action="regenerate"):
    """A row of the regenerated dataset."""
    return outputs(number, text) | {"model_id": "o3-mini", "annotation_action": action, "regenerated": True}


def label(number, action, at, index, text=None):
    """A line of the review page's labels."""
    quoted = " ".join((text or ANSWERS[number]).split())
    row = inputs(number)
    said = {"index": index, "task_type": row["template_name"], "context": row["context"] or float("nan")}
    return said | {"teacher_output": quoted, "action": action, "timestamp": at}


FILTERED = [0, 1, 2, 3, 4, 5, 6]
LABELS = {
    "labels_20251101_090000.jsonl": [
        label(0, "accept", "2025-11-01T08:00:00", 0),
        label(2, "reject", "2025-11-01T08:01:00", 2),
        label(3, "regenerate", "2025-11-01T08:02:00", 3),
        label(6, "regenerate", "2025-11-01T08:03:00", 5),  # index 5 is the method
    ],
    "labels_20251102_090000.jsonl": [
        label(0, "accept", "2025-11-01T08:00:00", 0),  # each saving wrote the whole session again
        label(3, "accept", "2025-11-02T08:00:00", 3),
        label(6, "regenerate", "2025-11-03T08:00:00", 0, hypothesis(6, 2)),
        label(6, "accept", "2025-11-04T08:00:00", 0, hypothesis(6, 3)),
        label(1, "accept", "2025-11-02T08:05:00", 1, "An answer that nobody ever gave."),
    ],
}


def sft(number, text=None, source_index=None, **meta):
    """A line of the training file as the code wrote it: flattened."""
    told = {"task_type": inputs(number)["template_name"], "model_id": "gpt-4o-mini", "regenerated": text is not None}
    asked = prompt(number) or f"[TASK: HYPOTHESIS]\n{inputs(number)['context']}"
    flat = " ".join((text or ANSWERS[number]).split())
    return {"input": asked, "output": flat, "meta": told | {"source_index": source_index} | meta}


TRAINING = [
    sft(0, source_index=0, quality="human_accept"),
    sft(2, source_index=2),  # people rejected it
    sft(2, hypothesis(2, 2), source_index=1),  # its repair, in the place of 1
    sft(4, source_index=4),
    sft(5, source_index=5),
    sft(6, hypothesis(6, 2), source_index=6, quality="human_accept"),  # sent back, and called accepted
    sft(7, DRY_RUN, source_index=7),
    {"input": "Write about {context}.", "output": float("nan"), "meta": {"source_index": None}},
    sft(3, source_index=3),
    sft(3, source_index=3),
    {"input": prompt(1), "output": "Words that no teacher said [1].", "meta": {}},
]
CONFIG = {
    "defaults": {"prompt_column": "user_prompt", "context_column": "context", "task_type_column": "template_name"},
    "collection": {"teacher_model": "gpt-4o-mini", "batch_size": 8, "regen_teacher_model": "o3-mini"},
    "storage": {
        "raw_dataset": "data/teacher_inputs/teacher_inputs_v1.parquet",
        "collected_dataset": "data/teacher_outputs/teacher_outputs_v1.parquet",
        "filtered_dataset": "data/filtered/teacher_filtered_v1.parquet",
        "regen_dataset": "data/filtered/teacher_regenerated_v1.parquet",
        "sft_jsonl": "data/training/sft_v1.jsonl",
        "sft_parquet": "data/training/sft_v1.parquet",
    },
}


def make(root):
    """Write the whole directory; returns the path of its configuration."""
    files = {
        "data/teacher_inputs/teacher_inputs_v1.parquet": [inputs(number) for number in [*range(11), 1]],
        "data/teacher_outputs/teacher_outputs_v1.parquet": [
            *(outputs(number) for number in range(11)),
            outputs(1, " "),
            outputs(2, "nan"),
        ],
        "data/filtered/teacher_filtered_v1.parquet": [passed(number) for number in FILTERED],
        "data/filtered/rejected_teacher_filtered_v1.parquet": [passed(8, ok=False)],
        "data/filtered/teacher_regenerated_v1.parquet": [
            repaired(2, hypothesis(2, 2), "reject"),
            repaired(3, hypothesis(3, 2)),
            repaired(6, hypothesis(6, 2)),
            repaired(6, hypothesis(6, 3)),
            repaired(7, DRY_RUN),
            repaired(1, hypothesis(1, 2)),  # by position: nobody had asked for it
        ],
        "data/training/sft_v1.jsonl": TRAINING,
    }
    for name, rows in files.items():
        _write(root, name, rows)
    texts = [row["output"] if isinstance(row["output"], str) else None for row in TRAINING]
    twin = [row | {"output": text, "meta": json.dumps(row["meta"])} for row, text in zip(TRAINING, texts, strict=True)]
    _write(root, "data/training/sft_v1.parquet", twin)
    for name, rows in LABELS.items():
        _write(root, f"data/labels/{name}", rows)
    return write(_folder(root, "configs/x"), "distill_config.yaml", yaml.safe_dump(CONFIG))


def _folder(root, name):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    return (root / name).parent


def _write(root, name, rows):
    return write(_folder(root, name), os.path.basename(name), content(rows, f".{name.rsplit('.', 1)[1]}"))
