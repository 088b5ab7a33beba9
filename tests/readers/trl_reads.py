"""TRL's own preparation of every config of a release, without training: `python -m tests.readers.trl_reads DIR`.

Needs requirements-readers.txt and no Django, no network, no GPU: the model is tiny and random, the tokenizer is made of
the release's own words. What a trainer prepared is read back as text and held against the rows.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "USE_TF": "0"}

import datasets  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402

SPECIAL = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LENGTH = 4096
END = "<|im_end|>"
NOT_LEARNED = -100


def tokenizer_of(texts):
    """A byte-level tokenizer of these texts: whatever it is given comes back letter for letter."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1000, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token=SPECIAL[0], eos_token=END, chat_template=TEMPLATE
    )


def model_of(tokenizer, folder):
    """The smallest model that a trainer takes, read from a folder: trainers make their copies from there."""
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = transformers.LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=LENGTH, **sizes)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return transformers.AutoModelForCausalLM.from_pretrained(folder)


class Reading:
    """One release, read by one trainer after the other."""

    def __init__(self, folder, scratch):
        self.folder, self.scratch = folder, scratch
        self.tokenizer = tokenizer_of(
            [row["content"] for part in self.load("default").values() for row in _turns(part)]
        )
        self.problems = []

    def load(self, config):
        return datasets.load_dataset(str(self.folder), config, cache_dir=str(self.scratch / "cache"))

    def trainer(self, kind, data, **options):
        """A trainer of TRL over a release's config; it prepares the data as it is made."""
        config, made = getattr(trl, f"{kind}Config"), getattr(trl, f"{kind}Trainer")
        args = config(
            output_dir=str(self.scratch / "out"),
            max_length=LENGTH,
            use_cpu=True,
            bf16=False,
            report_to="none",
            per_device_train_batch_size=4,
            **options,
        )
        return made(
            model=model_of(self.tokenizer, str(self.scratch / "model")),
            args=args,
            train_dataset=data["train"],
            eval_dataset=data.get("validation"),
            processing_class=self.tokenizer,
        )

    def text(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def told(self, config, what, prepared, wrong, rows):
        """Print a line of the report."""
        said = "ok" if not wrong and prepared == rows else f"WRONG: {prepared} of {rows} rows; {wrong[:3]}"
        print(f"{config:18} {what:46} {rows:5} rows  {said}")
        if said != "ok":
            self.problems.append(f"{config}: {said}")

    # -- what each format must become ---------------------------------------------------------------------------------

    def messages(self, config):
        """Every answer of a conversation is learned, with assistant_only_loss; all tokens are without."""
        data = self.load(config)
        trainer = self.trainer("SFT", data, assistant_only_loss=True)
        wrong = [
            row["id"]
            for row, made in zip(data["train"], trainer.train_dataset, strict=True)
            if self._learned(made["labels"]) != _answers(row["messages"])
        ]
        self.told(
            config, "SFT, assistant_only_loss: answers learned", len(trainer.train_dataset), wrong, len(data["train"])
        )
        self._batch(config, trainer)
        trainer = self.trainer("SFT", data)
        wrong = [
            row["id"]
            for row, made in zip(data["train"], trainer.train_dataset, strict=True)
            if any(turn["content"] not in self.text(made["input_ids"]) for turn in row["messages"])
        ]
        self.told(config, "SFT: whole conversations", len(trainer.train_dataset), wrong, len(data["train"]))

    def prompt_completion(self, config):
        """The answer alone is learned, without a setting."""
        data = self.load(config)
        trainer = self.trainer("SFT", data)
        wrong = [
            row["id"]
            for row, made in zip(data["train"], trainer.train_dataset, strict=True)
            if self._learned(made["labels"]).removesuffix("\n") != _answers(row["completion"])
        ]
        self.told(config, "SFT: answers alone learned", len(trainer.train_dataset), wrong, len(data["train"]))
        self._batch(config, trainer)

    def sharegpt(self, config):
        """TRL turns ShareGPT into messages by itself."""
        data = self.load(config)
        trainer = self.trainer("SFT", data)
        wrong = [
            row["id"]
            for row, made in zip(data["train"], trainer.train_dataset, strict=True)
            if any(turn["value"] not in self.text(made["input_ids"]) for turn in row["conversations"])
        ]
        self.told(config, "SFT: turned into messages by TRL", len(trainer.train_dataset), wrong, len(data["train"]))

    def preference(self, config):
        """Prompt, better and worse answer come apart where they should."""
        data = self.load(config)
        trainer = self.trainer("DPO", data)
        wrong = [
            row["id"]
            for row, made in zip(data["train"], trainer.train_dataset, strict=True)
            if row["prompt"][-1]["content"] not in self.text(made["prompt_ids"])
            or self._answer(made["chosen_ids"]) != row["chosen"][0]["content"]
            or self._answer(made["rejected_ids"]) != row["rejected"][0]["content"]
        ]
        self.told(config, "DPO: prompt, chosen, rejected", len(trainer.train_dataset), wrong, len(data["train"]))
        self._batch(config, trainer)

    def kto(self, config):
        """Answers keep their labels."""
        data = self.load(config)
        trainer = self.trainer("KTO", data)
        prepared = trainer.train_dataset
        wrong = [
            row["id"]
            for row, made in zip(data["train"], prepared, strict=True)
            if row["completion"][0]["content"] not in self.text(made["completion_ids"]) or made["label"] != row["label"]
        ]
        self.told(config, "KTO: answers and labels", len(prepared), wrong, len(data["train"]))

    def jsonl(self, config):
        """The strict JSON Lines file is prepared to the same tokens as the Parquet files."""
        path = self.folder / "jsonl" / "messages" / "train.jsonl"
        cache = str(self.scratch / "cache")
        lines = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=cache)
        one, other = (
            self.trainer("SFT", {"train": rows}).train_dataset for rows in (lines, self.load("default")["train"])
        )
        wrong = [
            n for n, pair in enumerate(zip(one["input_ids"], other["input_ids"], strict=True)) if pair[0] != pair[1]
        ]
        self.told(config, "SFT: same tokens from jsonl/messages", len(one), wrong, len(other))

    # -- how a prepared row is read back ------------------------------------------------------------------------------

    def _learned(self, labels):
        return self.text([token for token in labels if token != NOT_LEARNED])

    def _answer(self, ids):
        return self.text(ids).removesuffix("\n").removesuffix(END)

    def _batch(self, config, trainer):
        """The first batch as the model would get it: some of its tokens are learned, none is unknown."""
        batch = next(iter(trainer.get_train_dataloader()))
        masks = [batch[name] for name in ("labels", "completion_mask") if name in batch]
        if not masks or not bool(torch.any(masks[0] > 0)):
            self.problems.append(f"{config}: nothing is learned of the first batch ({', '.join(batch)})")


def _turns(rows):
    return (turn for messages in rows["messages"] for turn in messages)


def _answers(messages):
    return "".join(turn["content"] + END for turn in messages if turn["role"] == "assistant")


READ = {
    "default": Reading.messages,
    "prompt_completion": Reading.prompt_completion,
    "pairs": Reading.messages,
    "sharegpt": Reading.sharegpt,
    "preference": Reading.preference,
    "kto": Reading.kto,
    "jsonl/messages": Reading.jsonl,
}


def main(folder):
    """Read every config; exits 1 where a row is not prepared as it should."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    packages = (("TRL", trl), ("transformers", transformers), ("torch", torch), ("datasets", datasets))
    print(", ".join(f"{name} {package.__version__}" for name, package in packages))
    with tempfile.TemporaryDirectory() as scratch:
        reading = Reading(Path(folder), Path(scratch))
        for config, read in READ.items():
            read(reading, config)
        for config in datasets.get_dataset_config_names(str(folder)):
            rows = {split: len(part) for split, part in reading.load(config).items()}
            print(f"{config:18} load_dataset: {', '.join(f'{split} {number}' for split, number in rows.items())}")
    for problem in reading.problems:
        print(problem, file=sys.stderr)
    print("Every row was prepared as it should be." if not reading.problems else "Some rows were not.")
    sys.exit(bool(reading.problems))


if __name__ == "__main__":
    main(sys.argv[1])
