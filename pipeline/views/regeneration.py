"""What another attempt at a prompt would be asked, of whom and for how much: shown before anybody orders it."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from curation.access import REVIEWER, project_or_404
from curation.models import State
from curation.models.review import Action, Purpose
from curation.reviewing import drawn, hidden_from, known_reasons, purpose_of
from pipeline import quotes
from pipeline.regenerating import Said
from pipeline.regenerating.recipes import FILTER, GATE, OTHER
from pipeline.regenerating.recipes import REVIEWER as BY_REVIEWERS

NOT_KEPT = {"csrfmiddlewaretoken", "order"}  # fields of the review form that are not typed


@require_http_methods(["GET", "POST"])
def regeneration_order(request, slug, key):
    """The order: a fragment for the review form to HTMX, else a page; it writes nothing.

    A POST carries the review form: its reasons and comment count as if they were sent, and the page holds everything
    that was typed, to send it or to go back to it.
    """
    project = project_or_404(request.user, slug, REVIEWER)
    beside = ("document", "current_response__teacher")
    prompt = get_object_or_404(project.prompts.select_related(*beside), key=key)
    prompt.project = project
    fragment = request.htmx and request.method == "POST"
    if fragment and not _is_about_current(prompt, request.POST):
        return render(
            request, "pipeline/_regeneration_order.html", {"project": project, "prompt": prompt, "newer": True}
        )
    context = {"project": project, "prompt": prompt, "attempt": prompt.attempts + 1}
    if prompt.current_response_id:
        pair = prompt.pair if project.paired else None
        context["brings_method"] = bool(pair) and pair.hypothesis_id == prompt.pk
        also = _typed(prompt, request.POST) if request.method == "POST" else ()
        sources = _readable(request.user, prompt)
        context |= {"order": quotes.preview(prompt, also, sources=sources), "hides_judges": GATE not in sources}
        # The order goes out with what all of them say; nobody reads the others before they have decided.
        context["hides_people"] = BY_REVIEWERS not in sources and project.reviews_required > 1
    if fragment:
        return render(request, "pipeline/_regeneration_order.html", context)
    context["typed"] = _kept(prompt, request.POST) if _is_about_current(prompt, request.POST) else ()
    return render(request, "pipeline/regeneration_order.html", context)


def _is_about_current(prompt, data):
    return str(prompt.current_response_id) in data.getlist("response")


def _typed(prompt, data):
    """What the review form says against the answer, as it is told when the decision is stored."""
    prefix, known = f"r{prompt.current_response_id}", known_reasons(prompt.project)
    codes = [code for code in data.getlist(f"{prefix}-reasons") if code in known]
    comment = data.get(f"{prefix}-comment", "").strip()
    return [Said(BY_REVIEWERS, code, comment) for code in codes or [OTHER]]


def _readable(user, prompt):
    """The sources of complaints that this person may read now.

    In a blind share no judges; no decisions of others while it is reviewed; and a check of a reviewer looks like an
    answer that nobody has decided on.
    """
    is_check = purpose_of(user, prompt) != Purpose.REVIEW
    blind = drawn(prompt.project, [prompt]) if is_check else hidden_from(user, prompt.project, [prompt])
    sources = [FILTER] if blind else [FILTER, GATE]
    return sources if is_check or prompt.state == State.TO_REVIEW else [*sources, BY_REVIEWERS]


def _kept(prompt, data):
    """[(name, value)] of everything typed, with the decision on this prompt's answer to regenerate it."""
    action = f"r{prompt.current_response_id}-action"
    typed = [(name, value) for name in data if name not in NOT_KEPT | {action} for value in data.getlist(name)]
    return [*typed, (action, Action.REGENERATE.value)]
