"""What a run found that people had decided otherwise: its flips, and a manager's way to reopen them."""

from dataclasses import replace
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Left
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.access import MANAGER, project_or_404
from curation.labels import gate_reason, rule
from curation.models import FilterResult, GateResult, Resolution, State
from curation.paging import COUNT_CAP, capped_count, keyset_page
from curation.reviewing import hidden_from, reopen_many

AT_ONCE = 20_000  # prompts that one press reopens, so that it ends within a request
SETTLED = Q(response__prompt__state__in=(State.ACCEPTED, State.REJECTED)) & Q(
    response__prompt__current_response=F("response")
)
VERDICTS = {"filter": FilterResult, "gate": GateResult}


class FlipsForm(forms.Form):
    """Which flips of a run are listed."""

    verdict = forms.ChoiceField(
        label="Verdict of", required=False, choices=[("filter", "the filters"), ("gate", "SampleGate")]
    )
    now = forms.ChoiceField(
        label="It now", required=False, choices=[("", "passes or fails"), ("fails", "fails"), ("passes", "passes")]
    )
    decided = forms.ChoiceField(
        label="People",
        required=False,
        choices=[
            ("", "decided anything"),
            ("accept", "accepted it"),
            ("regenerate", "sent it back"),
            ("reject", "rejected it"),
        ],
    )
    which = forms.ChoiceField(
        label="Which", required=False, choices=[("", "still settled"), ("all", "also those that changed since")]
    )


class Flips:
    """The flips of one run under a form's filters."""

    def __init__(self, run, data):
        # Both kinds in one run only where a pipeline run filtered and judged; then the filters come first.
        kinds = [name for name, model in VERDICTS.items() if model.objects.filter(run=run, flips=True).exists()]
        first = kinds[0] if kinds else "filter"
        self.form = FlipsForm({"verdict": first} | {name: data[name] for name in data})
        self.chosen = {}
        self.form.is_valid()
        self.chosen = {name: value for name, value in self.form.cleaned_data.items() if value}
        self.kind = self.chosen.get("verdict", first)
        self.model, self.run, self.kinds = VERDICTS[self.kind], run, kinds

    @property
    def query(self):
        """The filters as they stand in an address."""
        return urlencode(self.chosen)

    def rows(self):
        """The verdicts that match."""
        rows = self.model.objects.filter(run=self.run, flips=True)
        if "now" in self.chosen:
            rows = rows.filter(passed=self.chosen["now"] == "passes")
        if "decided" in self.chosen:
            rows = rows.annotate(action=_last("action")).filter(action=self.chosen["decided"])
        return rows if self.chosen.get("which") == "all" else rows.filter(SETTLED)

    def page(self, after, user):
        """The next fifty, as dicts for the template; without what `user` is to decide without the judges' word."""
        why = "failed" if self.kind == "filter" else "reasons"
        rows = self.rows().annotate(excerpt=Left("response__text", 200), action_taken=_last("action"), by=_last("by"))
        rows = rows.values(
            *("pk", "passed", "excerpt", "action_taken", "by", "response_id", why, "response__prompt__key"),
            *("response__prompt__state", "response__prompt__task_type", "response__prompt__current_response_id"),
        )
        found = keyset_page(rows, after=after)
        say = rule if self.kind == "filter" else gate_reason
        hidden = self._hidden(user, {row["response__prompt__key"] for row in found.rows})
        found = replace(found, rows=[row for row in found.rows if row["response__prompt__key"] not in hidden])
        for row in found.rows:
            prompt = {name: row[f"response__prompt__{name}"] for name in ("key", "state", "task_type")}
            is_same = row["response__prompt__current_response_id"] == row["response_id"]
            settled = is_same and prompt["state"] in (State.ACCEPTED, State.REJECTED)
            row |= prompt | {"why": [say(code) for code in row[why]], "is_same": is_same, "is_settled": settled}
        return found

    def _hidden(self, user, keys):
        """Those of `keys` whose judgements this person does not see yet."""
        project = self.run.project
        if self.kind == "filter" or not project.member.may_review:
            return set()
        prompts = {prompt.pk: prompt for prompt in project.prompts.filter(key__in=keys)}
        return {prompts[pk].key for pk in hidden_from(user, project, list(prompts.values()))}


def _last(field):
    """What people last decided on the response, also where it counts no more."""
    by_people = Resolution.objects.filter(response=OuterRef("response")).exclude(by=Resolution.By.POLICY)
    return Subquery(by_people.order_by("-pk").values(field)[:1])


def _run_or_404(project, pk):
    run = get_object_or_404(project.runs, pk=pk)
    run.project = project
    return run


@require_GET
def run_flips(request, slug, pk):
    """Verdicts of a run that differ from those under which people decided; fifty a page."""
    project = project_or_404(request.user, slug)
    return _page(request, project, _run_or_404(project, pk), request.GET)


def _page(request, project, run, data, *, status=200, **more):
    flips = Flips(run, data)
    after = request.GET.get("after", "")
    after = int(after) if after.isdecimal() and len(after) < 19 else 0
    context = {
        "project": project,
        "run": run,
        "flips": flips,
        "page": flips.page(after, request.user),
        "is_first": not after,
        "count": capped_count(flips.rows()),
        "total": sum(capped_count(model.objects.filter(run=run, flips=True)) for model in VERDICTS.values()),
        "cap": COUNT_CAP,
        "most": AT_ONCE,
    }
    return render(request, "pipeline/run_flips.html", context | more, status=status)


@require_POST
def run_flips_reopen(request, slug, pk):
    """Reopen the ticked ones, or all that the list's filters match, for one reason."""
    project = project_or_404(request.user, slug, MANAGER)
    run = _run_or_404(project, pk)
    data = QueryDict(request.POST.get("query", ""))
    flips, reason = Flips(run, data), request.POST.get("reason", "")
    everything = request.POST.get("scope") == "all"
    ticked = [int(key) for key in request.POST.getlist("key")[:AT_ONCE] if key.isdecimal() and len(key) < 19]
    if not reason.strip():
        problem = "Say why they are reopened: the reason stays in the history of each."
        return _page(request, project, run, data, status=422, error=problem, ticked=ticked)
    rows = flips.rows() if everything else flips.model.objects.filter(run=run, flips=True, pk__in=ticked)
    pairs = rows.order_by("pk").values_list("response__prompt", "response")
    chosen = dict(pairs[: AT_ONCE + 1])
    left = len(chosen) > AT_ONCE
    if left:
        chosen.popitem()
    reopened = reopen_many(project, chosen, request.user, reason)
    _say(request, len(chosen), len(reopened), _shown(request) if everything else 0, left)
    return redirect(f"{reverse('run_flips', args=[slug, pk])}?{flips.query}")


def _shown(request):
    shown = request.POST.get("shown", "")
    return int(shown) if shown.isdecimal() and len(shown) < 9 else 0


def _say(request, chosen, reopened, shown, left):
    """How many went back to review, how many had changed since the list was shown, and how many are still to come."""
    if not chosen and not shown:
        messages.warning(request, "Nothing was reopened: tick the prompts first.")
        return
    words = "1 prompt waits" if reopened == 1 else f"{reopened:,} prompts wait"
    (messages.success if reopened else messages.warning)(request, f"{words} for review again.")
    changed = chosen - reopened + (max(0, shown - chosen) if not left else 0)
    if changed:
        had = "1 had" if changed == 1 else f"{changed:,} had"
        messages.warning(request, f"{had} changed since the list was shown, and was left as it is.")
    if left:
        messages.info(request, f"More are left: one press takes {AT_ONCE:,} at most. Press again for the next.")
