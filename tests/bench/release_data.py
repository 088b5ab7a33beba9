"""A project of accepted answers for bench_release: pairs of a source, each with its decisions and verdicts."""

from itertools import islice

from tests.bench import filter_texts

PORTION = 5000  # rows stored in one transaction
REFUSED = 20  # one in so many has an earlier answer that the filters refused
DOMAINS = ("optics", "acoustics", "electrochemistry", "microbiology")


def project_of(rows):
    """A new paired project with so many accepted answers of about 150 words."""
    from curation.models import Project, Ruleset, Teacher
    from tests import factories

    number = Project.objects.count() + 1
    project = Project.objects.create(name=f"Bench {number}", slug=f"bench-{number}", near_duplicate_percent=0)
    teacher = Teacher.objects.get_or_create(name="stand-in", base_url="http://127.0.0.1:9/v1", model="stand-in")[0]
    rules = Ruleset.record(project, "filter", {"min_char_length": 120})
    gate = Ruleset.record(project, "gate", {"judge_f_threshold": 80, "judge_r_threshold": 80})
    reviewer = factories.member(project, "reviewer", name=f"reviewer of {project.slug}")
    texts, made = filter_texts.texts(rows), 0
    while portion := list(islice(texts, PORTION)):
        _store(project, portion, f"{number:08x}{made:08x}", teacher.pk, rules.pk, gate.pk, reviewer.pk)
        made += len(portion)
    return project


def _store(project, portion, name, teacher, rules, gate, reviewer):
    from django.db import transaction

    with transaction.atomic():
        prompts = _prompts(project, portion, name)
        responses = _responses(portion, prompts, teacher)
        _verdicts(responses, rules, gate, reviewer)


def _prompts(project, portion, name):
    """Ids of new prompts, a hypothesis and a methodology for each source, as pairs."""
    from curation.models import Pair, Prompt, SourceDocument
    from curation.models.writing import insert_values

    sources = [
        (f"{name}{place:048x}", f"Source {name} {place}. {text[:700]}", f"doi:10.1000/{name}.{place // 3}")
        for place, (_, text, _) in enumerate(portion[::2])
    ]
    constants = {"project_id": project.pk, "licence": "CC-BY-4.0", "title": "A made source"}
    insert_values(SourceDocument, ("content_hash", "text", "locator"), sources, **constants)
    documents = dict(
        SourceDocument.objects.filter(project=project, content_hash__startswith=name).values_list("content_hash", "pk")
    )
    rows = []
    for place, (task_type, _, _) in enumerate(portion):
        source = sources[place // 2]
        group = f"{source[2][12:]:0>64}"
        key = f"{name}{place:048x}"
        rows.append((key, group, task_type, source[1], documents[source[0]], DOMAINS[place // 2 % len(DOMAINS)]))
    names = ("key", "group_key", "task_type", "context", "document_id", "domain")
    insert_values(Prompt, names, rows, project_id=project.pk, attempts=1)
    ids = list(
        Prompt.objects.filter(project=project, key__startswith=name).order_by("key").values_list("pk", flat=True)
    )
    insert_values(Pair, ("hypothesis_id", "methodology_id"), zip_pairs(ids), project_id=project.pk)
    return ids


def zip_pairs(ids):
    """(hypothesis, methodology) of ids in their order."""
    return list(zip(ids[::2], ids[1::2], strict=True))


def _responses(portion, prompts, teacher):
    """(id, text) of the accepted answers; some follow one that was refused."""
    from django.db.models import OuterRef, Subquery

    from curation.models import Prompt, State, TeacherResponse
    from curation.models.writing import insert_values

    rows = []
    for place, (prompt, (_, text, tokens)) in enumerate(zip(prompts, portion, strict=True)):
        asked = f"Read the source and answer.\n\n{text[:700]}"
        refused = place % REFUSED == 3
        rows += [(prompt, f"As an AI model I say: {text}", tokens, asked, 1, tokens)] if refused else []
        rows.append((prompt, text, tokens, asked, 2 if refused else 1, 180))
    names = ("prompt_id", "text", "completion_tokens", "sent_user", "attempt", "prompt_tokens")
    constants = {"teacher_id": teacher, "finish_reason": "stop", "form": "plain", "model_id": "stand-in-1"}
    insert_values(TeacherResponse, names, rows, **constants)
    newest = TeacherResponse.objects.filter(prompt=OuterRef("pk")).order_by("-attempt").values("pk")[:1]
    Prompt.objects.filter(pk__among=prompts).update(current_response=Subquery(newest), state=State.ACCEPTED)
    return list(
        TeacherResponse.objects.filter(prompt__among=prompts)
        .order_by("pk")
        .values_list("pk", "text", "prompt", "attempt")
    )


def _verdicts(responses, rules, gate, reviewer):
    from django.utils import timezone

    from curation.models import Annotation, FilterResult, GateResult, Resolution
    from curation.models.writing import insert_values

    newest = {row[2]: row for row in responses}
    accepted = list(newest.values())
    refused = [row for row in responses if newest[row[2]][0] != row[0]]
    insert_values(
        FilterResult,
        ("response_id", "failed", "passed"),
        [(row[0], "[]", True) for row in accepted] + [(row[0], '["ban_refusals"]', False) for row in refused],
        ruleset_id=rules,
        measurements=[],
    )
    scores = [(row[0], 70.0 + row[0] % 30) for row in accepted]
    insert_values(GateResult, ("response_id", "score"), scores, ruleset_id=gate, passed=True)
    decisions = [(row[0], f"key {row[0]}") for row in accepted]
    insert_values(Annotation, ("response_id", "idempotency_key"), decisions, reviewer_id=reviewer, action="accept")
    held = [(row[0], row[1]) for row in accepted]
    insert_values(Resolution, ("response_id", "text"), held, by="consensus", action="accept", applied_at=timezone.now())
