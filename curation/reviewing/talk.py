"""What people say to each other about a prompt: remarks that may name members, and flags for managers."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Prefetch, prefetch_related_objects
from django.utils import timezone

from ..models import Annotation, Comment, Flag, Membership, Mention, Project, Prompt, ReviewClaim, State
from ..models.locking import update_in_order
from ..models.prepared import Prepared
from ..models.review import Purpose
from . import drafts
from .units import unit_of

LONGEST_REMARK, LONGEST_NOTE = 5000, 500
SHOWN = 200  # the newest remarks on a prompt; nobody reads more
COUNT_CAP = 100  # beyond it counts of unseen mentions and of flags say "100 or more"
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_NAME = re.compile(r"(?<![\w@.+-])@([\w.+-][\w.@+-]*)")
_MARKED = re.compile(rf"(?P<link>https?://[^\s<>\"]+)|{_NAME.pattern}")
_ENDS = ".,;:!?)'\"+-@"  # what a sentence puts behind a name or an address


@dataclass(frozen=True)
class Piece:
    """A stretch of a remark: `kind` is "" for words, name for a member, me for the reader, link for an address."""

    kind: str
    text: str


@dataclass(frozen=True)
class Remark:
    """One comment as its reader sees it."""

    comment: Comment
    pieces: list
    for_me: bool
    unseen: bool  # it names the reader, who has not looked at it yet


@dataclass
class Talk:
    """All that is said about the prompts of a page. `folded` remarks and flags are to be read after deciding."""

    prompts: list
    people: list  # names that a remark may name
    remarks: list = field(default_factory=list)
    folded: list = field(default_factory=list)
    flags: list = field(default_factory=list)
    folded_flags: list = field(default_factory=list)
    cleared: list = field(default_factory=list)

    @property
    def number(self):
        """Remarks and open flags."""
        return sum(map(len, (self.remarks, self.folded, self.flags, self.folded_flags)))

    @property
    def later(self):
        """How many remarks and flags are to be read after deciding."""
        return len(self.folded) + len(self.folded_flags)

    @property
    def unseen(self):
        """How many remarks name the reader, who has not looked at them yet."""
        return sum(remark.unseen for remark in self.remarks)


def talk_of(project, user, prompts, *, reviewing=False):
    """The Talk about `prompts` as `user`, a member, may read it.

    Each reviewer answers alone: what others said about a prompt that this person could still decide is folded, unless
    it names them. On the review page (`reviewing`) a gold or repeated item shows nothing of its past.
    """
    prompts = list(prompts)
    talk = Talk(prompts, [name for name in _people(project).values() if name != user.get_username()])
    ids = [prompt.pk for prompt in prompts]
    remarks, flags = _remarks(user, ids), _flags_on(prompts=ids)
    if not remarks and not flags:
        return talk
    alone, checks = _to_answer_alone(project, user, prompts), _checked(user, prompts) if reviewing else {}
    for remark in remarks:
        _sort_in(remark, user, talk.remarks, talk.folded, alone, checks)
    for flag in flags:
        if flag.prompt_id in checks and flag.raised_by_id != user.pk:
            continue
        if flag.cleared_at:
            talk.cleared.append(flag)
        else:
            aside = flag.prompt_id in alone and flag.raised_by_id != user.pk
            (talk.folded_flags if aside else talk.flags).append(flag)
    return talk


def _sort_in(remark, user, shown, folded, alone, checks):
    comment = remark.comment
    mine = comment.author_id == user.pk
    if comment.prompt_id in checks:
        if mine and comment.created_at > checks[comment.prompt_id]:
            shown.append(remark)
    elif mine or remark.for_me or comment.prompt_id not in alone:
        shown.append(remark)
    else:
        folded.append(remark)


def _people(project):
    """{id: name} of the members that a remark may name."""
    return dict(_members(project=project.pk))


@Prepared
def _members(project: int):
    members = Membership.objects.filter(project=project, user__is_active=True).order_by("user__username")
    return members.values_list("user", "user__username")


@Prepared
def _flags_on(prompts: list):
    return Flag.objects.filter(prompt__among=prompts).select_related("raised_by", "cleared_by")


@Prepared
def _comments_on(prompts: list, most: int):
    comments = Comment.objects.filter(prompt__among=prompts).select_related("author", "prompt")
    return comments.order_by("-created_at", "-pk")[:most]


def _remarks(user, prompts):
    """The newest SHOWN, in the order they were made."""
    comments = _comments_on(prompts=prompts, most=SHOWN)
    prefetch_related_objects(comments, Prefetch("mentions", Mention.objects.select_related("user")))
    made = []
    for comment in reversed(comments):
        named = {mention.user.get_username(): mention for mention in comment.mentions.all()}
        mine = named.get(user.get_username())
        pieces = pieces_of(comment.text, set(named), user.get_username())
        made.append(Remark(comment, pieces, mine is not None, mine is not None and mine.seen_at is None))
    return made


def _to_answer_alone(project, user, prompts):
    """Ids of those of `prompts` that wait for review and that `user` may decide but has not."""
    waiting = {p.current_response_id: p.pk for p in prompts if p.state == State.TO_REVIEW}
    if not waiting or not project.member.may_review:
        return set()
    given = Annotation.objects.filter(response__in=waiting, reviewer=user, purpose=Purpose.REVIEW, current=True)
    return set(waiting.values()) - {waiting[pk] for pk in given.values_list("response", flat=True)}


def _checked(user, prompts):
    """{prompt id: since when} of those that `user` was given as a check of their own reviewing."""
    claims = ReviewClaim.objects.filter(prompt__in=prompts, reviewer=user).exclude(purpose=Purpose.REVIEW)
    since = dict.fromkeys(claims.values_list("prompt", flat=True), _BEGINNING)
    decided = Annotation.objects.filter(response__prompt__in=since, reviewer=user).order_by("created_at")
    return since | dict(decided.values_list("response__prompt", "created_at"))


def pieces_of(text, names, me=""):
    """`text` in Pieces, with `names` (of which `me` is the reader) and the addresses in it marked."""
    pieces, end = [], 0
    for found in _MARKED.finditer(text):
        if found["link"]:
            kind, said = "link", found["link"].rstrip(_ENDS)
        else:
            name = _known(found[2], names)
            kind, said = ("me" if name == me else "name") if name else "", f"@{name}"
        if kind:
            pieces += [Piece("", text[end : found.start()]), Piece(kind, said)]
            end = found.start() + len(said)
    return [piece for piece in [*pieces, Piece("", text[end:])] if piece.text]


def _known(word, names):
    """The one of `names` that `word` is, punctuation behind it aside; None if it is none."""
    while word and word not in names:
        word = word[:-1] if word[-1] in _ENDS else ""
    return word or None


def named_in(text, names):
    """(those of `names` that `text` names with @, words after an @ that are no name), each once, in order."""
    found, unknown = [], []
    for word in _NAME.findall(text):
        name = _known(word, names)
        found.append(name) if name else unknown.append(word.rstrip(_ENDS))
    return list(dict.fromkeys(found)), list(dict.fromkeys(unknown))


@transaction.atomic
def say(project, prompt, author, text, *, key=""):
    """Store a remark and tell the members that it names with @; returns (comment, words that name nobody).

    The same `key` by the same author again returns the first one. Raises ValueError for an empty or too long text.
    """
    text = _within(text, LONGEST_REMARK, "A remark")
    people = {name: pk for pk, name in _people(project).items()}
    names, unknown = named_in(text, people)
    _lock(project.pk)
    first = Comment.objects.filter(author=author, idempotency_key=key).first() if key else None
    if first:
        return first, unknown
    comment = Comment.objects.create(
        prompt=prompt, response=prompt.current_response, author=author, text=text, idempotency_key=key
    )
    drafts.drop_comments(author, unit_of(project, prompt.pk).ids)
    told = [people[name] for name in names if people[name] != author.pk]
    Mention.objects.bulk_create([Mention(comment=comment, user_id=pk) for pk in told])
    return comment, unknown


def _lock(project_id):
    # Two windows may send the same form at once; whoever comes second waits here.
    Project.objects.select_for_update(no_key=True).get(pk=project_id)


def _within(text, most, what):
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise ValueError(f"{what} needs words: write what you want to say.")
    if len(text) > most:
        raise ValueError(f"{what} has at most {most:,} characters; this one has {len(text):,}.")
    return text


@transaction.atomic
def raise_flag(prompt, user, note):
    """Ask a manager to look at `prompt`; the same note of the same person while it is open is one flag."""
    note = _within(note, LONGEST_NOTE, "A flag")
    _lock(prompt.project_id)
    return prompt.flags.get_or_create(raised_by=user, note=note, cleared_at=None)[0]


def clear_flag(flag, user, answer=""):
    """A manager has looked: the flag is closed and stays on record. Returns False if somebody had cleared it."""
    answer = " ".join(answer.split())[:LONGEST_NOTE]
    open_one = Flag.objects.filter(pk=flag.pk, cleared_at=None)
    return bool(open_one.update(cleared_by=user, cleared_at=timezone.now(), answer=answer))


def flagged(project):
    """How many prompts of `project` have a flag that no manager has cleared, at most COUNT_CAP."""
    # Beginning with the flags, which are few: a join would begin with the project's prompts.
    own = Prompt.objects.filter(pk=OuterRef("prompt"), project=project)
    rows = Flag.objects.filter(Exists(own), cleared_at=None).order_by().values("prompt").distinct()
    return rows[:COUNT_CAP].count()


def mentions_of(user):
    """Mentions of `user` in the projects they still see, the unseen ones first, then the newest."""
    rows = Mention.objects.filter(user=user, comment__prompt__project__in=Project.objects.visible_to(user))
    return rows.select_related("comment__author", "comment__prompt__project", "comment__prompt__document").order_by(
        F("seen_at").desc(nulls_first=True), "-pk"
    )


def unseen_mentions(user):
    """How many mentions `user` has not looked at, at most COUNT_CAP."""
    visible = Project.objects.visible_to(user)
    unseen = Mention.objects.filter(user=user, seen_at=None, comment__prompt__project__in=visible)
    return unseen.order_by().values("pk")[:COUNT_CAP].count()


def see(user, comments=None):
    """`user` has looked at what named them: in these comments, or everywhere. Returns how many were new to them."""
    rows = Mention.objects.filter(user=user, seen_at=None)
    if comments is not None:
        rows = rows.filter(comment__in=comments)
        if not comments:
            return 0
    return update_in_order(rows, seen_at=timezone.now())
