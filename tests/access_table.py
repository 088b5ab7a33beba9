"""Who may reach which address: the least role, the methods, and the objects that its parameters stand for."""

from dataclasses import dataclass, field
from functools import cached_property

from curation.models import Invitation
from tests import factories

ROLES = ("outsider", "viewer", "reviewer", "resolver", "manager", "superuser")
ANYBODY, LOGGED_IN, SITE_ADMIN = "anybody", "logged in", "site admin"
GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")


@dataclass(frozen=True)
class Page:
    role: str
    methods: tuple
    objects: dict = field(default_factory=dict)


def of_project(role, methods, **objects):
    """A page below /p/<slug>/; `objects` says what its further parameters are, by the names in Objects."""
    return Page(role, methods, {"slug": "slug"} | objects)


TABLE = {
    "home": Page(LOGGED_IN, GET),
    # accounts
    "login": Page(ANYBODY, BOTH),
    "logout": Page(LOGGED_IN, POST),
    "password_change": Page(LOGGED_IN, BOTH),
    "password_change_done": Page(LOGGED_IN, GET),
    "password_reset": Page(ANYBODY, BOTH),
    "password_reset_done": Page(ANYBODY, GET),
    "password_reset_confirm": Page(ANYBODY, BOTH, {"uidb64": "user_id", "token": "reset_token"}),
    "password_reset_complete": Page(ANYBODY, GET),
    # projects
    "project_create": Page(LOGGED_IN, BOTH),
    "project_detail": of_project("viewer", GET),
}


class Objects:
    """One of everything in a project, each by the name that the table uses."""

    def __init__(self, project, number):
        self.project, self.number = project, number

    @property
    def slug(self):
        return self.project.slug

    user_id, reset_token = "MQ", "set-password"

    @cached_property
    def prompt(self):
        prompt = factories.prompt(self.project, "to_review", context=f"A source of {self.slug}.")
        factories.filter_result(prompt.current_response, failed=["ban_citations"])
        return prompt.key

    @cached_property
    def live_run(self):
        return factories.run(self.project, state="running").pk

    @cached_property
    def invitation(self):
        return Invitation.issue(self.project, "reviewer", by=None)[0].pk

    @cached_property
    def invitation_token(self):
        return Invitation.issue(self.project, "reviewer", by=None)[1]

    @cached_property
    def member(self):
        factories.member(self.project, "viewer")
        return self.project.memberships.get(role="viewer", user__username__startswith="user").pk


class World:
    """The project that `people` belong to, and a foreign one whose manager is their outsider."""

    def __init__(self, project, people):
        self.people = people
        self.own = Objects(project, 1)
        self.foreign = Objects(factories.project(), 7)

    def kwargs(self, objects, *, foreign=False):
        """What the parameters of an address stand for; with `foreign`, the slug is our own and all else is not."""
        side = self.foreign if foreign else self.own
        return {name: getattr(self.own if name == "slug" else side, kind) for name, kind in objects.items()}
