"""Near-duplicates of 200,000 answers of 150 words, then of 1,000 more: `make bench-dedup`.

A fifth of the answers are planted: changed copies of others. On PostgreSQL:
`python -m tests.with_postgres python -m tests.bench.bench_dedup`.
"""

import argparse
import os
import random
import resource
import time

from tests.bench.installation import installation

WORDS = 150
COPIES = 5  # every fifth answer is a changed copy of one before it
PERCENT = 80
PORTION = 5000


def main():
    """Make the rows, look at them, add some, look again; print what each step took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=200_000)
    parser.add_argument("--more", type=int, default=1_000, help="added afterwards (default 1,000)")
    options = parser.parse_args()
    with installation():
        measure(options.answers, options.more)


def measure(answers, more):
    """The table of steps, the recall of what was planted, and the memory."""
    from tests import factories

    project = factories.project(paired=False, near_duplicate_percent=PERCENT)
    draw, planted = random.Random(4), []
    make(project, draw, answers, planted)
    print(f"load {os.getloadavg()[0]:.1f}; {memory():,} MB before the first look", flush=True)
    steps(project, f"{answers:,} new answers")
    recall(project, planted)
    make(project, draw, more, planted)
    steps(project, f"{more:,} new answers beside {answers:,}")
    recall(project, planted)
    steps(project, "nothing new")
    print(f"  peak memory: {memory():,} MB", flush=True)


def memory():
    """The most that this process held so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def make(project, draw, number, planted):
    """Prompts past the gate with their answers; notes in `planted` (key of the copy, key of the original, share)."""
    from curation.models import Prompt, State, TeacherResponse
    from curation.models.writing import update_rows
    from tests import factories

    teacher, vocabulary = factories.some_teacher(), [f"{draw.getrandbits(28):x}" for _ in range(20_000)]
    originals = []
    for _ in range(0, number, PORTION):
        size = min(PORTION, number)
        number -= size
        texts = {}
        for _ in range(size):
            key = f"{draw.getrandbits(256):064x}"
            if originals and draw.randrange(COPIES) == 0:
                of, text = draw.choice(originals)
                text, share = changed(text, draw, draw.randrange(1, 7))
                planted.append((key, of, share))
            else:
                text = draw.choices(vocabulary, k=WORDS)
                if len(originals) < 50_000:
                    originals.append((key, text))
            texts[key] = " ".join(text)
        prompts = [
            Prompt(project=project, key=key, group_key=key, task_type="hypothesis", context=f"Source {key}.")
            for key in texts
        ]
        Prompt.objects.bulk_create(prompts, batch_size=500)
        made = [
            TeacherResponse(prompt=prompt, text=texts[prompt.key], teacher=teacher, sent_user="") for prompt in prompts
        ]
        TeacherResponse.objects.bulk_create(made, batch_size=500)
        for prompt, response in zip(prompts, made, strict=True):
            prompt.current_response_id = response.pk
        update_rows(prompts, ["current_response"])
        # The shortest way past the gate; only a benchmark may take it.
        Prompt.objects.filter(pk__in=[prompt.pk for prompt in prompts]).update(state=State.TO_REVIEW)


def changed(words, draw, times):
    """(words with so many of them replaced, the share of 5-grams that both have)."""
    copy = list(words)
    for place in draw.sample(range(len(copy)), times):
        copy[place] = f"x{draw.getrandbits(32):x}"
    one, other = ({tuple(each[k : k + 5]) for k in range(len(each) - 4)} for each in (words, copy))
    return copy, len(one & other) / len(one | other)


def steps(project, what):
    """Look at the project and print what each step of it took."""
    from pipeline.resemblance import clusters, fingerprints, leaks
    from pipeline.stages import deduplicate

    print(f"{what}:", flush=True)
    took, began = {}, time.perf_counter()
    watched = [
        (leaks, "check", "leaks"),
        (fingerprints, "missing", "what is new"),
        (fingerprints, "take", "signatures, read and stored"),
        (fingerprints, "_load", "signatures loaded"),
        (clusters, "links", "bands and pairs, texts compared among them"),
        (fingerprints, "_share", "texts compared"),
        (fingerprints, "_write", "clusters written"),
        (fingerprints, "put_in_order", "order"),
    ]
    former = [(module, name, getattr(module, name)) for module, name, _ in watched]
    for module, name, label in watched:
        setattr(module, name, timing(getattr(module, name), label, took))
    try:
        done = deduplicate.bring_up_to_date(project)
    finally:
        for module, name, original in former:
            setattr(module, name, original)
    seconds = time.perf_counter() - began
    for label, spent in took.items():
        print(f"  {label}: {spent:.1f} s", flush=True)
    read = sum(number for kind, number in done.items() if kind != "leaks")
    signing = took.get("signatures, read and stored", 0)
    rate = f", {read / signing:,.0f} texts a second" if read else ""
    print(f"  all of it: {seconds:.1f} s; {read:,} texts read{rate}; {memory():,} MB", flush=True)


def timing(work, label, took):
    """`work`, with its seconds added to `took[label]`; a generator's while it works."""

    def watched(*args, **options):
        began = time.perf_counter()
        found = work(*args, **options)
        took[label] = took.get(label, 0) + time.perf_counter() - began
        return drained(found) if hasattr(found, "__next__") else found

    def drained(found):
        while True:
            began = time.perf_counter()
            each = next(found, None)
            took[label] += time.perf_counter() - began
            if each is None:
                return
            yield each

    return watched


def recall(project, planted):
    """How many of the planted copies are in the cluster of their original, by what they share."""
    from curation.models import Fingerprint

    rows = Fingerprint.objects.filter(project=project, kind="response").values_list("prompt__key", "cluster")
    cluster = dict(rows.iterator())
    together = [(share, cluster[one] and cluster[one] == cluster[other]) for one, other, share in planted]
    for low, high in ((0.9, 1.01), (0.85, 0.9), (0.8, 0.85), (0.75, 0.8), (0.0, 0.75)):
        these = [bool(found) for share, found in together if low <= share < high]
        if these:
            share = f"{sum(these):,} of {len(these):,} ({sum(these) / len(these):.1%})"
            print(f"  planted, sharing {low:.0%} to {min(high, 1):.0%}: {share} in one cluster", flush=True)
    alone = set(cluster) - {key for pair in planted for key in pair[:2]}
    joined = sum(cluster[key] is not None for key in alone)
    print(f"  others: {joined:,} of {len(alone):,} in a cluster", flush=True)


if __name__ == "__main__":
    main()
