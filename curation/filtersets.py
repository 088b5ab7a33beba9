"""What lists can be narrowed by. (`filters` is the word of the quality rules.)"""

import django_filters
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast

from . import labels
from .models import FilterResult, Overlap, Prompt, State
from .reviewing.holding import held_back_anywhere

ANSWERS = [("unread", "not read as its schema asks")]
HELD = [("yes", "held back")]
LEAKS = [("yes", "shares words")]


class PromptFilterSet(django_filters.FilterSet):
    """Prompts by words, state, task, domain and the rule that their current answer failed."""

    q = django_filters.CharFilter(method="by_words", label="Words in prompt, source or answer")
    state = django_filters.ChoiceFilter(choices=State, label="State", empty_label="any")
    task_type = django_filters.CharFilter(label="Task")
    domain = django_filters.CharFilter(label="Domain")
    failed = django_filters.ChoiceFilter(method="by_failed_rule", label="Failed rule", empty_label="any")
    answer = django_filters.ChoiceFilter(method="by_answer", label="Answer", empty_label="any", choices=ANSWERS)
    held_by_cluster = django_filters.ChoiceFilter(
        method="by_cluster", label="Near-duplicates", empty_label="any", choices=HELD
    )
    leaks = django_filters.ChoiceFilter(method="by_leaks", label="Evaluation sets", empty_label="any", choices=LEAKS)

    # An index answers these; the others look at every row.
    INDEXED = ("state",)

    class Meta:
        model = Prompt
        fields = ["q", "state", "task_type", "domain", "failed", "answer", "held_by_cluster", "leaks"]

    def __init__(self, data, queryset, *, rules=()):
        super().__init__(data, queryset)
        self._rules = sorted(((rule, labels.rule(rule)) for rule in rules), key=lambda rule: rule[1].casefold())
        self.filters["failed"].extra["choices"] = self._rules
        for name in ("task_type", "domain"):
            self.filters[name].field.widget.attrs["list"] = f"known_{name}"

    @property
    def chosen(self):
        """[(label, value in words, query without it)] of the filters in force."""
        if not self.form.is_valid():
            return []
        values = {name: value for name, value in self.form.cleaned_data.items() if value}
        words = {"state": dict(State.choices), "answer": dict(ANSWERS), "failed": dict(self._rules)}
        words |= {"held_by_cluster": dict(HELD), "leaks": dict(LEAKS)}
        return [(name, self.filters[name].label, words.get(name, {}).get(v, v)) for name, v in values.items()]

    @property
    def looks_at_every_row(self):
        """Whether a chosen filter has no index to answer it."""
        return any(name not in self.INDEXED for name, *_ in self.chosen)

    def narrow(self, queryset, *, indexed):
        """`queryset` under the chosen filters that an index answers, or under the others."""
        for name, *_ in self.chosen:
            if (name in self.INDEXED) == indexed:
                queryset = self.filters[name].filter(queryset, self.form.cleaned_data[name])
        return queryset

    def by_words(self, queryset, name, value):
        """Every word must occur, in any of the three texts; a key's beginning finds its prompt."""
        for word in value.split()[:8]:
            queryset = queryset.filter(
                Q(user_prompt__icontains=word)
                | Q(context__icontains=word)
                | Q(current_response__text__icontains=word)
                | Q(key__startswith=word.lower())
            )
        return queryset

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
