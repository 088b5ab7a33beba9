"""Whom and what a command's options name."""

from django.core.management.base import CommandError

from curation.models import Project


def project_named(slug, *, otherwise=""):
    """The project of this slug; a CommandError says which there are, and what to do `otherwise`."""
    found = Project.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no project {slug!r}; there are: {known}.{otherwise}")
    return found
