"""A project: its policies, its teachers and judges, and who takes part in it."""

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify

from .event import Event
from .membership import Membership

DEFAULT_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
MOST_SAMPLES = 20  # answers from each teacher for one prompt
MOST_REPEATS = 9  # readings by each judge of one answer
MOST_CHECKS = 50  # per cent of what a reviewer is given that are gold or repeated items
MOST_AUTO_ACCEPTED = 99  # per cent: some of what passes is always seen by people


def default_shares():
    """The shares of a new project's splits; they sum to 1."""
    return dict(DEFAULT_SHARES)


def new_seed():
    """A random seed for the keyed hash that assigns groups to splits."""
    return secrets.token_hex(8)


def new_key():
    """A random key, not to be told to anybody."""
    return secrets.token_hex(32)


class LastManager(Exception):
    """The change would leave a project without a manager."""


class ProjectQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Projects that `user` is a member of; superusers see all."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user_id=user.pk)


class Project(models.Model):
    """A curation project: guidelines, policies, members, and everything distilled under them."""

    class Consensus(models.TextChoices):
        MAJORITY = "majority", "Majority: more than half name one decision"
        UNANIMITY = "unanimity", "Unanimity: all name one decision"

    class OnFail(models.TextChoices):
        REGENERATE = "to_regenerate", "Regenerate it"
        REVIEW = "to_review", "Show it to people"
        REJECT = "rejected", "Reject it"

    class OnExhausted(models.TextChoices):
        REVIEW = "to_review", "Show it to people"
        REJECT = "rejected", "Reject it"

    class QueueOrder(models.TextChoices):
        UNCERTAINTY = "uncertainty", "Where judges and filters are least sure"
        JUDGES_APART = "judges_apart", "Where judges differ most"
        AGE = "age", "The oldest first"
        RANDOM = "random", "By chance"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    notice = models.TextField(blank=True, help_text="Shown on top of the project page.")
    guidelines = models.TextField(blank=True, help_text="What reviewers should accept; Markdown.")
    reviews_required = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(9)], help_text="Decisions a response needs."
    )
    consensus = models.CharField(max_length=12, choices=Consensus, default=Consensus.MAJORITY)
    paired = models.BooleanField(
        default=True, help_text="Hypothesis and methodology of one source are claimed, reviewed and released together."
    )
    attempt_limit = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(20)], help_text="Answers bought for a prompt."
    )
    on_exhausted = models.CharField("when attempts are used up", max_length=16, choices=OnExhausted, default="rejected")
    on_filter_fail = models.CharField("when a filter fails", max_length=16, choices=OnFail, default="to_regenerate")
    on_gate_fail = models.CharField("when SampleGate fails", max_length=16, choices=OnFail, default="to_regenerate")
    auto_accept_percent = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(MOST_AUTO_ACCEPTED)],
        help_text="Share of SampleGate's accept band that is accepted without a person; the rest is its audit.",
    )
    blind_percent = models.PositiveSmallIntegerField(
        default=10,
        validators=[MaxValueValidator(100)],
        help_text="Share of answers whose judge scores reviewers see only after they decided.",
    )
    near_duplicate_percent = models.PositiveSmallIntegerField(
        "near-duplicates from, per cent",
        default=80,
        validators=[MaxValueValidator(100)],
        help_text="Texts that share at least this much are near-duplicates: one of them is reviewed; 0 looks for none.",
    )
    queue_order = models.CharField(
        "what reviewers get first", max_length=16, choices=QueueOrder, default=QueueOrder.UNCERTAINTY
    )
    gold_percent = models.PositiveSmallIntegerField(
        "gold items, per cent",
        default=0,
        validators=[MaxValueValidator(MOST_CHECKS)],
        help_text="Share of what reviewers are given whose answer is known; it is not told apart on the page.",
    )
    repeat_percent = models.PositiveSmallIntegerField(
        "repeated items, per cent",
        default=0,
        validators=[MaxValueValidator(MOST_CHECKS)],
        help_text="Share of what reviewers are given that they decided before, to see whether they stay with it.",
    )
    too_fast_seconds = models.PositiveSmallIntegerField(
        "too fast below, seconds",
        default=3,
        help_text="Decisions made in fewer seconds of active time are shown as too fast; 0 shows none.",
    )
    reason_codes = models.JSONField(
        default=list, blank=True, help_text="The project's reasons, [{code, label, help}]; empty: the shipped list"
    )
    split_seed = models.CharField(max_length=64, default=new_seed)
    pseudonym_key = models.CharField(
        max_length=64, default=new_key, editable=False, help_text="Names people in releases; stands in no file"
    )
    split_shares = models.JSONField(default=default_shares)
    teacher = models.ForeignKey("Teacher", models.PROTECT, null=True, blank=True, related_name="+")
    more_teachers = models.ManyToManyField(
        "Teacher", blank=True, related_name="+", help_text="Asked beside the teacher; each answer is a candidate"
    )
    samples = models.PositiveSmallIntegerField(
        "answers from each teacher", default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_SAMPLES)]
    )
    regen_teacher = models.ForeignKey("Teacher", models.PROTECT, null=True, blank=True, related_name="+")
    judge_factuality = models.ForeignKey("Teacher", models.PROTECT, null=True, blank=True, related_name="+")
    judge_reasoning = models.ForeignKey("Teacher", models.PROTECT, null=True, blank=True, related_name="+")
    more_judges = models.ManyToManyField(
        "Teacher", blank=True, related_name="+", help_text="Read by every rubric, beside its own judge"
    )
    judge_repeats = models.PositiveSmallIntegerField(
        "readings by each judge", default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_REPEATS)]
    )
    filter_ruleset = models.ForeignKey("Ruleset", models.PROTECT, null=True, blank=True, related_name="+")
    gate_ruleset = models.ForeignKey("Ruleset", models.PROTECT, null=True, blank=True, related_name="+")
    recipe_ruleset = models.ForeignKey("Ruleset", models.PROTECT, null=True, blank=True, related_name="+")
    audit_sample = models.PositiveIntegerField(
        "rows audited before a release", default=0, help_text="Drawn by chance and looked at once more; 0: none."
    )
    audit_allowed = models.PositiveIntegerField(
        "bad rows that an audit may find", default=0, help_text="With more of them nothing is released."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(reviews_required__gte=1), name="project_reviews_at_least_one"),
            models.CheckConstraint(condition=Q(attempt_limit__gte=1), name="project_attempts_at_least_one"),
            models.CheckConstraint(
                condition=Q(auto_accept_percent__lte=MOST_AUTO_ACCEPTED), name="project_auto_accept_leaves_an_audit"
            ),
            models.CheckConstraint(
                condition=Q(blind_percent__lte=100, near_duplicate_percent__lte=100), name="project_percents_in_range"
            ),
            models.CheckConstraint(
                condition=Q(gold_percent__lte=MOST_CHECKS, repeat_percent__lte=MOST_CHECKS),
                name="project_checks_in_range",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def judges(self):
        """The configured judges by rubric name; empty where the project has no gate."""
        named = {"factuality": self.judge_factuality, "reasoning": self.judge_reasoning}
        return {rubric: judge for rubric, judge in named.items() if judge}

    @property
    def readers(self):
        """[(rubric, judge, repeat)]: every reading that SampleGate wants of an answer; empty without judges."""
        judges = self.judges
        further = list(self.more_judges.order_by("pk")) if judges else []
        return [
            (rubric, judge, repeat)
            for rubric, first in judges.items()
            for judge in {each.pk: each for each in (first, *further)}.values()
            for repeat in range(self.judge_repeats)
        ]

    @property
    def is_gated(self):
        """Whether SampleGate has something to go by: judges, or scores that came with imported answers."""
        return bool(self.judges) or self.has_imported_scores

    @cached_property
    def has_imported_scores(self):
        """Whether answers were imported with their judges' scores."""
        from .verdict import JudgeScore

        # By the judge's kind first: few rows stand for imported judges, and none in most installations.
        imported = JudgeScore.objects.filter(judge__kind="imported", rubric_version=JudgeScore.IMPORTED)
        return imported.filter(response__prompt__project=self).exists()

    @property
    def data_dir(self):
        """The folder of this project's uploads, exports and releases."""
        return settings.DATA_DIR / "projects" / self.slug

    def add_member(self, user, role, *, can_resolve=False, by=None):
        """Make `user` a member, or change the role of one; returns the membership."""
        member, _ = Membership.objects.update_or_create(
            project=self, user=user, defaults={"role": role, "can_resolve": can_resolve}
        )
        Event.objects.create(
            project=self, actor=by, kind="member", detail={"user": user.get_username(), "role": str(role)}
        )
        return member

    @transaction.atomic
    def change_member(self, user, role, *, can_resolve=False, by=None):
        """Give a member another role; raises LastManager where nobody could manage the project afterwards.

        Who is no manager any more has no open invitations either: one could make them a manager again.
        """
        self._keep_a_manager(user, role)
        if role != Membership.Role.MANAGER:
            self._withdraw_invitations_of(user, by)
        return self.add_member(user, role, can_resolve=can_resolve, by=by)

    @transaction.atomic
    def remove_member(self, user, *, by=None):
        """End a membership; decisions stay. Raises LastManager where nobody could manage the project afterwards.

        The open invitations that they made end with it: one would let them in again.
        """
        self._keep_a_manager(user, None)
        self._withdraw_invitations_of(user, by)
        if self.memberships.filter(user=user).delete()[0]:
            Event.objects.create(
                project=self, actor=by, kind="member", detail={"user": user.get_username(), "role": "removed"}
            )

    def _withdraw_invitations_of(self, user, by):
        for invitation in self.invitations.filter(created_by=user):
            invitation.withdraw(by=by)

    def _keep_a_manager(self, user, role):
        # Locking the project's row keeps two managers from removing each other at the same moment.
        Project.objects.select_for_update(no_key=True).get(pk=self.pk)
        others = self.memberships.filter(role=Membership.Role.MANAGER).exclude(user=user)
        if role != Membership.Role.MANAGER and not others.exists():
            raise LastManager(f"{user} is the last manager of {self.name}: make somebody else a manager first.")

    @classmethod
    def free_slug(cls, name):
        """A slug made of `name` that no project has yet."""
        base = slugify(name)[:50] or "project"
        taken = set(cls.objects.filter(slug__startswith=base).values_list("slug", flat=True))
        return next(s for s in (base if n == 1 else f"{base}-{n}" for n in range(1, len(taken) + 2)) if s not in taken)
