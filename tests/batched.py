"""What tests of batches share: runs by batches, and what became of their prompts."""

from curation.models import State, TeacherResponse
from tests import running


def run(project, stage="collect", **parameters):
    """Work on a stage by batches in this process; returns the ended run."""
    return running.run(project, stage, mode="batch", **parameters)


def states(project):
    """The states of the prompts, sorted."""
    return sorted(project.prompts.values_list("state", flat=True))


def answered_once(project, batches, number):
    """Every prompt has one answer, and the endpoint answered no request twice."""
    assert states(project) == [State.TO_FILTER] * number
    assert TeacherResponse.objects.count() == number
    assert len(batches.asked) == len(set(batches.asked)) == number
