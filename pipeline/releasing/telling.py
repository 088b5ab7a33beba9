"""A recipe in words, for pages."""

from pipeline import formats

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
    report, counts = release.report, release.counts
    if "shared_groups" not in report:
        return []
    files = sum(entry["path"].endswith((".parquet", ".jsonl")) for entry in release.files)
    said = [
        f"{files:,} data files read back: UTF-8 without a byte order mark, as many rows as the manifest says.",
        "No empty text, no text of a missing value or of a dry run, no NUL character, no NaN.",
    ]
    if counts.get("formats"):
        configs = sum(len(of_splits) for of_splits in counts["formats"].values())
        said.append(f"datasets.load_dataset read {configs:,} configuration and split pairs, without network.")
    if "readers" in report:
        said.append(f"The schemas that are asked for by {', '.join(report['readers'])}.")
    return said
