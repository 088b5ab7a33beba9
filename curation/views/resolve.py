"""Where reviewers disagree: the queue, and one disagreement after the other with all answers side by side."""

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from curation.access import resolver_project_or_404
from curation.forms_review import ResolveForm, new_key
from curation.kept_posts import typed_fields
from curation.models import Annotation, Resolution, ReviewClaim
from curation.reviewing import (
    Conflict,
    NotYours,
    TooLate,
    adjudicate,
    cards_of,
    drafts,
    holders,
    pair_score,
    settle,
    source_of,
    take_back_adjudication,
    to_resolve,
    unit_of,
    why_not_adjudicate,
    word_diff,
)
from curation.reviewing.complaints import to_mend
from curation.reviewing.queue import COUNT_CAP, capped_count
from curation.reviewing.resolving import (
    SKIPPED,
    keep,
    last_adjudication,
    let_go,
    skipped_by,
    take_next,
    why_here,
    with_origin,
)
from curation.views.talk import talk_context

SHOWN = 200
MOST_COMPARED = 4  # edited texts of which each is compared with each


def _decisions():
    return Annotation.objects.filter(purpose=Annotation.Purpose.REVIEW, current=True).select_related("reviewer")


@require_GET
def resolve(request, slug):
    """The disagreements that wait, the oldest first."""
    project = resolver_project_or_404(request.user, slug)
    settle(project, limit=50)
    prompts = list(
        with_origin(to_resolve(project))
        .select_related("document", "current_response")
        .prefetch_related(Prefetch("current_response__annotations", _decisions(), to_attr="decisions"))
        .order_by("state_changed_at", "pk")[: SHOWN + 1]
    )
    holding = _holding(prompts, request.user)
    rows = [
        {
            "prompt": prompt,
            "decisions": prompt.current_response.decisions,
            "why": why_here(prompt.sent_by, prompt.current_response.decisions),
            "mine": any(row.reviewer_id == request.user.pk for row in prompt.current_response.decisions),
            "holders": holding.get(prompt.pk, ()),
        }
        for prompt in prompts[:SHOWN]
    ]
    last = last_adjudication(project, request.user)
    left = capped_count(to_resolve(project))
    context = {"project": project, "rows": rows, "left": left, "cap": COUNT_CAP, "shown": SHOWN, "last": last}
    return render(request, "curation/resolve.html", context)


def _holding(prompts, user):
    """{prompt id: names of others who have it open}."""
    live = ReviewClaim.objects.filter(prompt__in=prompts, until__gt=timezone.now()).exclude(reviewer=user)
    found = {}
    for prompt_id, name in live.values_list("prompt", "reviewer__username").order_by("reviewer__username"):
        found.setdefault(prompt_id, []).append(name)
    return found


@require_GET
def resolve_next(request, slug):
    """The next disagreement for this person; behind the prompt `after` if there is one, which is put off."""
    project = resolver_project_or_404(request.user, slug)
    settle(project)
    after = project.prompts.filter(key=request.GET.get("after", "")).first()
    if after:
        let_go(after, request.user)
    return _go_on(request, project, after)


def _go_on(request, project, after=None):
    found = take_next(project, request.user, after=after)
    if found:
        return redirect("resolve_prompt", project.slug, found.key)
    if to_resolve(project).exists():
        messages.info(request, "No other disagreement is for you now: those below are put off, open, or yours.")
    return redirect("resolve", project.slug)


@require_GET
def resolve_prompt(request, slug, key):
    """One disagreement: source, every answer, every decision, and the form to decide it. It is held while open."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    if not to_resolve(project).filter(pk=prompt.pk).exists():
        messages.info(request, "Nobody disagrees here any more.")
        return redirect("prompt_detail", slug, key)
    draft = drafts.drafts_of(request.user, [prompt.current_response], drafts.RESOLVE).get(prompt.current_response_id)
    form = ResolveForm(texts=_texts(prompt), project=project, initial=drafts.initial(draft))
    form.draft = draft
    return _page(request, project, prompt, form)


@require_POST
def resolve_submit(request, slug, key):
    """Decide a disagreement; then the next one."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    response = prompt.current_response
    if response is None:
        messages.warning(request, "There is no answer to decide on.")
        return redirect("resolve", slug)
    form = ResolveForm(request.POST, texts=_texts(prompt), project=project)
    form.as_typed = True  # no draft is newer, if it is shown again
    typed = typed_fields(dict(request.POST.lists()))
    if str(response.pk) != request.POST.get("response"):
        form.draft = drafts.keep_now(project, request.user, response, drafts.RESOLVE, typed)
        return _page(request, project, prompt, form, conflict="newer_answer", status=409)
    if not form.is_valid():
        return _page(request, project, prompt, form, status=422)
    said = form.cleaned_data
    text = form.chosen_text if said["action"] == "accept" else None
    try:
        adjudicate(
            project, request.user, response, said["action"], text=text, reasons=said["reasons"], comment=said["comment"]
        )
    except NotYours as refusal:
        messages.error(request, str(refusal))
        form.draft = drafts.keep_now(project, request.user, response, drafts.RESOLVE, typed)
        return _page(request, project, prompt, form, status=409)
    except Conflict as conflict:
        form.draft = drafts.keep_now(project, request.user, response, drafts.RESOLVE, typed)
        return _page(request, project, prompt, form, conflict=conflict.problems[0].kind, status=409)
    let_go(prompt, request.user)
    return _go_on(request, project, prompt)


@require_POST
def resolve_take_back(request, slug, key):
    """Take back one's own decision on a disagreement before it takes effect."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    held = Resolution.objects.filter(
        response=prompt.current_response_id, decided_by=request.user, current=True
    ).select_related("response__prompt__project").first()  # fmt: skip
    try:
        if held is None:
            raise TooLate
        take_back_adjudication(request.user, held)
    except TooLate:
        messages.warning(request, "It could not be taken back: it has taken effect. A manager can reopen it.")
        return redirect("resolve", slug)
    messages.info(request, "Taken back. Decide again, or put it off.")
    return redirect("resolve_prompt", slug, key)


@require_POST
def resolve_heartbeat(request, slug, key):
    """The page is still open: hold on to the disagreement. Returns the line that says until when."""
    project = resolver_project_or_404(request.user, slug)
    prompt = _prompt(project, key)
    return render(
        request, "curation/_resolve_held.html", {"project": project, "prompt": prompt} | _held(request, prompt)
    )


def _held(request, prompt):
    """Until when this person holds the prompt, or who else does."""
    until = keep(prompt.project, request.user, prompt)
    return {"until": until, "holders": () if until else holders([prompt], request.user)}


def _prompt(project, key):
    prompt = get_object_or_404(
        with_origin(project.prompts).select_related("current_response__teacher", "document"), key=key
    )
    prompt.project = project
    return prompt


def _said(prompt):
    return list(_decisions().filter(response=prompt.current_response_id).order_by("created_at", "pk"))


def _texts(prompt):
    """(code, label, text) to choose from: the teacher's, then each edit."""
    texts = [("teacher", "The teacher's text", prompt.current_response.text)]
    for row in _said(prompt):
        if row.edited_text is not None:
            texts.append((f"a{row.pk}", f"The text of {row.reviewer}", row.edited_text))
    return texts


@dataclass(frozen=True)
class Side:
    """One answer of those that lie side by side: a decision, and its text if it has one of its own."""

    row: Annotation
    radio: object = None  # of the form, to choose the text
    diff: list | None = None  # from the teacher's text
    others: tuple = ()  # (name, diff) from the texts of others


def _sides(prompt, form):
    """(the radio of the teacher's text, that of the own one, a Side for each decision)."""
    radios = {radio.data["value"]: radio for radio in form["text_from"]}
    rows = _said(prompt)
    edited = [row for row in rows if row.edited_text is not None]
    sides = []
    for row in rows:
        if row.edited_text is None:
            sides.append(Side(row))
            continue
        compared = [other for other in edited if other != row][: MOST_COMPARED - 1]
        others = tuple((other.reviewer, word_diff(other.edited_text, row.edited_text)) for other in compared)
        sides.append(
            Side(row, radios.get(f"a{row.pk}"), word_diff(prompt.current_response.text, row.edited_text), others)
        )
    return radios["teacher"], radios[form.OWN], sides


def _page(request, project, prompt, form, *, conflict="", status=200):
    response = prompt.current_response
    teacher, own, sides = _sides(prompt, form)
    why = why_here(prompt.sent_by, [side.row for side in sides])
    held = Resolution.objects.filter(response=response, current=True).select_related("decided_by").first()
    context = {
        "project": project,
        "prompt": prompt,
        "sides": sides,
        "teacher_radio": teacher,
        "own_radio": own,
        "why": why,
        "skipped_by": skipped_by(prompt) if why == SKIPPED else (),
        "form": form,
        "held": held,
        "conflict": conflict,
        "key": new_key(),  # a form with one may be sent again by itself: the same decision again is the first one
        "against": _against(form, held) if conflict and held else None,
        "refusal": why_not_adjudicate(project, request.user, response.pk),
        "last": last_adjudication(project, request.user),
        "left": capped_count(to_resolve(project)),
    }
    context |= _to_read(project, prompt, request.user) | _held(request, prompt)
    context |= talk_context(project, request.user, [prompt], place="resolve")
    answer = render(request, "curation/resolve_prompt.html", context, status=status)
    if request.htmx:  # what came has an address of its own, whatever the form was sent to
        how = "HX-Push-Url" if status == 200 else "HX-Replace-Url"
        answer[how] = reverse("resolve_prompt", args=[project.slug, prompt.key])
    return answer


def _to_read(project, prompt, user):
    """The response with all that was measured of it, the pair's other half, and the source."""
    unit = unit_of(project, prompt.pk)
    made = cards_of(unit, (), user)
    document, source, questions = source_of(unit, made)
    card = next(card for card in made if card.prompt.pk == prompt.pk)
    card.response.to_mend = to_mend(card.response, project)
    return {
        "card": card,
        "others": [card for card in made if card.prompt.pk != prompt.pk],
        "pair": pair_score(made),
        "document": document,
        "source": source,
        "questions": questions,
    }


def _against(form, held):
    """What differs between the text that holds and the one of the form; None where one of them accepts none."""
    code = form.data.get("text_from", "teacher")
    typed = form.data.get("text", "") if code == form.OWN else form.texts.get(code, "")
    return word_diff(held.text, typed) if held.action == form.data.get("action") == "accept" else None
