"""What the review page answers with: a unit with its cards, an empty queue, or what came in between."""

import json
import random

from django.shortcuts import redirect, render

from curation.forms_review import DecisionForm, new_key
from curation.kept_posts import typed_fields
from curation.reviewing import (
    EmptyQueue,
    cards_of,
    claim_next,
    drafts,
    holders,
    last_decision,
    newest_own,
    notice_mismatch,
    pair_score,
    pending_counts,
    purpose_of,
    source_of,
    waiting_among_the_first,
    why_not_decide,
)
from curation.views.talk import talk_context

MANY, RECOUNTED = 50, 0.1  # with many waiting, one submit in ten counts them anew
RECOUNTED_AMONG_CHECKS = 0.25


def go_on(request, project, saved=()):
    """The next unit: as a fragment to HTMX, else by redirect."""
    if not request.htmx:
        return redirect("review", project.slug)
    response = page(request, project, claim_next(project, request.user))
    if saved:
        response["HX-Trigger"] = json.dumps({"review-saved": {"responses": saved}})
    return response


def page(request, project, item, *, forms=(), status=200):
    """The page, or to an HTMX post its changed part, with `item` in it."""
    context = {"project": project, "last": last_decision(project, request.user)}
    if isinstance(item, EmptyQueue):
        context |= {"empty": item, "part": "curation/_review_empty.html"}
    else:
        context |= _item_context(project, item, request.user, forms) | {"part": "curation/_review_item.html"}
    shown = [card.response for card in context.get("cards", ()) if card.deciding]
    context["unsent"] = drafts.unsent_number(project, request.user, besides=shown)
    return _render(request, context, status)


def _render(request, context, status=200):
    fragment = request.htmx and request.method == "POST"
    if fragment:
        context["counts"] = _left(context["project"], request.user)  # for the top bar, which stays
    return render(request, context["part"] if fragment else "curation/review.html", context, status=status)


def _left(project, user):
    """pending_counts where few are left; where many are, now and then: None leaves the number as it stands."""
    draw = random.random()
    if draw > RECOUNTED and waiting_among_the_first(project, user, MANY) > MANY / 2:
        return None
    # It does not fall after a gold or repeated item: where some are mixed in, nor does it after most others.
    if draw > RECOUNTED_AMONG_CHECKS and (project.gold_percent or project.repeat_percent):
        return None
    return pending_counts(project, user)


def _item_context(project, item, user, forms):
    made = cards_of(item.unit, item.prompts, user, [form.response for form in forms], item.purpose)
    bound = {form.response.pk: form for form in forms}
    deciding = [card for card in made if card.deciding]
    kept = drafts.drafts_of(user, [card.response.pk for card in deciding])
    for card in deciding:
        card.form = bound.get(card.response.pk) or DecisionForm.of(card, kept.get(card.response.pk))
        card.form.draft = kept.get(card.response.pk)
    notice_mismatch(made)
    document, source, questions = source_of(item.unit, made)
    until = item.until
    return {
        "item": item,
        "cards": made,
        "pair": pair_score(made),
        "document": document,
        "source": source,
        "questions": questions,
        "first": item.unit.prompts[0],
        "until": until,
        "others": () if until else holders(item.prompts, user),
        "prompt_ids": [prompt.pk for prompt in item.prompts],
        "key": new_key(),
    } | talk_context(project, user, item.unit.prompts, place="review")


def conflict_page(request, project, forms, problems):
    """409: what was typed beside what holds now; nothing was stored, and nothing typed is lost."""
    rows = []
    for form in forms:
        response = form.response
        response.prompt.refresh_from_db()
        problem = problems.get(response.pk)
        typed = typed_fields(dict(request.POST.lists()), f"r{response.pk}-")
        form.draft = drafts.keep_now(project, request.user, response, drafts.REVIEW, typed)
        rows.append(
            {
                "form": form,
                "response": response,
                "own": newest_own(response.pk, request.user, purpose_of(request.user, response.prompt)),
                "kind": problem.kind if problem else "" if problems else "already_sent",
                "now": problem.now if problem else response,
                "open": not why_not_decide(request.user, response),
            }
        )
    context = {
        "project": project,
        "rows": rows,
        "repeated": not problems,
        "may_send": all(row["open"] for row in rows),
        "key": new_key(),
        "part": "curation/_review_conflict.html",
    }
    # Without problems it is the first result that is shown, which is no failure.
    return _render(request, context, status=409 if problems else 200)
