"""The one-time links that invite people into a project."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from .event import Event
from .membership import Membership


class InvitationQuerySet(models.QuerySet):
    def open(self):
        """Invitations that can still be taken."""
        return self.filter(used_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link that makes one person a member, once. Only the token's hash is stored: a database copy opens no door."""

    project = models.ForeignKey("Project", models.CASCADE, related_name="invitations")
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    role = models.CharField(max_length=10, choices=Membership.Role, default=Membership.Role.REVIEWER)
    can_resolve = models.BooleanField(default=False)
    note = models.CharField(max_length=120, blank=True, help_text="Whom it is for.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    used_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self):
        return f"{self.get_role_display()} of {self.project}"

    @classmethod
    def issue(cls, project, role, *, by, can_resolve=False, note="", days=7):
        """Return (invitation, token); the token is not kept, so show the link at once."""
        token = secrets.token_urlsafe(24)
        invitation = cls.objects.create(
            project=project,
            token_sha256=hashlib.sha256(token.encode()).hexdigest(),
            role=role,
            can_resolve=can_resolve,
            note=note,
            created_by=by,
            expires_at=timezone.now() + timedelta(days=days),
        )
        Event.objects.create(project=project, actor=by, kind="invited", detail={"role": role, "note": note})
        return invitation, token

    @classmethod
    def find(cls, token):
        """The open invitation of `token`, or None."""
        return cls.objects.open().filter(token_sha256=hashlib.sha256(token.encode()).hexdigest()).first()

    def withdraw(self, *, by=None):
        """Let an open invitation expire now; returns False if it was taken or had expired."""
        if not Invitation.objects.open().filter(pk=self.pk).update(expires_at=timezone.now()):
            return False
        Event.objects.create(project=self.project, actor=by, kind="invitation_withdrawn", detail={"note": self.note})
        return True

    @transaction.atomic
    def take(self, user):
        """Make `user` a member; returns False if somebody took the link first. A higher role is never lowered."""
        taken = Invitation.objects.open().filter(pk=self.pk).update(used_by=user, used_at=timezone.now())
        if not taken:
            return False
        rank = {role: place for place, role in enumerate(("viewer", "reviewer", "manager"))}
        member = Membership.objects.filter(project=self.project, user=user).first()
        if member is None or rank[member.role] < rank[self.role]:
            self.project.add_member(user, self.role, can_resolve=self.can_resolve, by=user)
        elif self.can_resolve and not member.can_resolve:
            Membership.objects.filter(pk=member.pk).update(can_resolve=True)
        return True
