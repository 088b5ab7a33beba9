"""Which candidates go into a release: nothing that leaks, nothing that ties two splits, one of each cluster.

Who stays is decided by what the rows are, never by a primary key or the order in which they came: the same content
gives the same release on every database.
"""

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import F, Q

from curation.models import Fingerprint, Release, Resolution, SplitAssignment
from curation.models.prompt import AT_ONCE
from pipeline.resemblance import leaks

from .rows import ids_of

# Why rows that were ready stayed out: names of the counts, and of `why` in left_out.jsonl.
LEFT_OUT = {
    "empty": "without a text",
    "below_score": "below the least score",
    "below_agreement": "below the least agreement",
    "leaks": "sharing words with an evaluation set",
    "split_conflicts": "tying two splits together",
    "near_duplicates": "near-duplicates of other rows",
    "over_cap": "over their domain's cap",
}
REASONS = ("", *LEFT_OUT)  # "": it goes in
PEOPLE = (Resolution.By.CONSENSUS, Resolution.By.ADJUDICATOR)
RESPONSE = Fingerprint.Kind.RESPONSE


class Picked:
    """Which of `rows` (Rows) go in, why the others stay out, and which groups belong together ({group: name of all}).

    `units` says by row which go in together: a unit goes in whole or not at all.
    """

    def __init__(self, rows, units):
        self.rows, self.units, self.tied = rows, units, {}
        self.why = np.zeros(len(rows), "i1")  # by row its place in REASONS

    @property
    def inside(self):
        """By row whether it goes in."""
        return self.why == 0

    def leave_out(self, why, wrong):
        """Take the units out that have a row of this mask."""
        self.leave_out_units(why, self.units[wrong & self.inside])

    def leave_out_units(self, why, those):
        """Take these units (an array) out."""
        self.why[np.isin(self.units, those) & self.inside] = REASONS.index(why)


def reasons(why):
    """{reason: rows} for every reason, also where it is none; `why` are places in REASONS, by row."""
    return {reason: int(np.count_nonzero(why == REASONS.index(reason))) for reason in LEFT_OUT}


def units_of(rows, pairs):
    """By row the unit it is released with: its prompt's id, but of a pair the hypothesis' for both."""
    units = rows.table["prompt_id"].copy()
    methods = rows.places_of(pairs["methodology"])
    units[methods[methods >= 0]] = pairs["hypothesis"][methods >= 0]
    return units


def pick(project, picked, prompts, recipe):
    """Leave out what leaks, what ties two splits, and all but one of each cluster. `prompts`: the rows', a queryset."""
    if not recipe.include_leaks:
        table = picked.rows.table
        leaking = np.isin(table["prompt_id"], ids_of(leaks.leaking(prompts), "pk"))
        picked.leave_out("leaks", leaking | np.isin(table["response_id"], _edited_into_leaks(project)))
    if project.near_duplicate_percent:
        marks = _Marks(project)
        picked.tied = marks.tied()
        picked.leave_out_units("split_conflicts", _that_tie_splits(project, picked, marks))
        picked.leave_out_units("near_duplicates", _not_the_first(project, picked, marks))


def _edited_into_leaks(project):
    """Ids of the responses whose text, as a person edited and accepted it, shares words with an evaluation set."""
    sets = [leaks.held_out_of(each) for each in project.evaluation_sets.select_related("project")]
    edited = Resolution.objects.filter(current=True, action="accept", edited=True, response__prompt__project=project)
    texts = edited.values_list("response", "text").iterator(AT_ONCE) if sets else ()
    return [response for response, text in texts if any(known.shared(text) for known in sets)]


class _Marks:
    """The clusters of a project's prompts: of their sources, and of their current responses."""

    def __init__(self, project):
        rows = Fingerprint.objects.filter(project=project, cluster__isnull=False)
        rows = rows.filter(Q(response=None) | Q(prompt__current_response=F("response")))
        self.of_prompt, self.groups, self.score = defaultdict(list), defaultdict(set), {}
        found = rows.values_list("kind", "cluster", "prompt", "prompt__group_key", "score")
        for kind, cluster, prompt, group, score in found.order_by().iterator(AT_ONCE):
            self.of_prompt[prompt].append((kind, cluster))
            self.groups[kind, cluster].add(group)
            if kind == RESPONSE:
                self.score[prompt] = score

    def of(self, row):
        """The clusters that a row is in."""
        return self.of_prompt.get(row.prompt_id, ())

    def tied(self):
        """{group: the least name among the groups that clusters tie to it}, of groups that are not alone."""
        parent = {}

        def root(name):
            while parent.setdefault(name, name) != name:
                parent[name] = parent[parent[name]]
                name = parent[name]
            return name

        for groups in self.groups.values():
            if len(groups) > 1:
                first, *others = sorted(groups)
                for other in others:
                    one, two = sorted((root(first), root(other)))
                    parent[two] = one
        return {group: root(group) for group in parent}


# -- splits ---------------------------------------------------------------------------------------------------------


def _that_tie_splits(project, picked, marks):
    """Units with a row that ties groups which were frozen in different splits before.

    What is new among such groups stays out; a group's own rows stay in where nothing near lies in another split, or
    where they were in a release already, since nothing moves.
    """
    assigned = SplitAssignment.objects.filter(project=project).values_list("group_key", "split")
    frozen = {group: split for group, split in assigned.iterator(AT_ONCE) if group in picked.tied}
    splits = defaultdict(set)
    for group, split in frozen.items():
        splits[picked.tied[group]].add(split)
    torn = [group for group, name in picked.tied.items() if len(splits[name]) > 1]
    in_torn = pc.is_in(picked.rows.groups, pa.array(torn, pa.string())).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(picked.inside & in_torn[picked.rows.table["group"]])
    rows = zip(picked.units[places].tolist(), picked.rows[places], strict=True)
    wrong = [(unit, row) for unit, row in rows if _splits_near(row, marks, frozen) != {frozen.get(row.group)}]
    known = released(project, {row.row_id for _, row in wrong if row.group in frozen})
    return [unit for unit, row in wrong if row.row_id not in known]


def _splits_near(row, marks, frozen):
    near = {row.group}.union(*(marks.groups[mark] for mark in marks.of(row)))
    return {frozen.get(row.group)} | {frozen[group] for group in near if group in frozen}


# -- one of each cluster --------------------------------------------------------------------------------------------


def _not_the_first(project, picked, marks):
    """Units that come behind another of one of their clusters: those that people accepted come first, then those that
    were in a release, then the others, each by score, then by row id."""
    of_unit, in_cluster = _clustered(picked, marks), defaultdict(set)
    for unit, rows in of_unit.items():
        for mark in {mark for row in rows for mark in marks.of(row) if mark[0] == RESPONSE}:
            in_cluster[mark].add(unit)
    crowded = {mark: those for mark, those in in_cluster.items() if len(those) > 1}
    rivals = {unit for those in crowded.values() for unit in those}
    compared = [row for unit in rivals for row in of_unit[unit]]
    people = _accepted_by_people(compared)
    known = released(project, {row.row_id for row in compared})

    def place(unit):
        own = of_unit[unit]
        return (
            not all(row.response_id in people for row in own),
            not all(row.row_id in known for row in own),
            any(row.status == "unreviewed" for row in own),
            -max((marks.score[row.prompt_id] for row in own if row.prompt_id in marks.score), default=-1),
            min(row.row_id for row in own),
        )

    taken, behind = set(), set()
    for unit in sorted(rivals, key=place):
        own = {mark for row in of_unit[unit] for mark in marks.of(row) if mark in crowded}
        if own & taken:
            behind.add(unit)
        else:
            taken |= own
    return list(behind)


def _clustered(picked, marks):
    """{unit: its rows} of the units that go in and have a row whose response resembles others."""
    marked = np.isin(picked.rows.table["prompt_id"], list(marks.score))
    places = np.flatnonzero(picked.inside & np.isin(picked.units, picked.units[picked.inside & marked]))
    of_unit = defaultdict(list)
    for unit, row in zip(picked.units[places].tolist(), picked.rows[places], strict=True):
        of_unit[unit].append(row)
    return of_unit


def _accepted_by_people(rows):
    ids, found = [row.response_id for row in rows], set()
    for start in range(0, len(ids), AT_ONCE):
        accepted = Resolution.objects.filter(response__in=ids[start : start + AT_ONCE], current=True, by__in=PEOPLE)
        found.update(accepted.filter(action="accept").values_list("response", flat=True))
    return found


def released(project, row_ids):
    """Those of `row_ids` that a published release holds, by its Parquet files, the newest release first."""
    found, wanted = set(), pa.array(sorted(row_ids), pa.string())
    published = Release.objects.filter(project=project, state=Release.State.PUBLISHED).select_related("project")
    for release in published.order_by("-version") if row_ids else ():
        for entry in release.files:
            path = release.directory / entry["path"]
            # Somebody may have put the files of an old release elsewhere; what was in it is then not known here.
            if path.suffix == ".parquet" and path.is_file():
                ids = pq.read_table(path, columns=["id"])["id"]
                found.update(ids.filter(pc.is_in(ids, wanted)).to_pylist())
        if len(found) == len(row_ids):
            break
    return found
