"""Which prompts are asked again: words such as `state=to_review,to_judge rule=ban_citations`, and what they choose."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, Subquery, TextField
from django.db.models.functions import Cast

from curation.models import Annotation, FilterResult, GateResult, Prompt, State
from pipeline import filters

KEYS = {
    "state": "one state, or several by comma",
    "task_type": "such as hypothesis",
    "domain": "such as chemistry",
    "rule": "a filter rule that the current answer failed",
    "reason": "a reason that SampleGate or a reviewer gave",
    "teacher": "the model that answered",
    "error_class": "why it was parked, such as server_error",
    "key": "a prompt's key, or its first characters, at least 8",
    "decided": "yes: decided ones too",
}
DECIDED = (State.ACCEPTED, State.REJECTED)
LEAST_KEY = 8


class WrongFilter(ValueError):
    """A filter that means nothing; the message names what is known."""


@dataclass(frozen=True)
class AgainFilter:
    """Which prompts to choose; empty: every undecided one that has an answer."""

    state: tuple = ()
    task_type: str = ""
    domain: str = ""
    rule: str = ""
    reason: str = ""
    teacher: str = ""
    error_class: str = ""
    key: str = ""
    decided: bool = False

    @classmethod
    def parse(cls, words):
        """From words key=value; raises WrongFilter."""
        found = {}
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not value.strip():
                raise WrongFilter(f"{word!r} is no filter: write key=value, where key is one of {', '.join(KEYS)}.")
            if key in found:
                raise WrongFilter(
                    f"{key} is given twice: give it once" + (", states by comma." if key == "state" else ".")
                )
            found[key] = value.strip()
        return cls.from_json(found)

    @classmethod
    def from_json(cls, data):
        """From {key: value} as `as_json` gives it, or of texts; raises WrongFilter."""
        if not isinstance(data, dict):
            raise WrongFilter("A filter is an object of keys and values.")
        unknown = [key for key in data if key not in KEYS]
        if unknown:
            raise WrongFilter(f"There is no filter {unknown[0]!r}: known are {', '.join(KEYS)}.")
        given = {key: value for key, value in data.items() if value not in (None, "", [], (), False)}
        for key, value in given.items():
            if key not in ("state", "decided") and not isinstance(value, str):
                raise WrongFilter(f"{key} is {value!r}: a text is expected.")
        return cls(
            **given | {"state": _states(given.get("state", ())), "decided": _decided(given.get("decided"))}
        )._checked()

    def _checked(self):
        if self.rule and self.rule not in filters.RULES:
            raise WrongFilter(f"rule={self.rule}: there is no such rule; known are {', '.join(filters.RULES)}.")
        if self.key and len(self.key) < LEAST_KEY:
            raise WrongFilter(f"key={self.key}: give at least its first {LEAST_KEY} characters.")
        return self

    def as_json(self):
        """{key: value} of what is given, as a run keeps it."""
        given = {key: getattr(self, key) for key in KEYS if getattr(self, key)}
        return given | ({"state": list(self.state)} if self.state else {})

    def __str__(self):
        words = self.as_json()
        if "state" in words:
            words["state"] = ",".join(words["state"])
        if "decided" in words:
            words["decided"] = "yes"
        return " ".join(f"{key}={value}" for key, value in words.items()) or "every undecided prompt with an answer"

    # -- what it chooses --------------------------------------------------------------------------------------------

    @property
    def names_decided(self):
        """Whether decided prompts are meant too: named by state or key, or said so."""
        return bool(self.decided or self.key or self.state)

    @property
    def names_imported(self):
        """Whether imported answers are meant too: their payload is not known, so they are asked only when named."""
        return bool(self.teacher or self.key)

    def prompts(self, project, *, imported_too=False):
        """The chosen prompts of `project`, whatever they would be asked."""
        chosen = self._matching(project)
        if not self.names_decided:
            chosen = chosen.exclude(_is_decided())
        return chosen if imported_too or self.names_imported else chosen.exclude(_is_imported())

    def left_as_decided(self, project):
        """Prompts that match but are decided, and not named."""
        return Prompt.objects.none() if self.names_decided else self._matching(project).filter(_is_decided())

    def left_as_imported(self, project):
        """Prompts that match but whose answer was imported, and not named."""
        if self.names_imported:
            return Prompt.objects.none()
        rows = self._matching(project).filter(_is_imported())
        return rows if self.names_decided else rows.exclude(_is_decided())

    def left_as_withdrawn(self, project):
        """Prompts that match but were withdrawn: nothing brings them back."""
        rows = self._matching(project, withdrawn=True)
        return rows if self.names_decided else rows.exclude(_is_decided())

    def _matching(self, project, *, withdrawn=False):
        # What was parked before its first answer has none; it is meant where parked ones are named.
        answered = Q(current_response__isnull=False)
        if self.error_class or State.PARKED in self.state:
            answered |= Q(state=State.PARKED)
        rows = Prompt.objects.filter(answered, project=project, withdrawal__isnull=not withdrawn)
        if self.state:
            rows = rows.in_state(*self.state)
        for field in ("task_type", "domain", "error_class"):
            if getattr(self, field):
                rows = rows.filter(**{field: getattr(self, field)})
        if self.key:
            rows = rows.filter(key__startswith=self.key.lower())
        if self.teacher:
            rows = rows.filter(
                Q(current_response__model_id=self.teacher) | Q(current_response__teacher__name=self.teacher)
            )
        if self.rule:
            rows = rows.alias(failed_rules=_newest(FilterResult, "failed"))
            rows = rows.filter(failed_rules__contains=f'"{self.rule}"')
        if self.reason:
            rows = rows.alias(gate_reasons=_newest(GateResult, "reasons"))
            rows = rows.filter(Q(gate_reasons__contains=f'"{self.reason}"') | _reviewers_say(self.reason))
        return rows

    def unknown_here(self, project):
        """Sentences on values that no prompt of `project` has, with those there are."""
        said = []
        for key, field in (
            ("task_type", "task_type"),
            ("domain", "domain"),
            ("teacher", "current_response__model_id"),
            ("error_class", "error_class"),
        ):
            value = getattr(self, key)
            if value and not AgainFilter(**{key: value})._matching(project).exists():
                known = set(project.prompts.order_by().values_list(field, flat=True).distinct()[:20]) - {None, ""}
                said.append(f"No prompt has {key}={value}; there are: {', '.join(sorted(known)) or 'none'}.")
        return said


def _states(value):
    names = value.split(",") if isinstance(value, str) else value
    names = tuple(dict.fromkeys(str(name).strip() for name in names))
    for name in names:
        if name not in State.values:
            raise WrongFilter(f"state={name}: there is no such state; known are {', '.join(State.values)}.")
    return names


def _decided(value):
    if value in (True, "yes"):
        return True
    if value in (None, False, "no"):
        return False
    raise WrongFilter(f"decided={value}: yes or no is expected.")


def _is_decided():
    by_people = Prompt.objects.filter(pk=OuterRef("pk")).decided_by_people()
    return Q(state__in=DECIDED) | Exists(by_people)


def _is_imported():
    return Q(current_response__isnull=False, current_response__call=None)


def _newest(results, field):
    """`field` of the current answer's newest verdict; JSON is compared as text, on any database."""
    newest = results.objects.filter(response=OuterRef("current_response")).order_by("-pk")
    return Cast(Subquery(newest.values(field)[:1]), TextField())


def _reviewers_say(word):
    said = Annotation.objects.annotate(as_text=Cast("reasons", TextField())).filter(
        response=OuterRef("current_response"), purpose="review", current=True, as_text__contains=f'"{word}"'
    )
    return Q(Exists(said))
