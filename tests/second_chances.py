"""What tests of second chances share: three teachers, answers that were sent back, and what became of them."""

from curation.models import Complaint, Prompt, State
from pipeline import jobs
from pipeline.regenerating import record_recipes, shipped
from tests import factories

CITED = f"{factories.HYPOTHESIS} This was shown before [1]."


def project_at(server, **fields):
    """A project that asks Weak, and Strong for second chances; Best is there too, each with a model of its own."""
    usual = {"base_url": server.url, "structure": "text", "input_price": 1, "output_price": 2}
    parameters = {"max_tokens": 400, "temperature": 1}
    weak, strong, _ = (
        factories.teacher(name, model=f"model-{name.lower()}", parameters=parameters, **usual)
        for name in ("Weak", "Strong", "Best")
    )
    fields = {"paired": False, "attempt_limit": 5} | fields
    return factories.project(teacher=weak, regen_teacher=strong, **fields)


def run(project, stage="regenerate", **parameters):
    """Work on a stage in this process to its end; returns the run."""
    made = jobs.prepare(project, stage, parameters)
    jobs.carry_out(made)
    made.refresh_from_db()
    assert (made.state, made.error) == ("finished", "")
    return made


def recipes(project, **changes):
    """The shipped recipes with these keys of the top changed become the project's."""
    return record_recipes(project, shipped() | changes)


def ladder(project, **by_rule):
    """Rules get ladders of their own, and the same reason stops nothing."""
    body = shipped()
    for code, names in by_rule.items():
        body["recipes"][f"filter:{code}"] |= {"ladder": names}
    return record_recipes(project, body | {"stop_after_same_reason": None})


def failed(project, *rules, answer=CITED, **fields):
    """A prompt that the filters sent back for these rules."""
    prompt = factories.prompt(project, State.TO_REGENERATE, answer=answer, **fields)
    factories.filter_result(prompt.current_response, failed=rules)
    return prompt


def sent_back(prompt, person, *codes, comment=""):
    """A person's decision against the current answer."""
    factories.annotation(prompt.current_response, person, "regenerate", reasons=list(codes), comment=comment)


def fresh(prompt):
    """The prompt as it is now."""
    return Prompt.objects.select_related("current_response__teacher", "current_response__call").get(pk=prompt.pk)


def told(prompt):
    """{key: (addendum, met)} of what the current attempt was to mend."""
    rows = Complaint.objects.filter(response=fresh(prompt).current_response_id)
    return {f"{row.source}:{row.code}": (row.addendum, row.met) for row in rows}
