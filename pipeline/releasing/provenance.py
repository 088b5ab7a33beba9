"""What made the rows of a release: versions of rules, gate, rubrics and templates, and the judges, each with its rows.

Versions are numbered by project and named with the sha256 of their content; nothing of it is a key or a clock, so that
the same content says the same on every database.
"""

from collections import Counter

from curation.models import FilterResult, GateResult, JudgeScore, PromptTemplate, Rubric
from pipeline.rubrics import asked_by


class Versions:
    """Counts the versions behind the answers of a release, batch by batch.

    `filters` and `gate`: the newest verdict of each response; an entry without a version are those that have none.
    `rubrics`: each judge's readings, by the versions of the rubric and of the template that asked by it.
    `templates`: what the teachers were asked with.
    """

    def __init__(self, project):
        self.project = project
        self.number = 0
        self.counts = {name: Counter() for name in ("filters", "gate", "judges", "templates")}
        self._judged = JudgeScore.objects.filter(response__prompt__project=project, score__isnull=False).exists()

    def add(self, response_ids, filters, gate, templates):
        """Count a batch of answers.

        `filters` and `gate` are {response id: id of the ruleset of its newest verdict}, `templates` the templates of
        each answer as [{name, version, sha256}].
        """
        self.number += len(response_ids)
        self.counts["filters"].update(filters.values())
        self.counts["gate"].update(gate.values())
        self.counts["templates"].update(
            (each["name"], each["version"], each["sha256"]) for of_one in templates for each in of_one
        )
        if self._judged:
            self.counts["judges"].update(_readings(response_ids))

    def entries(self):
        """{"filters", "gate", "rubrics", "templates": entries with `rows`, the number of responses of each}."""
        return {
            "filters": self._rulesets("filter", self.counts["filters"]),
            "gate": self._rulesets("gate", self.counts["gate"]),
            "rubrics": _rubrics(self.project, self.counts["judges"]),
            "templates": [
                {"name": name, "version": version, "sha256": sha256, "rows": rows}
                for (name, version, sha256), rows in sorted(self.counts["templates"].items())
            ],
        }

    def _rulesets(self, kind, counted):
        """Entries by version; the one in force is named also where no row has a verdict by it."""
        found = self.project.rulesets.filter(kind=kind).in_bulk()
        in_force = getattr(self.project, f"{kind}_ruleset_id")
        entries = [
            {"version": each.version, "sha256": each.sha256, "in_force": pk == in_force, "rows": counted[pk]}
            for pk, each in found.items()
            if counted[pk] or pk == in_force
        ]
        entries.sort(key=lambda entry: entry["version"])
        none = self.number - sum(counted.values())
        return entries + ([{"version": None, "rows": none}] if none and entries else [])


# -- with fewer rows ------------------------------------------------------------------------------------------------


def without(versions, removed, responses, project, since):
    """The versions of a manifest, their rows less those of the `removed` rows (dicts) of rows.parquet.

    `responses` are {row id: response id} of these, `since` is when the manifest was made: what judges read later is
    not counted in it.
    """
    ids = list(responses.values())
    readings = JudgeScore.objects.filter(created_at__lte=since)
    gone = {
        "filters": _verdicts(FilterResult, "filters_sha256", removed, responses),
        "gate": _verdicts(GateResult, "gate_sha256", removed, responses),
        "templates": Counter(_key(each) for row in removed for each in row["templates"]),
        "rubrics": {_key(each): each["rows"] for each in _rubrics(project, Counter(_readings(ids, readings)))},
    }
    return {
        name: [left for entry in entries if (left := _less(entry, gone.get(name, {}))) is not None]
        for name, entries in versions.items()
    }


def _key(entry):
    """What an entry of versions is of, whatever its rows."""
    return tuple(sorted((name, value) for name, value in entry.items() if name not in ("rows", "in_force")))


def _verdicts(model, name, removed, responses):
    """Counter of keys: the newest version by which each removed row has a verdict by the rules that it is proved by."""
    rows = model.objects.filter(response__pk__among=list(responses.values())).order_by("pk")
    version = {
        (response, sha256): number
        for response, sha256, number in rows.values_list("response_id", "ruleset__sha256", "ruleset__version")
    }
    found = Counter()
    for row in removed:
        number = version.get((responses[row["id"]], row[name]))
        found[_key({"version": number} | ({"sha256": row[name]} if row[name] else {}))] += 1
    return found


def _less(entry, gone):
    rows = entry.get("rows", 0) - gone.get(_key(entry), 0)
    return entry | {"rows": rows} if rows > 0 or entry.get("in_force") else None


# -------------------------------------------------------------------------------------------------------------------


def newest(model, ids):
    """{response id: id of the ruleset of its newest verdict}"""
    return dict(model.objects.filter(response__pk__among=ids).order_by("pk").values_list("response_id", "ruleset_id"))


def templates_of(used):
    """[{name, version, sha256}] of the templates that an answer keeps, by name."""
    return [
        {"name": name, "version": each["version"], "sha256": each["sha256"]}
        for name, each in sorted(used.items())
        if isinstance(each, dict) and {"version", "sha256"} <= each.keys()
    ]


def _readings(ids, readings=None):
    rows = JudgeScore.objects.all() if readings is None else readings
    rows = rows.filter(response__among=ids, score__isnull=False).order_by()
    fields = ("response", "rubric", "rubric_version", "judge__name", "judge__model")
    return [row[1:] for row in rows.values_list(*fields).distinct()]


def _rubrics(project, counted):
    """Entries by rubric, judge and version; a reading that came with an imported answer names no version."""
    known = _sheets(project, {row[0] for row in counted})
    entries = []
    for (name, said, judge, model), rows in sorted(counted.items()):
        entry = {"name": name, "judge": judge, "model": model, "rows": rows}
        if (name, said) in known:
            template, rubric = known[name, said]
            entry |= {"version": rubric.version, "sha256": rubric.sha256}
            entry |= {"template_version": template.version, "template_sha256": template.sha256}
        else:
            entry |= {"version": None, "imported": said == JudgeScore.IMPORTED}
        entries.append(entry)
    return entries


def _sheets(project, names):
    """{(rubric, what a score keeps as its version): (template, rubric)} of every pair of versions that there was."""
    found = {}
    for name in names:
        rubrics = list(Rubric.objects.filter(project=project, name=name))
        for template in PromptTemplate.objects.filter(project=project, name=f"judge_{name}"):
            for rubric in rubrics:
                found[name, asked_by(template, rubric)] = template, rubric
    return found
