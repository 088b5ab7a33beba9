"""Rows for tests: plain functions, each makes one valid thing and takes what the test cares about as keywords."""

import hashlib
import itertools

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone

from curation.models import (
    Annotation,
    Audit,
    Batch,
    Call,
    Change,
    Comment,
    Complaint,
    Draft,
    EvaluationSet,
    FilterResult,
    Fingerprint,
    Flag,
    GateResult,
    Gold,
    JudgeScore,
    Overlap,
    Pair,
    Project,
    Prompt,
    PromptTemplate,
    Release,
    Resolution,
    Rubric,
    Ruleset,
    Run,
    SavedView,
    SourceDocument,
    State,
    Tally,
    Teacher,
    TeacherResponse,
    Withdrawal,
)
from curation.models.prompt import content_key
from pipeline.formats import row_id
from pipeline.rubrics import load_rubric

PASSWORD = "correct horse battery"
HYPOTHESIS = (
    "If the concentration of iron in the electrolyte is raised from 0 to 20 µM, then the overpotential of the "
    "cobalt oxide film at 10 mA/cm² will decrease by at least 30 mV."
)
METHODOLOGY = """1. Prepare twelve cobalt oxide films of 50 nm on conducting glass and measure their mass.
2. Treat six films with 20 µM iron in the electrolyte; keep six without iron as the control group.
3. Apply 10 mA/cm² for two hours at 25 °C and record the overpotential every five minutes.
4. Measure the final overpotential by chronopotentiometry and compare both groups with a t test.
5. Wear gloves and goggles, work in a fume hood, and collect the cobalt waste for disposal."""
ANSWERED = {s for s in State.values if s not in (State.TO_COLLECT, State.REJECTED, State.PARKED)}

_count = itertools.count(1)


def _text(task_type):
    return METHODOLOGY if task_type == "methodology" else HYPOTHESIS


def user(name=None, *, superuser=False, **fields):
    """A person who logs in with PASSWORD."""
    name = name or f"user{next(_count)}"
    make = auth.get_user_model().objects.create_superuser if superuser else auth.get_user_model().objects.create_user
    return make(name, f"{name}@example.org", PASSWORD, **fields)


def project(name=None, *, managers=(), reviewers=(), viewers=(), **fields):
    """A project with these people in it; nothing is blind or held as a near-duplicate unless `fields` say so."""
    name = name or f"Project {next(_count)}"
    fields = {"blind_percent": 0, "near_duplicate_percent": 0} | fields
    made = Project.objects.create(name=name, slug=fields.pop("slug", None) or Project.free_slug(name), **fields)
    for role, people in (("manager", managers), ("reviewer", reviewers), ("viewer", viewers)):
        for person in people:
            made.add_member(person, role)
    return made


def member(project, role, *, can_resolve=False, name=None):
    """A new person with `role` in `project`; returns the user."""
    person = user(name)
    project.add_member(person, role, can_resolve=can_resolve)
    return person


def client(person=None):
    """A browser of `person`, logged in; of nobody without one."""
    browser = Client()
    if person:
        # What `force_login` leaves, in two queries instead of the ten of a whole log-in.
        session = SessionStore()
        session[auth.SESSION_KEY] = str(person.pk)
        session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[auth.HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
        browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser


def clients(project):
    """One client per role towards `project`."""
    return {
        "anonymous": client(),
        "outsider": client(user()),
        "viewer": client(member(project, "viewer")),
        "reviewer": client(member(project, "reviewer")),
        "resolver": client(member(project, "reviewer", can_resolve=True)),
        "manager": client(member(project, "manager")),
        "superuser": client(user(superuser=True)),
    }


def teacher(name=None, **fields):
    """An endpoint; give `base_url=teacher_server.url` to have it answer."""
    defaults = {"base_url": "http://127.0.0.1:9/v1", "model": "stand-in", "timeout_seconds": 60}
    return Teacher.objects.create(name=name or f"Teacher {next(_count)}", **(defaults | fields))


def some_teacher():
    """Any teacher, for rows that only need one."""
    return Teacher.objects.filter(kind="endpoint").order_by("pk").first() or teacher()


def document(project, text=None, **fields):
    """A source passage."""
    number = next(_count)
    text = text or f"Passage {number}: adding 20 µM of iron lowered the overpotential of cobalt oxide by 60 mV."
    defaults = {"title": f"Passage {number}", "domain": "chemistry", "locator": f"test:{number}", "licence": "CC0-1.0"}
    fields = defaults | fields
    digest = hashlib.sha256(f"{text}\0{fields['locator']}".encode()).hexdigest()
    return SourceDocument.objects.create(project=project, content_hash=digest, text=text, **fields)


def prompt(project, state=State.TO_COLLECT, *, task_type="hypothesis", document=None, answer=None, **fields):
    """A prompt in `state`; states that need an answer get one, as does any state with `answer` given."""
    text = document.text if document else f"Source {next(_count)}: dust of 10 g/m² made snow melt nine days earlier."
    content = {"domain": "chemistry", "user_prompt": "", "context": text, "system_prompt": ""}
    content |= {name: fields.pop(name) for name in list(content) if name in fields}
    key = content_key(
        task_type, content["domain"], content["user_prompt"], content["context"], content["system_prompt"]
    )
    source = (document.locator if document else "") or content["context"] or content["user_prompt"]
    defaults = {"key": key, "group_key": hashlib.sha256(source.encode()).hexdigest()}
    if state == State.PARKED:
        defaults |= {"parked_from": State.TO_COLLECT, "error_class": "server", "error_detail": "HTTP 500"}
    made = Prompt.objects.create(
        project=project, task_type=task_type, document=document, **(defaults | content | fields)
    )
    if state in ANSWERED or answer is not None:
        response(made, answer)
    if state != State.TO_COLLECT:
        # The shortest way into any state; only tests may take it.
        Prompt.objects.filter(pk=made.pk).update(state=state)
        made.refresh_from_db()
    Tally.objects.add_prompts(project.pk, **{made.state: 1})
    return made


def many_prompts(project, contexts, *, task_type="hypothesis"):
    """One prompt to collect for each text, in few statements: for tests and benchmarks of thousands."""
    made = [
        Prompt(
            project=project,
            task_type=task_type,
            domain="chemistry",
            context=text,
            key=content_key(task_type, "chemistry", "", text, ""),
            group_key=hashlib.sha256(text.encode()).hexdigest(),
        )
        for text in contexts
    ]
    Prompt.objects.bulk_create(made, batch_size=500)
    Tally.objects.add_prompts(project.pk, to_collect=len(made))


def pair(project, state=State.TO_COLLECT, *, methodology_state=None, **document_fields):
    """The hypothesis and methodology prompt of a new document; an answered method answers the hypothesis' answer."""
    source = document(project, **document_fields)
    hypothesis = prompt(project, state, document=source)
    methodology = prompt(project, methodology_state or state, task_type="methodology", document=source)
    if methodology.current_response and hypothesis.current_response:
        TeacherResponse.objects.filter(pk=methodology.current_response_id).update(
            hypothesis=hypothesis.current_response
        )
        methodology.current_response.refresh_from_db()
    return Pair.objects.create(project=project, document=source, hypothesis=hypothesis, methodology=methodology)


def batch(project, **fields):
    """A file of requests that is on its way."""
    defaults = {"teacher": some_teacher(), "run": run(project), "state": "submitted", "requests": 1}
    return Batch.objects.create(project=project, **(defaults | fields))


def call(project=None, *, teacher=None, **fields):
    """An answered request in the ledger."""
    number = next(_count)
    defaults = {
        "payload_hash": hashlib.sha256(f"payload {number}".encode()).hexdigest(),
        "model": "stand-in",
        "state": Call.State.ANSWERED,
        "request": {"messages": []},
        "raw_reply": "{}",
        "finish_reason": "stop",
        "sends": 1,
    }
    return Call.objects.create(teacher=teacher or some_teacher(), project=project, **(defaults | fields))


def response(prompt, text=None, *, current=True, **fields):
    """The next attempt at `prompt`; it becomes the current one unless told otherwise."""
    attempt = fields.pop("attempt", None) or prompt.responses.count() + 1
    defaults = {
        "teacher": fields.pop("teacher", None) or some_teacher(),
        "form": "plain",
        "finish_reason": "stop",
        "model_id": "stand-in",
        "sent_user": prompt.user_prompt or prompt.context,
        "completion_tokens": 120,
    }
    text = _text(prompt.task_type) if text is None else text
    made = TeacherResponse.objects.create(prompt=prompt, attempt=attempt, text=text, **(defaults | fields))
    if current:
        Prompt.objects.filter(pk=prompt.pk).update(current_response=made, attempts=attempt)
        prompt.refresh_from_db()
    return made


def ruleset(project, kind="filter", body=None):
    """The project's current rules of `kind`."""
    bodies = {"filter": {"min_char_length": 120}, "gate": {"judge_f_threshold": 80, "judge_r_threshold": 80}}
    return Ruleset.record(project, kind, bodies[kind] if body is None else body)


def filter_result(response, *, failed=(), **fields):
    """What the filters measured; with no failed rule it passed."""
    project = response.prompt.project
    rows = [{"rule": rule, "value": 1, "limit": 0, "ok": False, "note": ""} for rule in failed]
    return FilterResult.objects.create(
        response=response,
        ruleset=fields.pop("ruleset", None) or project.filter_ruleset or ruleset(project),
        measurements=rows or [{"rule": "min_char_length", "value": 200, "limit": 120, "ok": True, "note": ""}],
        failed=list(failed),
        passed=not failed,
        **fields,
    )


def gate_result(response, *, reasons=(), **fields):
    """What SampleGate decided; with no reason it passed."""
    project = response.prompt.project
    return GateResult.objects.create(
        response=response,
        ruleset=fields.pop("ruleset", None) or project.gate_ruleset or ruleset(project, "gate"),
        reasons=list(reasons),
        passed=not reasons,
        **fields,
    )


def judge_score(response, rubric="factuality", score=90, **fields):
    """A judge's reading; a score of None needs `error`."""
    defaults = {"judge": some_teacher(), "rubric_version": "0" * 64, "rationale": "It fits the source."}
    if score is None:
        defaults |= {"error": "The reply is not JSON.", "rationale": ""}
    return JudgeScore.objects.create(response=response, rubric=rubric, score=score, **(defaults | fields))


def annotation(response, reviewer, action="accept", **fields):
    """A current decision of `reviewer`."""
    defaults = {"idempotency_key": f"key{next(_count)}"}
    fields = {"response": response, "reviewer": reviewer, "action": action} | defaults | fields
    made = Annotation.objects.decide(response.prompt.project, **fields)
    Prompt.objects.filter(pk=response.prompt_id).count_decisions()
    return made


def resolution(response, action="accept", **fields):
    """What holds for `response`, already applied."""
    defaults = {"by": Resolution.By.CONSENSUS, "text": response.text, "applied_at": timezone.now()}
    return Resolution.objects.create(response=response, action=action, **(defaults | fields))


def accepted(project, **fields):
    """A prompt that people accepted, with its resolution."""
    made = prompt(project, State.ACCEPTED, **fields)
    resolution(made.current_response)
    return made


def run(project, stage="collect", state="queued", **fields):
    """A run; no job stands behind it."""
    return Run.objects.create(project=project, stage=stage, state=state, **fields)


def release(project, *, version=1, state="published", **fields):
    """A release row; its files are the test's business."""
    return Release.objects.create(project=project, version=version, state=state, seed=project.split_seed, **fields)


def template(project, name="hypothesis", body="Write one hypothesis about: {{context}}"):
    """The newest version of a prompt template."""
    return PromptTemplate.record(project, name, body)


def rubric(project, name="reasoning", body=None):
    """The newest version of a rubric; a small one unless `body` says more."""
    small = {"label": "Reasoning", "dimensions": [{"name": "falsifiability", "label": "Falsifiability"}]}
    return Rubric.record(project, name, load_rubric(body or small))


def fingerprint(prompt, response=None, **fields):
    """A fingerprint of a prompt, or of one response to it; no real MinHash."""
    kind = "response" if response else "prompt"
    fields = {"method": "none", "signature": b"", "unit": prompt.pk} | fields
    return Fingerprint.objects.create(project=prompt.project, kind=kind, prompt=prompt, response=response, **fields)


def held_out(project, name="held-out", **fields):
    """An evaluation set without its n-grams."""
    fields = {"sha256": "0" * 64, "n": 12, "texts": 1, "ngrams": 1} | fields
    return EvaluationSet.objects.create(project=project, name=name, **fields)


def overlap(prompt, response=None, *, evaluation_set=None, **fields):
    """What a prompt or a response shares with an evaluation set."""
    fields = {"shared": 3, "share": 0.1, "words": "the shared words"} | fields
    evaluation_set = evaluation_set or held_out(prompt.project)
    return Overlap.objects.create(evaluation_set=evaluation_set, prompt=prompt, response=response, **fields)


def gold(response, action="reject", **fields):
    """A response whose right decision is known."""
    return Gold.objects.create(response=response, action=action, **fields)


def comment(prompt, author, text="Look at the second number.", *, mentions=(), **fields):
    """A remark on a prompt that names `mentions`."""
    made = Comment.objects.create(prompt=prompt, author=author, text=text, **fields)
    for person in mentions:
        made.mentions.create(user=person)
    return made


def flag(prompt, raised_by, note="The source is cut off.", **fields):
    """An open flag."""
    return Flag.objects.create(prompt=prompt, raised_by=raised_by, note=note, **fields)


def draft(response, reviewer, **body):
    """What `reviewer` typed about `response`."""
    return Draft.objects.create(response=response, reviewer=reviewer, body=body)


def saved_view(project, owner, name="Cited", query="failed=ban_citations", **fields):
    """A query under a name."""
    return SavedView.objects.create(project=project, owner=owner, name=name, query=query, **fields)


def change(project, by, *prompts, kind="bulk", action="reopen", **fields):
    """A change over `prompts`, without its effects."""
    made = Change.objects.create(project=project, created_by=by, kind=kind, action=action, **fields)
    for each in prompts:
        made.items.create(prompt=each, response=each.current_response)
    return made


def complaint(response, code="ban_citations", *, source="filter", words="It cites [1].", **fields):
    """A fault that `response` was asked to mend."""
    return Complaint.objects.create(response=response, source=source, code=code, words=words, **fields)


def withdrawal(project, value="doi:10.1/x", *, kind="source", reason="The paper was retracted.", **fields):
    """Something that no release may hold any more; without its effects."""
    return Withdrawal.objects.create(project=project, kind=kind, value=value, reason=reason, **fields)


def audit(project, *responses, rows=10, size=2, allowed=0, **fields):
    """An audit that drew `responses`; nobody looked at them yet."""
    made = Audit.objects.create(project=project, rows=rows, size=size, allowed=allowed, rows_sha256="a" * 64, **fields)
    for each in responses:
        made.items.create(prompt=each.prompt, response=each, row_id=row_id(each.prompt.key, each.text))
    return made
