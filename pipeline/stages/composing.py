"""From a prompt to the messages that are sent: the project's templates, its context, its hypothesis."""

from contextlib import contextmanager
from contextvars import ContextVar

from curation.models import Pair, PromptTemplate, Rubric, TeacherResponse
from pipeline import prompts, rubrics

SYSTEM = "system_toolproto"
SYSTEM_REGEN = "system_regen"

_recording = ContextVar("recording", default=True)


@contextmanager
def only_looking():
    """Within, composing writes nothing: a shipped template is used without becoming the project's version 1."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def is_recording():
    """Whether composing may write; see `only_looking`."""
    return _recording.get()


def template(project, name):
    """The project's newest version of a template; the shipped one becomes its version 1 at first use.

    Raises prompts.PromptError where neither the project nor prompts/ has one of this name.
    """
    found = PromptTemplate.current(project, name)
    if found:
        return found
    body = prompts.shipped(name)
    if _recording.get():
        return PromptTemplate.record(project, name, body, origin=f"prompts/{name}.txt")
    return PromptTemplate(project=project, name=name, version=1, body=body, sha256=prompts.sha256(body))


def rubric(project, name):
    """The project's newest version of a rubric; the shipped one becomes its version 1 at first use."""
    found = Rubric.current(project, name)
    if found:
        return found
    body, origin = rubrics.shipped(name), f"configs/rubrics/{name}.yaml"
    if _recording.get():
        return Rubric.record(project, name, body, origin=origin)
    return Rubric(project=project, name=name, version=1, body=body, sha256=Rubric.digest(body), origin=origin)


def hypotheses_of(prompt_list):
    """{methodology prompt id: the response of its hypothesis, with `authoritative` text} for paired projects."""
    if not any(prompt.project.paired for prompt in prompt_list):
        return {}
    pairs = Pair.objects.filter(
        methodology__in=[prompt.pk for prompt in prompt_list],
        project__paired=True,
        hypothesis__current_response__isnull=False,
    )
    wanted = dict(pairs.values_list("methodology_id", "hypothesis__current_response_id"))
    responses = TeacherResponse.objects.filter(pk__in=wanted.values()).with_authoritative_text().in_bulk()
    return {methodology: responses[response] for methodology, response in wanted.items()}


def compose(prompt, hypothesis=None, known=None):
    """(system, user, {template name: {version, sha256}}) of a first attempt.

    `hypothesis` is the response that a paired methodology must test. Raises prompts.PromptError by name where a
    text-only row's task has no template, or a template asks for something that the row does not have. `known` is a
    dict of the templates that the prompts before it used, filled here.
    """
    used, known = {}, {} if known is None else known
    system = prompt.system_prompt
    if not system:
        version = _known(known, prompt.project, SYSTEM)
        system, used[SYSTEM] = version.body, _stamp(version)
    body = ""
    if not prompt.user_prompt:
        version = _known(known, prompt.project, prompt.task_type)
        body, used[prompt.task_type] = version.body, _stamp(version)
    user = prompts.user_message(
        template=body,
        task_type=prompt.task_type,
        user_prompt=prompt.user_prompt,
        context=prompt.context,
        hypothesis=hypothesis.authoritative if hypothesis else "",
        domain=prompt.domain,
        title=prompt.document.title if prompt.document else "",
        paired=hypothesis is not None,
    )
    return system, user, used


def _known(known, project, name):
    if name not in known:
        known[name] = template(project, name)
    return known[name]


def _stamp(version):
    return {"version": version.version, "sha256": version.sha256}
