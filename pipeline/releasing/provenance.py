"""What made the rows of a release: versions of rules, gate, rubrics and templates, and the judges, each with its rows.

Versions are numbered by project and named with the sha256 of their content; nothing of it is a key or a clock, so that
the same content says the same on every database.
"""

from collections import Counter

from curation.models import FilterResult, GateResult, JudgeScore, PromptTemplate, Rubric, TeacherResponse
from pipeline.rubrics import asked_by

AT_ONCE = 1000  # ids in one statement


def versions_of(project, response_ids):
    """The versions behind these responses, as lists of entries with `rows`, the number of responses of each.

    `filters` and `gate`: the newest verdict of each response; an entry without a version are those that have none.
    `rubrics`: each judge's readings, by the versions of the rubric and of the template that asked by it.
    `templates`: what the teachers were asked with.
    """
    counts = {name: Counter() for name in ("filters", "gate", "judges", "templates")}
    for start in range(0, len(response_ids), AT_ONCE):
        ids = response_ids[start : start + AT_ONCE]
        counts["filters"].update(_newest(FilterResult, ids).values())
        counts["gate"].update(_newest(GateResult, ids).values())
        counts["judges"].update(_readings(ids))
        counts["templates"].update(_templates(ids))
    number = len(response_ids)
    return {
        "filters": _rulesets(project, "filter", counts["filters"], number),
        "gate": _rulesets(project, "gate", counts["gate"], number),
        "rubrics": _rubrics(project, counts["judges"]),
        "templates": [
            {"name": name, "version": version, "sha256": sha256, "rows": rows}
            for (name, version, sha256), rows in sorted(counts["templates"].items())
        ],
    }


def _newest(model, ids):
    """{response id: id of the ruleset of its newest verdict}"""
    return dict(model.objects.filter(response__in=ids).order_by("pk").values_list("response", "ruleset"))


def _readings(ids):
    rows = JudgeScore.objects.filter(response__in=ids, score__isnull=False).order_by()
    fields = ("response", "rubric", "rubric_version", "judge__name", "judge__model")
    return [row[1:] for row in rows.values_list(*fields).distinct()]


def _templates(ids):
    used = TeacherResponse.objects.filter(pk__in=ids).values_list("templates", flat=True)
    return [
        (name, version["version"], version["sha256"])
        for of_one in used
        for name, version in of_one.items()
        if isinstance(version, dict) and {"version", "sha256"} <= version.keys()
    ]


def _rulesets(project, kind, counted, number):
    """Entries by version; the one in force is named also where no row has a verdict by it."""
    found = project.rulesets.filter(kind=kind).in_bulk()
    in_force = getattr(project, f"{kind}_ruleset_id")
    entries = [
        {"version": each.version, "sha256": each.sha256, "in_force": pk == in_force, "rows": counted[pk]}
        for pk, each in found.items()
        if counted[pk] or pk == in_force
    ]
    entries.sort(key=lambda entry: entry["version"])
    none = number - sum(counted.values())
    return entries + ([{"version": None, "rows": none}] if none and entries else [])


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
