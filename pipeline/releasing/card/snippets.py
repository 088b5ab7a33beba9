"""How to train on a release: lines for TRL, axolotl and LLaMA-Factory, for the formats that it has."""

import yaml

from pipeline.releasing import readers

from .head import config_name

SFT = """from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

# {about}
data = load_dataset("PATH_OF_THIS_FOLDER", "{config}")
args = SFTConfig(output_dir="out", max_length={length}{more})
trainer = SFTTrainer(model="YOUR_MODEL", args=args, train_dataset=data["train"]{evaluated})
trainer.train()"""
OTHER = """from datasets import load_dataset
from trl import {name}Config, {name}Trainer

data = load_dataset("PATH_OF_THIS_FOLDER", "{config}")
args = {name}Config(output_dir="out", max_length={length})
trainer = {name}Trainer(model="YOUR_MODEL", args=args, train_dataset=data["train"]{evaluated})
trainer.train()"""
LENGTH = 4096
ALL = "Learns from the whole conversation; assistant_only_loss=True asks for a chat template that marks answers."
ANSWERS = "Learns from the answer alone."
PREFERRED = ("prompt_completion", "messages")  # for TRL; the first that a release has is shown
AXOLOTL = ("messages", "pairs", "sharegpt", "alpaca", "preference")


def snippets(name, files):
    """Lines of Markdown for a release called `name`; `files` are {format: {split: …}}."""
    trained = {kind: splits for kind, splits in files.items() if "train" in splits}
    return ["## Training on it", *_trl(trained), *_axolotl(trained), *_llama_factory(name, trained)] if trained else []


def _trl(files):
    lines = []
    for kind in [next((kind for kind in PREFERRED if kind in files), None), "preference", "kto"]:
        if kind in files:
            lines += ["", f"TRL, `{config_name(kind)}`:", "", "```python", trl_code(kind, files[kind]), "```"]
    return lines


def trl_code(kind, splits):
    """Python that trains on a format with TRL."""
    evaluated = ', eval_dataset=data["validation"]' if "validation" in splits else ""
    values = {"config": config_name(kind), "length": LENGTH, "evaluated": evaluated}
    trainer = readers.TRL[kind].removesuffix("Trainer")
    if trainer == "SFT":
        alone = kind == "prompt_completion"
        return SFT.format(about=ANSWERS if alone else ALL, more="", **values)
    return OTHER.format(name=trainer, **values)


def _axolotl(files):
    """One entry for each format that axolotl reads; a configuration takes those of one kind of training."""
    shown = [kind for kind in AXOLOTL if kind in files]
    if not shown:
        return []
    lines = ["", "axolotl, one of these under `datasets` (preference with `rl: dpo`):", "", "```yaml", "datasets:"]
    for kind in shown:
        path = f"PATH_OF_THIS_FOLDER/{readers.lines_path(kind, 'train', 'axolotl')}"
        entry = yaml.safe_dump([{"path": path, "ds_type": "json"} | axolotl_entry(kind)], sort_keys=False, width=120)
        lines += [f"  {line}" for line in entry.splitlines()]
    return [*lines, "```"]


def axolotl_entry(kind):
    """A copy of what `datasets` of axolotl needs for a format, but for its path; YAML shall not point from one to
    another."""
    return {key: dict(value) if isinstance(value, dict) else value for key, value in readers.AXOLOTL[kind].items()}


def _llama_factory(name, files):
    shown = [kind for kind in files if kind in readers.LLAMA_FACTORY]
    if not shown:
        return []
    names = ", ".join(f"`{name}_{kind}`" for kind in shown)
    return ["", f"LLaMA-Factory, with `dataset_dir: PATH_OF_THIS_FOLDER` (see `dataset_info.json`): {names}."]
