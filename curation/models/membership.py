"""What a person may do in a project."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Membership(models.Model):
    """What a person may do in a project."""

    class Role(models.TextChoices):
        MANAGER = "manager", "Manager"
        REVIEWER = "reviewer", "Reviewer"
        VIEWER = "viewer", "Viewer"

    project = models.ForeignKey("Project", models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    can_resolve = models.BooleanField(default=False, help_text="May decide where reviewers disagree.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["user__username"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(role__in=["manager", "reviewer", "viewer"]), name="membership_role_known"
            ),
        ]

    def __str__(self):
        return f"{self.user}: {self.get_role_display()} of {self.project}"

    @property
    def is_manager(self):
        return self.role == self.Role.MANAGER

    @property
    def may_review(self):
        return self.role in (self.Role.MANAGER, self.Role.REVIEWER)

    @property
    def may_resolve(self):
        return self.is_manager or (self.may_review and self.can_resolve)
