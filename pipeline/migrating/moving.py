"""The migration from its first file to its last."""

from django.contrib.auth import get_user_model

from curation.importing import ImportRefused
from curation.models import Annotation, Prompt, TeacherResponse
from curation.reviewing import settle

from . import labels as labelling
from . import manifests, shipping
from .attempts import any_words, is_ordered, last_words, store_extras
from .known import Known
from .report import Report
from .taking import foresee, take

NOBODY = "earlier-scripts"  # whose decisions the labels are where nobody is named: an account that cannot log in


def somebody(project):
    """The account that holds decisions of which nobody knows whose they were; a reviewer of the project."""
    user, made = get_user_model().objects.get_or_create(username=NOBODY, defaults={"is_active": False})
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    if not project.memberships.filter(user=user).exists():
        project.add_member(user, "reviewer")
    return user


def migrate(project, sources, config, *, reviewer=None, tell=lambda text: None):
    """Take the files of `sources` over into `project`; returns the Report. Done again it adds nothing.

    Decisions without a member's name are `reviewer`'s; without one, those of an account that cannot log in. `tell`
    hears the name of each file before it is read.
    """
    return _Migration(project, sources, config, reviewer, tell).run()


class _Migration:
    def __init__(self, project, sources, config, reviewer, tell):
        self.project, self.sources, self.config, self.tell = project, sources, config, tell
        self.report = Report(project.slug)
        self.known = Known(project)
        self.base = []  # the prompts of the filtered dataset, by position
        self.repairs = []  # (file, row, digest of prompt and answer) of every repair
        self.passed = []  # (file, line, prompt key) of what passed the filters
        self.pointed_at = {}  # prompt key -> the label that sent it to repair, by position, and quotes another answer
        has_labels = any(source.kind == "labels" for source in sources)
        self.labels = labelling.Labels(project, (reviewer or somebody(project)) if has_labels else None)

    def of(self, *kinds):
        """The files of these kinds."""
        return [source for source in self.sources if source.kind in kinds]

    def run(self):
        """Every step in its order: a repair comes after the labels that ordered it, and before those that judge it."""
        for source in self.of("inputs", "outputs", "filtered", "rejected", "gated", "gate_rejected"):
            self._take(source)
        labelling.read_all(self.of("labels"), self.labels, self.report, self.config)
        for source in self.of("regenerated"):
            self.known.coming += foresee(self.known, source, self.config)
        self.known.refresh()
        self.labels.bring(self.known)
        for source in self.of("regenerated"):
            self._take(source)
            self.labels.bring(self.known)
        self.known.coming = []
        self.known.refresh()
        self.labels.bring(self.known, finally_=True)
        settle(self.project)
        self.report.notes += filter(None, [self.labels.strangers(self.known)])
        self._look_at_labels()
        self._look_at_repairs()
        self._look_at_training()
        manifests.read_all(self.of("manifest"), self.sources, self.report)
        self._sum_up()
        return self.report

    def _take(self, source):
        self.tell(source.name)
        file = self.report.file(source.name, source.kind)
        try:
            taken = take(self.project, self.known, source, self.config, file, self.report.findings)
        except ImportRefused as refused:
            file.refused = " ".join(refused.problems)
            return
        self._store_extras(source, taken, file)
        if source.kind == "filtered":
            self.passed += [(source.name, line, key) for line, key in taken.rows]
            if source.main or not self.base:
                self.base = [key for _, key in taken.rows]
        if file.imported:
            self.known.refresh()

    def _store_extras(self, source, taken, file):
        """A repair of a repair comes after the labels on the first."""

        def between():
            self.known.refresh()
            self.labels.bring(self.known)

        store_extras(self.project, taken, file, between)
        self.repairs += [(file, line, place) for line, place in taken.repairs]

    # -- what only the whole tells

    def _look_at_labels(self):
        """Labels whose position is another row; accepts that came later and were ignored."""
        findings = self.report.findings
        refused = {}
        for label in sorted(self.labels.rows, key=lambda each: each.at):
            answer, _ = self.labels.answer(self.known, label.row)
            if answer is None:
                continue
            if self.base and label.index is not None and answer.attempt == 1:
                there = self.base[label.index] if 0 <= label.index < len(self.base) else ""
                if there != answer.key:
                    said = f"{label.index} is {there[:12] or 'no row'}"
                    findings.add("label_points_elsewhere", label.file.name, label.line, answer.key, said)
                    if label.row["action"] != "accept":
                        self.pointed_at.setdefault(there, f"{label.file.name}, line {label.line}")
            if label.row["action"] != "accept":
                refused[answer.pk] = label
            elif answer.pk in refused and not label.repeated and self.known.newest[answer.key] > answer.attempt:
                findings.add("later_accept_ignored", label.file.name, label.line, answer.key)

    def _look_at_repairs(self):
        """Repairs of what nobody had refused, and of what was rejected for good."""
        found = [(*row, self.known.answers[row[2]]) for row in self.repairs if row[2] in self.known.answers]
        responses = [answer.pk for *_, answer in found]
        parents = dict(TeacherResponse.objects.filter(pk__in=responses).values_list("pk", "parent"))
        words, any_said = last_words(parents.values()), any_words(self.project)
        for file, line, _, answer in found:
            if answer.attempt == 1:
                continue
            word = words.get(parents[answer.pk])
            if not is_ordered(word, any_said):
                by = self.pointed_at.get(answer.key)
                said = shipping.said_of(word) + (f"; {by}, has its position and quotes another answer" if by else "")
                self.report.findings.add("repaired_unordered", file.name, line, answer.key, said)
            if word == "reject":
                self.report.findings.add("reject_repaired", file.name, line, answer.key)

    def _look_at_training(self):
        sources = self.of("sft")
        if not sources:
            return
        shipped = shipping.Shipped(self.known, self.report.findings, self.base)
        shipping.read_all(sources, shipped, self.report)
        unread = [file.name for file in self.report.files if file.kind == "sft" and file.refused]
        if unread:
            said = f"{', '.join(unread)} {'was' if len(unread) == 1 else 'were'} not read"
            self.report.notes.append(f"Rows that were lost on the way are not told, since {said}.")
            return
        words = last_words(TeacherResponse.objects.filter(prompt__project=self.project).values("pk"))
        firsts = {each.key: words.get(each.pk) for all_ in self.known.by_text.values() for each in all_ if each.current}
        shipped.lost(self.passed, firsts.get)

    def _sum_up(self):
        prompts = Prompt.objects.filter(project=self.project)
        self.report.totals = {
            "prompts": prompts.count(),
            "answers": TeacherResponse.objects.filter(prompt__project=self.project).count(),
            "decisions": Annotation.objects.filter(response__prompt__project=self.project).count(),
            "states": {state: number for state, number in prompts.state_counts().items() if number},
        }
