"""Many judged answers at once, some of them decided: for tests of the gate simulator and the calibration."""

import hashlib
import random

from curation.models import Annotation, JudgeScore, Prompt, Resolution, State, TeacherResponse
from curation.models.prompt import content_key
from tests import factories

VERSION = "v" * 64


def version_of(project, rubric):
    """What readings by the rubric in force carry."""
    from pipeline.simulating.drawing import versions

    return versions(project).get(rubric, VERSION)


def many(project, n, *, decided=0.5, seed=1, reviewers=(), task_type="hypothesis", repeats=1, teachers=(), domains=()):
    """`n` judged answers whose better ones people rather accept; returns the responses.

    `decided` is the share that the `reviewers` and their consensus settled; the others wait for review.
    """
    rng = random.Random(seed)
    reviewers = list(reviewers) or [factories.member(project, "reviewer")]
    responses = _answers(project, n, rng, task_type, teachers or [factories.some_teacher()], domains or ["chemistry"])
    quality = [min(100, max(0, round(rng.gauss(78, 14)))) for _ in responses]
    settled = set(rng.sample(range(n), round(decided * n)))
    scores, annotations, resolutions, states = [], [], [], {}
    judges = project.judges or {name: factories.some_teacher() for name in ("factuality", "reasoning")}
    versions = {rubric: version_of(project, rubric) for rubric in judges}
    for place, (response, good) in enumerate(zip(responses, quality, strict=True)):
        for rubric, judge in judges.items():
            for repeat in range(repeats):
                score = min(100, max(0, round(good + rng.gauss(0, 8))))
                scores.append(_score(response, judge, rubric, versions[rubric], repeat, score, rng))
        if place in settled:
            actions = ["accept" if rng.random() < (good - 40) / 55 else "reject" for _ in reviewers]
            annotations += [_decision(response, *pair, rng) for pair in zip(reviewers, actions, strict=True)]
            action = max(set(actions), key=actions.count)
            resolutions.append(Resolution(response=response, by="consensus", action=action, text=response.text))
            states.setdefault(State.ACCEPTED if action == "accept" else State.REJECTED, []).append(response.prompt_id)
    JudgeScore.objects.bulk_create(scores, batch_size=2000)
    Annotation.objects.bulk_create(annotations, batch_size=2000)
    Resolution.objects.bulk_create(resolutions, batch_size=2000)
    for state, ids in states.items():
        for start in range(0, len(ids), 2000):
            Prompt.objects.filter(pk__in=ids[start : start + 2000]).update(state=state)
    return responses


def _answers(project, n, rng, task_type, teachers, domains):
    start = Prompt.objects.count()
    rows = []
    for number in range(start, start + n):
        context, domain = f"Source {number} of {project.pk}", rng.choice(domains)
        key = content_key(task_type, domain, "", context, "")
        group = hashlib.sha256(context.encode()).hexdigest()
        rows.append(
            Prompt(project=project, task_type=task_type, domain=domain, context=context, key=key, group_key=group)
        )
    prompts = Prompt.objects.bulk_create(rows, batch_size=2000)
    made = [
        TeacherResponse(
            prompt=prompt,
            teacher=rng.choice(teachers),
            text=f"If iron is added in run {prompt.pk}, the overpotential falls." * rng.choice([1, 2, 5]),
            sent_user=prompt.context,
        )
        for prompt in prompts
    ]
    made = TeacherResponse.objects.bulk_create(made, batch_size=2000)
    for response in made:
        response.prompt.current_response, response.prompt.attempts = response, 1
    Prompt.objects.bulk_update(prompts, ["current_response", "attempts"], batch_size=500)
    Prompt.objects.filter(project=project, state=State.TO_COLLECT).update(state=State.TO_REVIEW)
    return made


def _score(response, judge, rubric, version, repeat, score, rng):
    names = ("plausibility", "grounding") if rubric == "factuality" else ("falsifiability", "method_rigour")
    dimensions = {name: min(100, max(0, score + rng.randint(-10, 10))) for name in names}
    return JudgeScore(
        response=response,
        judge=judge,
        rubric=rubric,
        rubric_version=version,
        repeat=repeat,
        score=score,
        dimensions=dimensions,
        flags=rng.choice([[]] * 19 + [["safety_chemical"]]),
    )


def _decision(response, reviewer, action, rng):
    blind, seconds = rng.random() < 0.4, rng.randint(20, 120)
    return Annotation(
        response=response, reviewer=reviewer, action=action, blind=blind, seconds=seconds, idempotency_key="k"
    )
