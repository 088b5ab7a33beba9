"""Who may reach which address: the least role, the methods, and the objects that its parameters stand for."""

from dataclasses import dataclass, field
from functools import cached_property

from django.contrib.auth import get_user_model

from curation.models import Invitation
from pipeline.stages.annotating import export_path
from pipeline.stages.importing import rejects_path
from tests import factories

ROLES = ("outsider", "viewer", "reviewer", "resolver", "manager", "superuser")
ANYBODY, LOGGED_IN, SITE_ADMIN = "anybody", "logged in", "site admin"
GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")
FAR = "2100-01-01T00:00:00+00:00"
A_DRAFT = {"draft_form": "review", "draft_made": FAR, "comment": "Half a thought"}


@dataclass(frozen=True)
class Page:
    role: str
    methods: tuple
    objects: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)
    posted: dict = field(default_factory=dict)


def of_project(role, methods, *, words=None, posted=None, **objects):
    """A page below /p/<slug>/. `objects` says what its further parameters are, by the names in Objects.

    `words` are posted as they are, `posted` are fields with objects of the project; a form that names neither is empty.
    """
    return Page(role, methods, {"slug": "slug"} | objects, words or {}, posted or {})


TABLE = {
    "home": Page(LOGGED_IN, GET),
    "favicon": Page(ANYBODY, GET),
    # accounts
    "login": Page(ANYBODY, BOTH),
    "logout": Page(LOGGED_IN, POST),
    "password_change": Page(LOGGED_IN, BOTH),
    "password_change_done": Page(LOGGED_IN, GET),
    "password_reset": Page(ANYBODY, BOTH),
    "password_reset_done": Page(ANYBODY, GET),
    "password_reset_confirm": Page(ANYBODY, BOTH, {"uidb64": "user_id", "token": "reset_token"}),
    "password_reset_complete": Page(ANYBODY, GET),
    # Whoever holds the link may take it: it is the one door for people without an account.
    "invitation_take": Page(ANYBODY, BOTH, {"token": "invitation_token"}),
    # the site's endpoints
    "teacher_list": Page(SITE_ADMIN, GET),
    "teacher_create": Page(SITE_ADMIN, BOTH),
    "teacher_detail": Page(SITE_ADMIN, GET, {"pk": "teacher"}),
    "teacher_test": Page(SITE_ADMIN, POST, {"pk": "teacher"}),
    "teacher_edit": Page(SITE_ADMIN, BOTH, {"pk": "teacher"}),
    "teacher_forget": Page(SITE_ADMIN, POST, {"pk": "teacher"}, {"part": "max_tokens"}),
    # projects
    "project_create": Page(LOGGED_IN, BOTH),
    "project_detail": of_project("viewer", GET),
    "project_progress": of_project("viewer", GET),
    "project_settings": of_project("manager", BOTH),
    "member_list": of_project("manager", GET),
    "member_edit": of_project("manager", POST, pk="member"),
    "member_remove": of_project("manager", BOTH, pk="member"),
    "invitation_create": of_project("manager", POST),
    "invitation_withdraw": of_project("manager", POST, pk="invitation"),
    # prompts
    "prompt_list": of_project("viewer", GET),
    "view_save": of_project("viewer", POST, words={"name": "Cited", "query": "failed=ban_citations"}),
    "view_remove": of_project("manager", POST, pk="shared_view"),
    "prompt_json": of_project("viewer", GET, key="prompt"),
    "prompt_text": of_project("viewer", GET, key="prompt"),
    "prompt_detail": of_project("viewer", GET, key="prompt"),
    "prompt_reopen": of_project("manager", POST, key="prompt"),
    "prompt_queue": of_project("manager", POST, key="prompt", words={"do": "pin"}),
    "queue_lower": of_project("manager", POST),
    "prompt_retry": of_project("manager", POST, key="prompt"),
    # review
    "review": of_project("reviewer", GET),
    "review_prompt": of_project("reviewer", GET, key="prompt"),
    "review_submit": of_project("reviewer", POST, posted={"response": "response"}),
    "review_take": of_project("reviewer", POST, posted={"response": "response", "take": "response"}),
    "review_compare": of_project("reviewer", BOTH, posted={"before": "response", "after": "response"}),
    "review_skip": of_project("reviewer", POST, posted={"prompt": "prompt_id"}),
    "review_take_back": of_project("reviewer", POST),
    "review_heartbeat": of_project("reviewer", POST, posted={"prompt": "prompt_id"}),
    "review_release": of_project("reviewer", POST, words={"until": FAR}, posted={"prompt": "prompt_id"}),
    "fix": of_project("reviewer", GET, annotation="edit"),
    "fix_offer": of_project("reviewer", GET, annotation="edit"),
    "fix_take": of_project("reviewer", POST, annotation="edit", posted={"response": "response"}),
    "fix_leave": of_project("reviewer", POST, annotation="edit", posted={"response": "response"}),
    "fix_take_back": of_project("reviewer", POST, annotation="edit"),
    "draft_list": of_project("reviewer", GET),
    "draft_save": of_project("reviewer", POST, words=A_DRAFT, posted={"draft_response": "response"}),
    "draft_drop": of_project("reviewer", POST, posted={"draft_response": "response"}),
    "resolve": of_project("resolver", GET),
    "resolve_next": of_project("resolver", GET),
    "resolve_heartbeat": of_project("resolver", POST, key="prompt"),
    "resolve_prompt": of_project("resolver", GET, key="prompt"),
    "resolve_submit": of_project("resolver", POST, key="prompt", posted={"response": "response"}),
    "resolve_take_back": of_project("resolver", POST, key="prompt"),
    "talk": of_project("viewer", GET, key="prompt"),
    "talk_say": of_project("reviewer", POST, key="prompt", words={"text": "Look at the second number."}),
    "talk_flag": of_project("reviewer", POST, key="prompt", words={"note": "The source is cut off."}),
    "talk_flag_clear": of_project("manager", POST, key="prompt", pk="flag"),
    "mentions": Page(LOGGED_IN, GET),
    "mentions_seen": Page(LOGGED_IN, POST),
    "quality": of_project("viewer", GET),
    "quality_data": of_project("viewer", GET),
    "quality_reviewers": of_project("manager", GET),
    "quality_gold": of_project("manager", GET),
    "prompt_gold": of_project(
        "manager", POST, key="prompt", words={"action": "accept"}, posted={"response": "response"}
    ),
    "quality_filters": of_project("viewer", BOTH),
    "quality_filters_try": of_project("viewer", BOTH),
    "quality_filters_rule": of_project("viewer", GET),
    "quality_filters_apply": of_project("manager", POST),
    "quality_filters_upload": of_project("manager", POST),
    "quality_filters_versions": of_project("viewer", GET),
    "filters_yaml": of_project("viewer", GET),
    "quality_gate": of_project("viewer", GET),
    "quality_gate_try": of_project("viewer", GET),
    "quality_gate_plots": of_project("viewer", GET),
    "quality_gate_apply": of_project("manager", POST),
    "quality_judges": of_project("viewer", GET),
    "quality_duplicates": of_project("viewer", GET),
    "quality_duplicates_look": of_project("manager", POST),
    "quality_duplicates_hold": of_project("manager", POST),
    "quality_duplicates_forget": of_project("manager", POST, pk="evaluation_set"),
    "rubric_list": of_project("viewer", GET),
    "rubric_edit": of_project("manager", BOTH, name="rubric"),
    # imports and runs
    "import_upload": of_project("manager", BOTH),
    "import_map": of_project("manager", BOTH, upload="upload"),
    "run_list": of_project("viewer", GET),
    "run_start": of_project("manager", BOTH),
    "run_quote": of_project("manager", GET),
    "run_again": of_project("manager", BOTH),
    "run_reparse": of_project("manager", POST),
    "run_detail": of_project("viewer", GET, pk="live_run"),
    "run_progress": of_project("viewer", GET, pk="live_run"),
    "run_cancel": of_project("manager", POST, pk="live_run"),
    "run_flips": of_project("viewer", GET, pk="live_run"),
    "run_flips_reopen": of_project("manager", POST, pk="live_run"),
    "annotations": of_project("manager", GET),
    "annotations_export": of_project("manager", POST, words={"format": "jsonl"}),
    "annotations_import": of_project("manager", POST),
    "annotations_file": of_project("manager", GET, pk="export_run"),
    "run_rejects": of_project("manager", GET, pk="import_run"),
    "change_list": of_project("manager", GET),
    "change_new": of_project("manager", POST, words={"action": "retry"}),
    "change_detail": of_project("manager", GET, pk="change"),
    "change_undo": of_project("manager", POST, pk="change"),
    "failed_list": of_project("viewer", GET),
    "failed_retry": of_project("manager", POST, words={"scope": "all"}),
    "failed_export": of_project("viewer", GET),
    # regeneration
    "regeneration_order": of_project("reviewer", BOTH, key="prompt", posted={"response": "response"}),
    "quality_regeneration": of_project("viewer", GET),
    "recipe_list": of_project("manager", GET),
    "recipe_general": of_project("manager", BOTH),
    "recipe_versions": of_project("manager", GET),
    "recipe_restore": of_project("manager", POST, words={"version": "shipped"}),
    "recipe_upload": of_project("manager", POST),
    "recipes_yaml": of_project("manager", GET),
    "recipe_edit": of_project("manager", BOTH, source="reason_source", code="reason"),
    # releases
    "release_list": of_project("viewer", GET),
    "release_withdraw": of_project("manager", BOTH),
    "release_withdraw_list": of_project("manager", BOTH),
    "release_withdrawal": of_project("manager", GET, pk="withdrawal"),
    "release_withdrawal_again": of_project("manager", POST, pk="withdrawal"),
    "release_purge": of_project("manager", BOTH, pk="withdrawal"),
    "release_notice": of_project("manager", BOTH, version="release"),
    "release_create": of_project("manager", BOTH),
    "release_detail": of_project("viewer", GET, version="release"),
    "release_file": of_project("viewer", GET, version="release", path="release_file"),
    "release_archive": of_project("viewer", GET, version="release"),
    "release_left_out": of_project("viewer", GET, version="release"),
    "release_count": of_project("manager", GET),
    "release_recipe_remove": of_project("manager", POST, pk="release_recipe"),
    "release_compare": of_project("viewer", GET),
    "release_audits": of_project("viewer", GET),
    "release_audit": of_project("viewer", GET, pk="audit"),
    "release_audit_next": of_project("reviewer", GET, pk="audit"),
    "release_audit_row": of_project("reviewer", BOTH, pk="audit", row_id="audit_row"),
    "release_audit_override": of_project("manager", POST, pk="audit", words={"reason": "Only the layout is wrong."}),
    # prompt templates
    "template_list": of_project("manager", GET),
    "template_edit": of_project("manager", BOTH, name="template"),
}


class Objects:
    """One of everything in a project, each by the name that the table uses.

    What is counted within a project (versions of releases) begins at `number`, so that no two projects share one.
    """

    user_id, reset_token = "MQ", "set-password"
    release_file = "data/train.jsonl"

    def __init__(self, project, number):
        self.project, self.number = project, number

    @property
    def slug(self):
        return self.project.slug

    @cached_property
    def _prompt(self):
        prompt = factories.prompt(self.project, "to_review", context=f"A source of {self.slug}.", answer="An answer.")
        factories.filter_result(prompt.current_response, failed=["ban_citations"])
        return prompt

    @property
    def prompt(self):
        return self._prompt.key

    @property
    def prompt_id(self):
        return self._prompt.pk

    @property
    def response(self):
        return self._prompt.current_response_id

    @cached_property
    def live_run(self):
        return factories.run(self.project, state="running").pk

    @cached_property
    def edit(self):
        """A decision with an edit, of the project's reviewer where it has one."""
        edited = factories.accepted(self.project, context=f"An edited source of {self.slug}.")
        member = self.project.memberships.filter(role="reviewer", can_resolve=False).first()
        reviewer = member.user if member else factories.member(self.project, "reviewer")
        return factories.annotation(edited.current_response, reviewer, edited_text="Another answer.").pk

    @cached_property
    def change(self):
        return factories.change(self.project, factories.member(self.project, "manager"), self._prompt).pk

    @cached_property
    def shared_view(self):
        return factories.saved_view(self.project, factories.member(self.project, "viewer"), shared=True).pk

    @cached_property
    def import_run(self):
        run = factories.run(self.project, "import", "finished")
        rejects_path(run).parent.mkdir(parents=True, exist_ok=True)
        rejects_path(run).write_text('{"line": 1, "problem": "The prompt is empty."}\n')
        return run.pk

    @cached_property
    def export_run(self):
        run = factories.run(self.project, "export", "finished", parameters={"format": "jsonl"})
        export_path(run).parent.mkdir(parents=True, exist_ok=True)
        export_path(run).write_text("{}\n")
        return run.pk

    @cached_property
    def upload(self):
        name = f"{self.project.pk:016x}"
        folder = self.project.data_dir / "uploads" / name
        folder.mkdir(parents=True)
        (folder / "rows.jsonl").write_text('{"text": "Dust of 10 g/m² made snow melt nine days earlier."}\n')
        return name

    @cached_property
    def release(self):
        files = [{"path": self.release_file, "sha256": "0" * 64, "bytes": 3, "rows": 1}]
        release = factories.release(self.project, version=self.number, files=files)
        path = release.directory / self.release_file
        path.parent.mkdir(parents=True)
        path.write_text("{}\n")
        return release.version

    @cached_property
    def withdrawal(self):
        return factories.withdrawal(self.project).pk

    @cached_property
    def release_recipe(self):
        return self.project.release_recipes.create(name="Only optics", body={"domains": ["optics"]}).pk

    @cached_property
    def audit(self):
        return factories.audit(self.project, factories.accepted(self.project).current_response, size=1).pk

    @cached_property
    def audit_row(self):
        return self.project.audits.get(pk=self.audit).items.get().row_id

    @cached_property
    def evaluation_set(self):
        return factories.held_out(self.project).pk

    @cached_property
    def flag(self):
        return factories.flag(self._prompt, factories.user()).pk

    @cached_property
    def template(self):
        return factories.template(self.project, f"only-in-{self.slug}").name

    @property
    def rubric(self):
        """Every project has its own of the same two names: a foreign one can only be a name that there is not."""
        return factories.rubric(self.project).name if self.number == 1 else "courage"

    reason_source = "reviewer"

    @property
    def reason(self):
        """Every project has the shipped reasons: a foreign one can only be one that there is not."""
        return "no_control" if self.number == 1 else "courage"

    @cached_property
    def invitation(self):
        return Invitation.issue(self.project, "reviewer", by=None)[0].pk

    @cached_property
    def invitation_token(self):
        return Invitation.issue(self.project, "reviewer", by=None)[1]

    @cached_property
    def member(self):
        return self.project.memberships.get(user=factories.member(self.project, "viewer")).pk

    @property
    def teacher(self):
        return factories.some_teacher().pk


class World:
    """The project that `people` belong to, and a foreign one whose manager is their outsider."""

    def __init__(self, project, people):
        self.people = people
        self.own, self.foreign = Objects(project, 1), Objects(factories.project("Foreign"), 7)
        outsider = get_user_model().objects.get(pk=people["outsider"].session["_auth_user_id"])
        self.foreign.project.add_member(outsider, "manager")

    def request(self, page, *, foreign=False):
        """(what the address' parameters stand for, the form). With `foreign`, the slug is our own and all else not."""
        side = self.foreign if foreign else self.own
        for kind in page.objects.values():
            getattr(self.own, kind)  # an own one lies beside the foreign one
        kwargs = {name: getattr(self.own if name == "slug" else side, kind) for name, kind in page.objects.items()}
        return kwargs, page.words | {name: getattr(side, kind) for name, kind in page.posted.items()}

    def foreign_rows(self):
        """Everything that somebody could have changed in the foreign project."""
        project = self.foreign.project
        within = {"prompt": ("claims", "comments", "flags"), "response": ("annotations", "resolutions", "drafts")}
        rows = {name: getattr(project, name) for name in ("prompts", "events", "memberships", "runs", "releases")}
        rows |= {name: getattr(self.foreign._prompt, name) for name in within["prompt"]}
        rows |= {name: getattr(self.foreign._prompt.current_response, name) for name in within["response"]}
        return {name: list(manager.order_by("pk").values()) for name, manager in rows.items()}
