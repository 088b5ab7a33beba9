"""Import as a run: the same reading as the command, with progress on the run page."""

from dataclasses import asdict
from pathlib import Path

from curation.importing import ImportRefused, import_file
from curation.importing.outputs import JUDGED
from curation.models import Run
from pipeline import answers, prompts
from pipeline.gate import SHORT
from pipeline.prompts import PromptError

from .composing import only_looking, template


class Interrupted(Exception):
    """The run was cancelled, or the worker must end; what was imported so far stays."""


def rejects_path(run):
    """Where the rows that an import run could not take are listed, as JSON Lines."""
    return run.project.data_dir / "uploads" / f"run-{run.pk}-rejects.jsonl"


def answer_reader(project):
    """What `import_file` takes as `read_answer`: imported texts are read as a teacher's replies are.

    Nobody knows what was sent for them; the message that today's templates give stands in its place.
    """
    bodies = {}

    def body(name):
        if name not in bodies:
            try:
                with only_looking():
                    bodies[name] = template(project, name).body
            except PromptError:
                bodies[name] = ""
        return bodies[name]

    def read(prompt, text):
        parsed = answers.parse_answer(text, prompt.task_type)
        return {
            "text": parsed.text or text,
            "fields": parsed.fields,
            "parse_error": parsed.error or parsed.note,
            "thinking": parsed.thinking,
            "renderer": answers.RENDERER_VERSION,
            "parser": answers.PARSER_VERSION,
            "sent_user": _message(prompt, "" if prompt.user_prompt else body(prompt.task_type)),
            "sent_system": prompt.system_prompt,
        }

    return read


def _message(prompt, body):
    try:
        return prompts.user_message(
            template=body,
            task_type=prompt.task_type,
            user_prompt=prompt.user_prompt,
            context=prompt.context,
            domain=prompt.domain,
            title=prompt.document.title if prompt.document else "",
        )
    except PromptError:
        return prompt.user_prompt or prompt.context


def read_scores(metadata):
    """What `import_file` takes as `read_scores`: fields of the JudgeScores that the columns of judges hold.

    One that cannot be read is kept with the reason, without a score; an empty one is none.
    """
    found = []
    for rubric, columns in JUDGED.items():
        column = next((column for column in columns if metadata.get(column) is not None), None)
        try:
            said = answers.judgement_from_column(metadata.get(column))
        except answers.JudgeUnreadable as error:
            if error.kind != "missing":
                found.append(
                    {"rubric": rubric, "score": None, "error": f"invalid_{SHORT[rubric]}_{error.kind}: {error}"}
                )
            continue
        found.append({"rubric": rubric, **asdict(said), "flags": list(said.flags)})
    return found


def work(run, should_stop=lambda: False):
    """Import the file that `run.parameters` names; started again it finds what it knows unchanged."""
    if not run.begin():
        return "ended"
    wanted = run.parameters
    Run.objects.filter(pk=run.pk).update(done=0, counters={})

    def progress(done, total):
        Run.objects.filter(pk=run.pk).update(done=done, total=total or 0)
        if run.seen() or should_stop():
            raise Interrupted

    try:
        report = import_file(
            run.project,
            Path(wanted["path"]),
            wanted.get("mapping") or {},
            task_types=wanted.get("task_types"),
            limit=wanted.get("limit"),
            progress=progress,
            run=run,
            actor=run.created_by,
            rejects_path=rejects_path(run),
            read_answer=answer_reader(run.project),
            read_scores=read_scores,
        )
    except Interrupted:
        if should_stop() and Run.objects.get(pk=run.pk).state == Run.State.RUNNING:
            return "stopped"
        run.end(Run.State.CANCELLED)
        return "ended"
    except ImportRefused as refusal:
        run.end(Run.State.FAILED, error=str(refusal))
        return "ended"
    run.count(imported=report.imported, unchanged=report.unchanged, differs=report.differs, rejected=report.rejected)
    run.count(**{name: n for name, n in report.counts().items() if n and "answers" in name})
    run.end(Run.State.FINISHED)
    return "ended"
