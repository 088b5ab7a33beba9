"""What the failed ledger can be narrowed by. (`filters` is the word of the quality rules.)"""

import django_filters

from curation.models import Prompt
from pipeline import failures

STAGES = [(state.value, stage) for state, stage in failures.STAGE_OF.items()]


class FailedFilterSet(django_filters.FilterSet):
    """Parked prompts by class of error, teacher, run and the stage that they wait for."""

    error_class = django_filters.ChoiceFilter(label="What went wrong", empty_label="any")
    teacher = django_filters.ChoiceFilter("failed_call__teacher", label="Teacher", empty_label="any")
    stage = django_filters.ChoiceFilter("parked_from", label="Stage", empty_label="any", choices=STAGES)
    run = django_filters.NumberFilter("parked_run", label="Run", min_value=1, max_value=2**31)

    class Meta:
        model = Prompt
        fields = ["error_class", "teacher", "stage", "run"]

    def __init__(self, data, prompts):
        super().__init__(data, prompts)
        self.filters["teacher"].extra["choices"] = failures.teachers_of(prompts)
        classes = set(prompts.order_by().values_list("error_class", flat=True).distinct())
        classes |= {data["error_class"]} & set(failures.CLASSES) if "error_class" in data else set()
        self.filters["error_class"].extra["choices"] = [(c, failures.label(c)) for c in sorted(classes)]

    def narrow(self, *, without=()):
        """The prompts under the filters in force, those named in `without` aside."""
        prompts = self.queryset
        for name, value in self._values().items():
            if name not in without:
                prompts = self.filters[name].filter(prompts, value)
        return prompts

    @property
    def query(self):
        """The filters in force, as they stand in an address."""
        return {name: str(value) for name, value in self._values().items()}

    @property
    def chosen(self):
        """[(name, label, value in words)] of the filters in force."""
        named = {"error_class": failures.label, "teacher": self._teacher, "stage": dict(STAGES).get}
        return [(name, self.filters[name].label, named.get(name, str)(value)) for name, value in self._values().items()]

    def _teacher(self, pk):
        return dict((str(key), name) for key, name in self.filters["teacher"].extra["choices"]).get(str(pk), pk)

    def _values(self):
        self.form.is_valid()  # a value that makes no sense narrows nothing
        return {name: value for name, value in self.form.cleaned_data.items() if value}
