"""Which teacher is asked next, and with which parameters: the ladder of the reason, of the project, or its teacher."""

from .recipes import REVIEWER, recipe


def first_people(complaints):
    """Reviewers' complaints first: where recipes disagree, people's words hold."""
    return sorted(complaints, key=lambda said: said.source != REVIEWER)


def ladder_of(body, complaints):
    """The names of the ladder that holds for these complaints; empty where there is none."""
    own = (recipe(body, said.key)["ladder"] for said in first_people(complaints))
    return next(filter(None, own), None) or body.get("ladder", [])


def rung(names, attempts):
    """The name that is asked after so many answers: the second answer is the first one's; the last one stays."""
    return names[min(max(attempts - 1, 0), len(names) - 1)] if names else ""


def is_last(names, attempts):
    """Whether the ladder has no teacher left, after so many answers, that stood on none of the rungs so far."""
    done = max(attempts - 1, 0)
    return set(names[done:]) <= set(names[:done])


def parameters_of(body, complaints):
    """What is sent in place of the teacher's own parameters; of two recipes that disagree the first holds."""
    found = {}
    for said in first_people(complaints):
        found = recipe(body, said.key)["parameters"] | found
    return found
