"""What codes are called on pages. Rules belong to the pipeline, which says what they are called when it is loaded."""

from .models import Rubric
from .models.prepared import Prepared

RULES = {}  # id of a rule -> its label; filled by the app that has the rules
GATE = {
    "judge_f_score": "factuality",
    "judge_r_score": "reasoning",
    "judge_f_low_score": "factuality below its threshold",
    "judge_r_low_score": "reasoning below its threshold",
    "judges_disagree": "judges, or readings of one judge, differ too much",
    "missing_judge_scores": "a judge has not scored it",
    "judge_unreadable": "a judge’s reply could not be read",
    "invalid_judge_f_json": "the imported score on factuality is no JSON",
    "invalid_judge_f_schema": "the imported score on factuality holds no score of 0 to 100",
    "invalid_judge_r_json": "the imported score on reasoning is no JSON",
    "invalid_judge_r_schema": "the imported score on reasoning holds no score of 0 to 100",
    "missing_dual_judge": "the gate asks for both judges, and one is missing",
    "safety_flag_human_review": "a judge asks for a person",
    "safety_critical_flag": "a judge raised a safety flag",
}


def words(code):
    """A code such as no_control as words."""
    return str(code).replace("_", " ")


def rule(code):
    """What a rule is called; one that is no more, by the words of its id."""
    return RULES.get(code) or GATE.get(code) or words(code)


def gate_reason(code):
    """Why SampleGate held an answer, or would have, in words."""
    return GATE.get(code) or words(code)


def dimensions(project):
    """{rubric: {dimension: label}} of `project`, by the newest version that names each; one query."""
    found = {}
    for name, body in _bodies(project=project):
        found.setdefault(name, {}).update(_dimensions(body))
    return found


@Prepared
def _bodies(project: int):
    return Rubric.objects.filter(project=project).order_by("version").values_list("name", "body")


def _dimensions(body):
    """{name: label} of a rubric; its dimensions are a mapping by name or a list of mappings."""
    given = body.get("dimensions") if isinstance(body, dict) else None
    if isinstance(given, dict):
        given = [{"name": name} | (each if isinstance(each, dict) else {}) for name, each in given.items()]
    named = [each for each in given or [] if isinstance(each, dict) and each.get("name")]
    return {each["name"]: each["label"] for each in named if each.get("label")}
