"""A recipe in words, for pages."""

from pipeline import formats
from pipeline.splits import SPLITS

from .recipe import SHARD_BYTES


def recipe_words(recipe):
    """What a stored recipe asks for beyond the least, in one line: “accepted; optics, acoustics; score from 80”."""
    said = ["accepted and unreviewed" if recipe.get("include") == "filtered" else "accepted"]
    lists = {"task_types": "{}", "domains": "{}", "not_domains": "without {}"}
    said += [words.format(", ".join(recipe[key])) for key, words in lists.items() if recipe.get(key)]
    numbers = {
        "min_score": "score from {:g}",
        "min_agreement": "agreement from {:.0%}",
        "cap_per_domain": "at most {:,} of a domain",
    }
    said += [words.format(recipe[key]) for key, words in numbers.items() if recipe.get(key) is not None]
    said += [f"at most {most:,} of {domain}" for domain, most in (recipe.get("domain_caps") or {}).items()]
    flags = {"include_leaks": "with what leaks", "system": "with system messages"}
    said += [words for key, words in flags.items() if recipe.get(key)]
    if recipe.get("shard_bytes") not in (None, SHARD_BYTES):
        said.append(f"files of about {recipe['shard_bytes'] // 1_000_000:,} MB")
    return "; ".join(said)


def format_labels(recipe):
    """What the formats of a stored recipe are called."""
    known = formats.FORMATS
    return [known[name].label if name in known else name for name in recipe.get("formats") or ()]


def checks_in_words(release):
    """What was looked at in the files of a release, in sentences; [] for one that was made before they were."""
    loaded = release.report.get("loaded")
    if not loaded:
        return []
    files = sum(entry["path"].endswith((".parquet", ".jsonl")) for entry in release.files)
    configs = len({each["config"] for each in loaded})
    return [
        f"{files:,} data files were read back: UTF-8 without a byte order mark, as many rows as the manifest says.",
        "No empty text, no text of a missing value or of a dry run, no NUL character, no NaN.",
        f"datasets.load_dataset read {configs:,} configurations with {len(loaded):,} splits, without network.",
        "They are as OpenAI, TRL, axolotl and LLaMA-Factory ask for in their documentation.",
    ]


def rows_by_split(release):
    """{split: rows} in the order of splits: PostgreSQL keeps the keys of JSON in an order of its own."""
    return dict(_in_order(release.counts.get("splits"), SPLITS))


def rows_of_formats(release):
    """{format: {split: rows}} of a release that counted them, in the order of formats."""
    return dict(_in_order(release.counts.get("formats"), formats.FORMATS))


def rows_by_format(release):
    """[(what the format is called, {split: rows})] of a release that counted them, without rows also."""
    known, counted = formats.FORMATS, rows_of_formats(release)
    asked = dict.fromkeys(release.recipe.get("formats", ()), {}) if counted else {}
    rows = _in_order(asked | counted, known)
    return [(known[name].label if name in known else name, each) for name, each in rows]


def _in_order(counted, order):
    places = {name: number for number, name in enumerate(order)}
    return sorted((counted or {}).items(), key=lambda each: (places.get(each[0], len(places)), each[0]))
