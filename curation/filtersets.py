"""What lists can be narrowed by. (`filters` is the word of the quality rules.)"""

from functools import partial

import django_filters
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, Subquery, TextField
from django.db.models.functions import Cast

from . import access, labels, searching
from .models import (
    Action,
    Annotation,
    Assignment,
    Comment,
    FilterResult,
    Flag,
    GateResult,
    Gold,
    Overlap,
    Prompt,
    Resolution,
    State,
    Teacher,
    TeacherResponse,
)
from .reviewing.holding import held_back_anywhere

ANSWERS = [("unread", "not read as its schema asks")]
HELD = [("yes", "held back")]
LEAKS = [("yes", "shares words")]
EDITED = [("yes", "somebody changed the text")]
COMMENTED = [("yes", "somebody wrote one")]
FLAGGED = [("open", "open"), ("any", "open or cleared")]
GOLD = [("yes", "known answers")]
ANYBODY = ("any", "anybody")
DECISION = ("reviewer", "decision", "edited")  # they speak of one and the same decision
SCORES = ("score_min", "score_max")
SCORE_RANGE = {"min_value": 0, "max_value": 100}


def newest_score():
    """SampleGate's newest score of a prompt's current answer."""
    results = GateResult.objects.filter(response=OuterRef("current_response")).order_by("-pk")
    return Subquery(results.values("score")[:1])


def _yes_or(label, choices, method):
    return django_filters.ChoiceFilter(method=method, label=label, empty_label="any", choices=choices)


class PromptFilterSet(django_filters.FilterSet):
    """Prompts by words, by where they stand, by what machines measured and by what people did.

    `user` sees no more through it than on the prompts' pages: while people are still to decide, only managers find by
    what others decided. (Scores of a blind share are left out by `finding`, which knows who drew them.)
    """

    q = django_filters.CharFilter(method="by_words", label="Words in prompt, source or answer", max_length=300)
    state = django_filters.ChoiceFilter(choices=State, label="State", empty_label="any")
    task_type = django_filters.CharFilter(label="Task")
    domain = django_filters.CharFilter(label="Domain")
    failed = django_filters.ChoiceFilter(method="by_failed_rule", label="Failed rule", empty_label="any")
    score_min = django_filters.NumberFilter(method="by_score", label="Score from", **SCORE_RANGE)
    score_max = django_filters.NumberFilter(method="by_score", label="Score up to", **SCORE_RANGE)
    teacher = django_filters.ChoiceFilter(method="by_teacher", label="Teacher", empty_label="any")
    reviewer = django_filters.ChoiceFilter(method="by_decision", label="Reviewer", empty_label="any")
    decision = django_filters.ChoiceFilter(method="by_decision", label="Decision", empty_label="any", choices=Action)
    edited = _yes_or("Edit", EDITED, "by_decision")
    commented = _yes_or("Comment", COMMENTED, "by_comment")
    flagged = _yes_or("Flag", FLAGGED, "by_flag")
    assigned = django_filters.ChoiceFilter(method="by_assignment", label="Assigned to", empty_label="any")
    answer = _yes_or("Answer", ANSWERS, "by_answer")
    held_by_cluster = _yes_or("Near-duplicates", HELD, "by_cluster")
    leaks = _yes_or("Evaluation sets", LEAKS, "by_leaks")
    gold = _yes_or("Gold", GOLD, "by_gold")

    # An index answers these; the others look at every row.
    INDEXED = ("state",)
    # Those that "Ask again" knows too.
    OF_ASKING_AGAIN = {"state", "task_type", "domain", "failed", "answer"}

    class Meta:
        model = Prompt
        fields = ["q", "state", "task_type", "domain", "failed", *SCORES, "teacher", *DECISION, "commented", "flagged"]
        fields += ["assigned", "answer", "held_by_cluster", "leaks", "gold"]

    def __init__(self, data, project, user, *, rules=(), teachers=()):
        super().__init__(data, project.prompts.all())
        self.project, self.user = project, user
        known = getattr(project, "member", None)
        self.member = known if known and known.user_id == user.pk else access.membership(user, project)
        self._offer("failed", sorted(((r, labels.rule(r)) for r in rules), key=lambda rule: rule[1].casefold()))
        self._offer("teacher", [(str(teacher.pk), teacher.name) for teacher in teachers])
        people = self._people()
        self._offer("reviewer", people)
        self._offer("assigned", [ANYBODY, *people])
        if not self.sees_all:
            del self.filters["gold"]
        for name in ("task_type", "domain"):
            self.filters[name].field.widget.attrs["list"] = f"known_{name}"

    def _offer(self, name, choices):
        self.filters[name].extra["choices"] = choices

    def _people(self):
        people = get_user_model().objects.filter(memberships__project=self.project)
        asked = {self.data.get(name, "") for name in ("reviewer", "assigned")}
        asked = [int(each) for each in asked if each.isdecimal() and len(each) < 19]
        if asked:  # somebody who is no longer a member may have decided
            people |= get_user_model().objects.filter(
                Exists(Annotation.objects.filter(reviewer=OuterRef("pk"), response__prompt__project=self.project)),
                pk__in=asked,
            )
        return [(str(person.pk), str(person)) for person in people.distinct().order_by("username")]

    @property
    def sees_all(self):
        """Whether the user finds by what others decided while prompts are still to review."""
        return bool(self.member and self.member.is_manager)

    @property
    def values(self):
        """{name: value} of the filters in force."""
        self.form.is_valid()  # a value that makes no sense narrows nothing
        return {name: value for name, value in self.form.cleaned_data.items() if value not in (None, "")}

    @property
    def chosen(self):
        """[(name, label, value in words)] of the filters in force."""
        said = []
        for name, value in self.values.items():
            words = dict(getattr(self.filters[name].field, "choices", ()) or ())
            said.append((name, self.filters[name].label, words.get(value, value)))
        return said

    @property
    def tells_scores(self):
        """Whether what matches gives judges' scores away."""
        return any(name in SCORES for name in self.values)

    def narrow(self, queryset, *, indexed, without=()):
        """`queryset` under the chosen filters that an index answers, or under the others."""
        spoken = set()
        for name, value in self.values.items():
            one = "decision" if name in DECISION else name
            if (name in self.INDEXED) == indexed and name not in without and one not in spoken:
                spoken.add(one)
                queryset = self.filters[name].filter(queryset, value)
        return queryset

    def few(self, most):
        """(ids, names): ids among which everything is that the filters `names` match; (None, []) where they are many.

        They are looked up in their own tables, so that few are found among millions. What is among them is still to be
        narrowed, by words alone excepted: those are complete.
        """
        found, names = None, []
        for name, finder in self._finders().items():
            ids = finder(most)
            if ids is not None:
                found = ids if found is None else found & ids
                names.append(name)
        return found, names

    def _finders(self):
        """{name: what gives its ids, or None where they are more than it is told}."""
        values = self.values
        # Row by row: with a join, SQLite would begin with all prompts of the project.
        own = Exists(Prompt.objects.filter(pk=OuterRef("prompt"), project=self.project))
        of_response = Exists(TeacherResponse.objects.filter(pk=OuterRef("response"), prompt__project=self.project))
        finders = {}
        if "q" in values:
            finders["q"] = partial(searching.found_ids, self.project, values["q"])
        if "flagged" in values:
            finders["flagged"] = partial(_few, self._flags(values["flagged"]).filter(own), "prompt")
        if "assigned" in values:
            finders["assigned"] = partial(_few, self._assigned(values["assigned"]).filter(own), "prompt")
        if "reviewer" in values:
            given = Annotation.objects.filter(of_response, reviewer=values["reviewer"])
            finders["reviewer"] = partial(_few, given, "response__prompt")
        if "gold" in values:
            finders["gold"] = partial(_golden, Gold.objects.filter(of_response))
        return finders

    def by_words(self, queryset, name, value):
        """Every word must occur in question, source, title, locator or answer; a key's beginning finds its prompt."""
        return searching.matching(queryset, value)

    def by_answer(self, queryset, name, value):
        """The current answer could not be read as its schema asks; it is stored and judged as plain text."""
        unread = queryset.filter(current_response__isnull=False, current_response__fields__isnull=True)
        return unread.exclude(current_response__parse_error="")

    def by_cluster(self, queryset, name, value):
        """To review, and held back by a near-duplicate that comes before it."""
        return queryset.filter(held_back_anywhere(), state=State.TO_REVIEW)

    def by_leaks(self, queryset, name, value):
        """The source, the question or the current answer shares words with an evaluation set."""
        of_prompt = Overlap.objects.filter(prompt=OuterRef("pk"), response=None)
        of_response = Overlap.objects.filter(response=OuterRef("current_response"))
        return queryset.filter(Q(Exists(of_prompt)) | Q(Exists(of_response)))

    def by_failed_rule(self, queryset, name, value):
        """The rule's id stands in the current answer's newest verdict; JSON is compared as text on both databases."""
        failed = FilterResult.objects.annotate(as_text=Cast("failed", TextField())).filter(
            response=OuterRef("current_response"), as_text__contains=f'"{value}"'
        )
        return queryset.filter(Exists(failed))

    def by_teacher(self, queryset, name, value):
        """The current answer is this teacher's; looked up by the answer, as most answers may be of one teacher."""
        answers = TeacherResponse.objects.filter(pk=OuterRef("current_response"), teacher=value)
        return queryset.filter(Exists(answers))

    def by_score(self, queryset, name, value):
        """SampleGate's newest score of the current answer, from or up to this number."""
        side = "gte" if name == "score_min" else "lte"
        return queryset.annotate(**{f"score_{side}": newest_score()}).filter(**{f"score_{side}__{side}": value})

    def by_decision(self, queryset, name, value):
        """Somebody's decision on one of its answers that stands: by this person, for this action, with an edit."""
        values = self.values
        given = Annotation.objects.filter(response__prompt=OuterRef("pk"), purpose="review", current=True)
        if "reviewer" in values:
            given = given.filter(reviewer=values["reviewer"])
        if "decision" in values:
            given = given.filter(action=values["decision"])
        if "edited" in values:
            given = given.filter(edited_text__isnull=False)
        condition = self._told(given)
        if "edited" in values and "reviewer" not in values:
            resolved = Resolution.objects.filter(response__prompt=OuterRef("pk"), current=True, edited=True)
            if "decision" in values:
                resolved = resolved.filter(action=values["decision"])
            condition |= Q(Exists(resolved)) & (Q() if self.sees_all else ~Q(state=State.TO_REVIEW))
        return queryset.filter(condition)

    def by_comment(self, queryset, name, value):
        """A remark in the talk about it, or one that came with a decision."""
        remarks = Comment.objects.filter(prompt=OuterRef("pk"))
        given = Annotation.objects.filter(response__prompt=OuterRef("pk"), purpose="review").exclude(comment="")
        return queryset.filter(Q(Exists(remarks)) | self._told(given))

    def _told(self, given):
        """That there is one of these decisions which the user may know of."""
        if self.sees_all:
            return Q(Exists(given))
        return Q(Exists(given)) & ~Q(state=State.TO_REVIEW) | Q(Exists(given.filter(reviewer=self.user.pk)))

    def by_flag(self, queryset, name, value):
        """Somebody asked a manager to look at it."""
        return queryset.filter(Exists(self._flags(value).filter(prompt=OuterRef("pk"))))

    def _flags(self, value):
        return Flag.objects.filter(cleared_at=None) if value == "open" else Flag.objects.all()

    def by_assignment(self, queryset, name, value):
        """A manager gave it to this person, or to anybody."""
        return queryset.filter(Exists(self._assigned(value).filter(prompt=OuterRef("pk"))))

    def _assigned(self, value):
        return Assignment.objects.all() if value == ANYBODY[0] else Assignment.objects.filter(reviewer=value)

    def by_gold(self, queryset, name, value):
        """One of its answers is mixed in among what reviewers are given, as its right decision is known."""
        return queryset.filter(Exists(Gold.objects.filter(response__prompt=OuterRef("pk"), active=True)))


def teachers_among(ids):
    """The teachers with these ids, by name."""
    return list(Teacher.objects.filter(pk__in=ids).only("name").order_by("name", "pk"))


def _few(rows, name, most):
    found = set(rows.order_by().values_list(name, flat=True)[: most + 1])
    return found if len(found) <= most else None


def _golden(rows, most):
    responses = _few(rows, "response", most)
    prompts = TeacherResponse.objects.filter(pk__among=responses or ())
    return None if responses is None else set(prompts.values_list("prompt", flat=True))
