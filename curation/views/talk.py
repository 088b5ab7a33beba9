"""Remarks and flags on a prompt, and what names me: a fragment on other pages, and a page of its own."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.access import MANAGER, REVIEWER, project_or_404
from curation.forms_talk import FlagForm, RemarkForm
from curation.models import Flag
from curation.reviewing import drafts, unit_of
from curation.reviewing.talk import clear_flag, mentions_of, raise_flag, say, see, talk_of, unseen_mentions

IN_A_MENU = ("review", "resolve")
PLACES = ("prompt", *IN_A_MENU)  # the pages that show what is said; elsewhere it has its own
SHOWN = 200


def talk_context(project, user, prompts, *, place, remark=None, flag=None):
    """What _talk.html needs, for a page of `place` about `prompts`: {"talk": …}, merged into the page's context."""
    talk = talk_of(project, user, prompts, reviewing=place == "review")
    if remark is None:
        draft = drafts.comment_draft(user, talk.prompts)
        remark = RemarkForm(prompts=talk.prompts, begun=drafts.initial(draft, lists=()))
        remark.draft = draft
    shown = {
        "about": talk,
        "place": place,
        "first": talk.prompts[0],
        "remark": remark,
        "flag": flag or FlagForm(prompts=talk.prompts),
        "flag_open": flag is not None,
    }
    if place not in IN_A_MENU:  # there it is seen when it is opened
        see(user, [each.comment.pk for each in talk.remarks if each.unseen])
    return {"talk": shown}


@require_GET
def talk(request, slug, key):
    """What is said about a prompt: the fragment to HTMX, else a page."""
    project = project_or_404(request.user, slug)
    return _answer(request, project, _prompt(project, key))


@require_POST
def talk_say(request, slug, key):
    """Store a remark."""
    project = project_or_404(request.user, slug, REVIEWER)
    prompt = _prompt(project, key)
    form = RemarkForm(request.POST, prompts=_prompts(request, project, prompt))
    if not form.is_valid():
        form.as_typed = True
        return _answer(request, project, prompt, remark=form, status=422)
    said = form.cleaned_data
    comment, unknown = say(project, form.prompt, request.user, said["text"], key=said["key"])
    if unknown:
        names = ", ".join(f"@{name}" for name in unknown[:5])
        messages.warning(request, f"Nobody here is called {names}: nobody was told.")
    return _answer(request, project, prompt, comment=comment)


@require_POST
def talk_flag(request, slug, key):
    """Ask a manager to look at a prompt."""
    project = project_or_404(request.user, slug, REVIEWER)
    prompt = _prompt(project, key)
    form = FlagForm(request.POST, prompts=_prompts(request, project, prompt))
    if not form.is_valid():
        return _answer(request, project, prompt, flag=form, status=422)
    raise_flag(form.prompt, request.user, form.cleaned_data["note"])
    return _answer(request, project, prompt)


@require_POST
def talk_flag_clear(request, slug, key, pk):
    """A manager has looked at what was flagged."""
    project = project_or_404(request.user, slug, MANAGER)
    prompt = _prompt(project, key)
    flag = get_object_or_404(Flag, pk=pk, prompt__in=_prompts(request, project, prompt))
    if not clear_flag(flag, request.user, request.POST.get("answer", "")):
        messages.info(request, "Somebody had cleared this flag already.")
    return _answer(request, project, prompt)


@require_GET
def mentions(request):
    """Remarks that name me, the unseen ones first."""
    rows = list(mentions_of(request.user)[: SHOWN + 1])
    context = {"rows": rows[:SHOWN], "more": len(rows) > SHOWN, "unseen": unseen_mentions(request.user), "shown": SHOWN}
    return render(request, "curation/mentions.html", context)


@require_POST
def mentions_seen(request):
    """I have looked: at the remarks named in the form, or at all."""
    ids = [int(pk) for pk in request.POST.getlist("comment") if pk.isdecimal() and len(pk) < 19]
    see(request.user, ids or None)
    return HttpResponse(status=204) if request.htmx else redirect("mentions")


def _prompt(project, key):
    return get_object_or_404(project.prompts.select_related("document", "current_response"), key=key)


def _place(request):
    place = request.POST.get("place") or request.GET.get("place", "")
    return place if place in PLACES else ""


def _prompts(request, project, prompt):
    """What the page speaks of: the review page of both halves of a pair, any other of one prompt."""
    return list(unit_of(project, prompt.pk).prompts) if _place(request) == "review" else [prompt]


def _address(project, prompt, comment=None):
    url = reverse("prompt_detail", args=[project.slug, prompt.key])
    return f"{url}#comment-{comment.pk}" if comment else f"{url}#talk"


def _answer(request, project, prompt, *, comment=None, status=200, **forms):
    """The changed fragment to HTMX; else back to the page, or the talk's own with what is wrong in the form."""
    place = _place(request)
    if request.method == "POST" and not request.htmx and status == 200:
        said_of = comment.prompt if comment else prompt
        if place == "prompt":
            return redirect(_address(project, said_of, comment))
        anchor = f"#comment-{comment.pk}" if comment else ""
        return redirect(reverse("talk", args=[project.slug, said_of.key]) + anchor)
    context = {"project": project, "prompt": prompt, "fragment": bool(request.htmx)}
    context |= talk_context(project, request.user, _prompts(request, project, prompt), place=place, **forms)
    template = "curation/_talk.html" if request.htmx else "curation/talk.html"
    return render(request, template, context, status=status)
