"""The demo project: passages and sample answers written for it, a real model, and a policy that says what it does."""

import json
import os
import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from curation.importing import import_answers, import_file
from curation.models import Membership, Project, PromptTemplate, Ruleset, Teacher
from curation.models.state import MACHINE_STATES
from curation.models.teacher import EMBEDDED

from . import prompts
from .config import load_config
from .embedded.model import MODEL_NAME
from .gate import load_gate
from .setup import project_for
from .stages import filtering
from .stages.composing import compose

SLUG = "demo"
PASSAGES = settings.CONFIG_DIR / "demo" / "passages.jsonl"
ANSWERS = settings.CONFIG_DIR / "demo" / "sample_answers.jsonl"
LOGINS = settings.DATA_DIR / "demo_logins.json"
AUTO_ACCEPT_PERCENT = 60
PEOPLE = {
    "manager": Membership.Role.MANAGER,
    "reviewer1": Membership.Role.REVIEWER,
    "reviewer2": Membership.Role.REVIEWER,
}
TEMPLATES = {
    "hypothesis": "demo/hypothesis",
    "methodology": "demo/methodology",
    "system_toolproto": "demo/system",
    "judge_factuality": "demo/judge_factuality",
    "judge_reasoning": "demo/judge_reasoning",
}

# What a model of 135M parameters can fill in within seconds: led by patterns, since it copies examples word for word
# and wanders into other languages without them. With the parameters below, none of 16 answers was broken.
_WORDS = "([A-Za-z0-9 ,%°µ²()/-]|[0-9]\\.[0-9])"
SMALL_MODEL = {
    "answer_schema": {
        "leave_out": ["support"],
        "patterns": {
            "statement": f"^If the {_WORDS}{{50,220}}\\.$",
            "variable": f"^the {_WORDS}{{3,50}}$",
            "outcome": f"^the {_WORDS}{{3,50}}$",
            "system": f"^[A-Za-z]{_WORDS}{{8,70}}$",
            "perturbation": f"^[A-Za-z]{_WORDS}{{8,70}}$",
            "control": f"^untreated {_WORDS}{{8,70}}$",
            "readout": f"^measurement of {_WORDS}{{8,70}}$",
            "safety": f"^(Wear gloves|Wear goggles|Work in a fume hood)( (when|while) {_WORDS}{{8,40}})?$",
            "steps": [f"^{verb} {_WORDS}{{20,130}}\\.$" for verb in ("Prepare", "Treat", "Measure", "Compare")],
        },
    },
    "judge_schema": {
        "leave_out": ["dimensions", "flags", "requires_human_review"],
        "patterns": {"rationale": f"^The answer {_WORDS}{{20,90}}\\.$"},
    },
}

WEAK = (
    "Answers here come from SmolLM2-135M, a very small and weak model that runs on this machine so that the product "
    "can be tried without an account. It does not meet the real thresholds. Its judge scores are shown but decide "
    f"nothing, the filters are the looser configs/demo_filters.yaml, and {AUTO_ACCEPT_PERCENT} % of what passes is "
    "accepted without a person, so that there is a first release to look at; the rest waits in the review queue "
    "for you."
)
OTHERS = (
    "Answers here come from the endpoint that the environment names. The passages and sample answers are written for "
    f"this demo. {AUTO_ACCEPT_PERCENT} % of what passes filters and judges is accepted without a person, so that there "
    "is a first release to look at; the rest waits in the review queue for you."
)
GUIDELINES = """\
Accept a **hypothesis** that can be proved wrong: one to three sentences, a named variable, a measurable outcome,
grounded in the source and not simply a known fact.

Accept a **methodology** that a normal laboratory could repeat: four to six steps that name the system, the
perturbation, the control, the readout and the safety measures.

Correct small things in the text and accept. Send back what a second try could mend. Reject what no try will.
"""


def uses_own_endpoint():
    """Whether the environment names an endpoint to use in place of the embedded model."""
    return bool(os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"))


@transaction.atomic
def make_project():
    """The demo project with its people, rules and teachers; made if absent, else left as people changed it."""
    project = Project.objects.filter(slug=SLUG).first()
    if project is None:
        project = Project.objects.create(
            slug=SLUG,
            name="Demo",
            guidelines=GUIDELINES,
            auto_accept_percent=AUTO_ACCEPT_PERCENT,
            split_seed="demo",
        )
        filtering.adopt(project, settings.CONFIG_DIR / "demo_filters.yaml")
    _choose_teachers(project)
    return project


def _choose_teachers(project):
    if uses_own_endpoint():
        config = load_config()
        project_for(config, SLUG)
        project.refresh_from_db()
        project.judge_factuality = project.judge_factuality or project.teacher
        project.judge_reasoning = project.judge_reasoning or project.teacher
        project.notice = OTHERS
        project.save()
        return
    teacher = embedded_teacher()
    project.teacher = project.regen_teacher = project.judge_factuality = project.judge_reasoning = teacher
    project.notice = WEAK
    project.save()
    Ruleset.record(project, Ruleset.Kind.GATE, load_gate({"decides": False}), origin="demo: scores are shown only")
    for name, shipped in TEMPLATES.items():
        if PromptTemplate.current(project, name) is None:
            PromptTemplate.record(project, name, prompts.shipped(shipped), origin=f"prompts/{shipped}.txt")


def embedded_teacher():
    """The teacher row of the embedded model."""
    return Teacher.objects.get_or_create(
        name=f"{MODEL_NAME} (embedded)",
        defaults={
            "kind": Teacher.Kind.EMBEDDED,
            "base_url": EMBEDDED,
            "model": MODEL_NAME,
            "concurrency": 4,
            "timeout_seconds": 300,
            "parameters": {"temperature": 0.2, "top_p": 0.95, "repeat_penalty": 1.05, "max_tokens": 400},
            "profile": SMALL_MODEL,
            "input_price": 0,
            "output_price": 0,
        },
    )[0]


def make_people(project):
    """The demo's accounts with random passwords, kept beside the data for the next start: [(name, password, role)]."""
    users = get_user_model()
    known = json.loads(LOGINS.read_text()) if LOGINS.exists() else {}
    for name in PEOPLE:
        if name not in known or not users.objects.filter(username=name).exists():
            known[name] = secrets.token_urlsafe(9)
            boss = name == "manager"
            user, _ = users.objects.update_or_create(
                username=name, defaults={"is_staff": boss, "is_superuser": boss, "email": ""}
            )
            user.set_password(known[name])
            user.save()
        project.add_member(users.objects.get(username=name), PEOPLE[name])
    descriptor = os.open(LOGINS, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(known, file)
    return [(name, known[name], role.label) for name, role in PEOPLE.items()]


def finished_by_the_model(project):
    """How many prompts with an answer of the model's own wait for no machine any more."""
    answered = project.prompts.filter(current_response__isnull=False).exclude(state__in=MACHINE_STATES)
    return answered.exclude(current_response__teacher__kind=Teacher.Kind.IMPORTED).count()


def import_samples(project):
    """The passages, and the sample answers as answers of a teacher of their own; again: nothing new."""
    columns = {"text": "text", "title": "title", "domain": "domain", "locator": "locator", "licence": "licence"}
    report = import_file(project, PASSAGES, columns, task_types=["hypothesis", "methodology"])
    teacher, _ = Teacher.objects.get_or_create(
        name="sample answers", defaults={"kind": Teacher.Kind.IMPORTED, "model": "sample answers"}
    )
    rows = [json.loads(line) for line in ANSWERS.read_text(encoding="utf-8").splitlines() if line.strip()]
    answered = import_answers(project, rows, teacher, render=lambda prompt: compose(prompt)[:2])
    return report, answered
