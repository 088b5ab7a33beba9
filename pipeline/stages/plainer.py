"""An endpoint that takes no schema is asked in the next simpler way, which is remembered of its teacher."""

from curation.models import Teacher

PLAINER = {"json_schema": "json_object", "json_object": "text"}


def learn_plainer(ask, call):
    """Whether `call` failed for the structure that `ask` wanted, and its teacher is asked more plainly from now on."""
    sent = ask.body.get("response_format", {}).get("type", "text")
    if call.error_class != "unsupported_structure" or sent not in PLAINER:
        return False
    Teacher.objects.filter(pk=ask.teacher.pk, structure=sent).update(structure=PLAINER[sent])
    ask.teacher.refresh_from_db(fields=["structure"])
    return True
