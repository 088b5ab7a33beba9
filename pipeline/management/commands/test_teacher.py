"""Ask a teacher one tiny question, from the host and with the environment that a worker has."""

from django.core.management.base import BaseCommand, CommandError

from curation.models import Teacher
from pipeline.teachers import CannotSend
from pipeline.teachers.trial import try_out


class Command(BaseCommand):
    help = "Ask a teacher one tiny question, as a run would, and say what came back. It costs a little."
    requires_migrations_checks = True

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="the teacher's name, as its page says it")
        parser.add_argument("--seconds", type=float, default=30, metavar="N", help="wait at most so long (default: 30)")

    def handle(self, *, name, seconds, **options):
        teacher = Teacher.objects.filter(name=name).first()
        if teacher is None:
            known = ", ".join(Teacher.objects.values_list("name", flat=True)[:20]) or "none yet"
            raise CommandError(f"There is no teacher {name!r}; there are: {known}.")
        if seconds <= 0:
            raise CommandError("--seconds must be above 0.")
        try:
            trial = try_out(teacher, seconds=seconds)
        except CannotSend as error:
            raise CommandError(str(error)) from None
        if not trial.good:
            self._fail(teacher, trial)
        self._tell(teacher, trial)

    def _fail(self, teacher, trial):
        status = f" (status {trial.status}, {trial.latency_ms:,} ms)" if trial.status else ""
        said = f" It says: {trial.error}" if trial.error else ""
        raise CommandError(f"{teacher.name} does not answer{status}: {trial.error_class}. {trial.advice}{said}")

    def _tell(self, teacher, trial):
        self.stdout.write(f"{teacher.name} answers in {trial.latency_ms:,} ms, as {trial.model or 'a model unnamed'}.")
        read, written = (_number(count) for count in (trial.input_tokens, trial.output_tokens))
        cost = "unknown" if trial.cost is None else f"USD {trial.cost:f}"
        self.stdout.write(f"{read} tokens read, {written} written; cost {cost}.")
        for note in trial.notes:
            self.stdout.write(note)
        if trial.thinking:
            self.stdout.write(f"Reasoning: {trial.thinking}")
        self.stdout.write(f"It says: {trial.text}")


def _number(count):
    return "unknown" if count is None else f"{count:,}"
