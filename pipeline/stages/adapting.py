"""What a refusal teaches: the teacher's profile is changed once, and the same question is asked again in its new shape.

Each lesson stands in the profile under "learned", and none is learned twice: asking again comes to an end.
"""

from django.db import transaction
from django.utils import timezone

from curation.models import Call, Teacher
from pipeline import answers, teachers

PLAINER = {"json_schema": "json_object", "tool_call": "json_object", "json_object": "text"}
LOOSER = {"named": "auto", "required": "auto"}
OTHER_TOKEN_PARAMETER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
NOT_TAUGHT_BY = {"quota", "context_too_long", "content_filter", "unknown_model", "wrong_address", "unauthorised"}
LONGEST_QUOTE = 200


def learn(ask, call):
    """Whether `call` failed for a part of the request that the teacher's profile now leaves out or words otherwise.

    The profile is changed under a lock, once: what another worker has learned meanwhile counts as learned. The caller
    builds the body anew from `ask.teacher`, which is brought up to date, and asks again.
    """
    refused = _refused(ask, call)
    if not refused:
        return False
    with transaction.atomic():
        row = Teacher.objects.select_for_update(no_key=True).get(pk=ask.teacher.pk)
        if not _teach(row, refused, ask, call):
            return False
        row.save(update_fields=["profile", "structure"])
    ask.teacher.profile, ask.teacher.structure = row.profile, row.structure
    return True


def can_learn(ask, call):
    """Whether `learn` would say yes, so that an error which stops other runs does not stop this one."""
    refused = _refused(ask, call)
    return bool(refused) and _teach(Teacher.objects.get(pk=ask.teacher.pk), refused, ask, call)


def _teach(row, refused, ask, call):
    """Change the profile of `row`, unsaved; returns whether what was refused is sent no more."""
    taught = [part for part in refused if _is_kept_to(row, part, ask.body) or _adapt(row, part, ask, call)]
    # A person's own parameters may hold the part all the same: to ask again would then never end.
    still = teachers.refused(call.raw_reply, _shape(row, ask.body)) if taught else []
    return any(part not in still for part in taught)


def _shape(row, body):
    """A body as the teacher would now be asked, in the shape of `body`; its words do not matter."""
    system = "x" if len(body["messages"]) > 1 else ""
    return teachers.payload(row, system, "x", schema=("x", teachers.schema_in(body)))


def _refused(ask, call):
    of_no_use = call.error_class in NOT_TAUGHT_BY | teachers.RETRIED or (call.http_status or 0) < 400
    if call.state != Call.State.FAILED or of_no_use:
        return []
    return teachers.refused(call.raw_reply, ask.body)


def _is_kept_to(row, part, body):
    """Whether the profile leaves out already what `body`, sent before it was learned, still held."""
    profile, name = teachers.profile_of(row), part[0] if isinstance(part, tuple) else part
    match part:
        case ("structure", how):
            return row.structure != how
        case ("tool_choice", choice):
            return row.structure != "tool_call" or profile.get("tool_choice", "named") != choice
        case ("keyword", keyword):
            return keyword in profile.get("schema_without", ())
        case ("role", role):
            return profile["system_role"] != role
        case ("most", most):
            return profile.get("most_tokens", most + 1) <= most and _is_limit_of(row, body)
        case "both temperature and top_p":
            return profile["sampling"] in (False, "temperature")
        case "strict":
            return not profile.get("strict", True)
        case "temperature" | "top_p" if profile["sampling"] is False:
            return True
        case "max_tokens" | "max_completion_tokens":
            return name in profile.get("omit", ()) or profile["token_parameter"] != name
    return name in profile.get("omit", ())


def _lesson(row, part, body):
    """What of the profile (and "structure") a refusal of `part` changes; {} where there is nothing left to try."""
    profile = teachers.profile_of(row)
    if _told(part) in [each.get("part") for each in row.profile.get("learned", ())]:
        return {}
    match part:
        case ("structure", how):
            return {"structure": PLAINER[how]} if how in PLAINER else {}
        case ("tool_choice", choice):
            return {"tool_choice": LOOSER[choice]} if choice in LOOSER else {"structure": "json_object"}
        case ("keyword", keyword):
            return {"schema_without": [*profile.get("schema_without", ()), keyword]}
        case ("role", role):
            return _other_role(row, role)
        case ("most", most):
            return {"most_tokens": most} if _is_limit_of(row, body) else {}
        case "both temperature and top_p":
            return {"sampling": "temperature"}
        case "strict":
            return {"strict": False}
        case "max_tokens" | "max_completion_tokens":
            other = OTHER_TOKEN_PARAMETER[part]
            tried = [each.get("part") for each in row.profile.get("learned", ())]
            # An answer without any limit could not be held under a cap: that is for a person to say.
            return {} if other in tried else {"token_parameter": other}
    return {"omit": [*profile.get("omit", ()), part]}


def _other_role(row, role):
    """The role for a system prompt whose own was refused.

    Whoever refuses `system` knows no `developer` either, or drops it unsaid: it then stands in the user message.
    """
    learned = [each.get("part") for each in row.profile.get("learned", ())]
    return {"system_role": "system" if role == "developer" and "role system" not in learned else "user"}


def _is_limit_of(row, body):
    """Whether the limit in `body` is the teacher's own; a larger one of a second try teaches nothing."""
    wanted = {row.parameters.get(name) for name in OTHER_TOKEN_PARAMETER}
    return any(body[name] in wanted for name in OTHER_TOKEN_PARAMETER if name in body)


def _adapt(row, part, ask, call):
    """Change the profile as `part` teaches, with a line that says when and why; returns whether it changed."""
    changed = _lesson(row, part, ask.body)
    if not changed:
        return False
    line = {
        "at": timezone.now().date().isoformat(),
        "part": _told(part),
        # A teacher serves many projects: what an endpoint repeats of a prompt does not belong here.
        "from": answers.clean_text(teachers.own_words(call.raw_reply))[:LONGEST_QUOTE],
        "changed": changed,
    }
    row.structure = changed.get("structure", row.structure)
    kept = {name: value for name, value in changed.items() if name != "structure"}
    row.profile = row.profile | kept | {"learned": [*row.profile.get("learned", ()), line]}
    return True


def _told(part):
    return " ".join(map(str, part)) if isinstance(part, tuple) else part
