"""Forms of the recipe pages: what is done about one reason, and about all of them."""

from django import forms

from curation.forms_json import JSONText
from curation.models import Teacher
from curation.profiles import check_parameters
from pipeline.regenerating import recipes

LEAST_RUNGS = 2  # fields for teachers that a ladder shows, whatever the limit of attempts
LARGEST_FILE = 1_000_000  # bytes of an uploaded recipes.yaml
OWN = ("temperature", "max_tokens")  # parameters with a field of their own


class LadderForm(forms.Form):
    """A form with a ladder: field `rung-0` is the teacher of the second answer, `rung-1` of the third, and so on."""

    def __init__(self, data=None, *, ladder=(), attempts=3, initial=None, **options):
        rungs = {f"rung-{place}": name for place, name in enumerate(ladder)}
        super().__init__(data, initial=(initial or {}) | rungs, **options)
        names = Teacher.objects.exclude(kind=Teacher.Kind.IMPORTED).order_by("name").values_list("name", flat=True)
        choices = [("", "—"), *((name, name) for name in dict.fromkeys([*names, *ladder]))]
        number = min(max(LEAST_RUNGS, attempts - 1, len(ladder) + 1), recipes.MOST_TEACHERS)
        self.rungs = [f"rung-{place}" for place in range(number)]
        for place, name in enumerate(self.rungs):
            self.fields[name] = forms.ChoiceField(choices=choices, required=False, label=f"Answer {place + 2}")

    @property
    def ladder_fields(self):
        """The fields of the ladder, from the second answer on."""
        return [self[name] for name in self.rungs]

    def clean(self):
        cleaned = super().clean()
        names = [cleaned.get(name, "") for name in self.rungs]
        gap = next((place for place, name in enumerate(names) if not name and any(names[place:])), None)
        if gap is not None:
            self.add_error(self.rungs[gap], "Choose a teacher here too: the ladder has no gap.")
        return cleaned

    @property
    def ladder(self):
        """The names of a valid form's ladder."""
        return [self.cleaned_data[name] for name in self.rungs if self.cleaned_data[name]]


class RecipeForm(LadderForm):
    """What is done about one reason."""

    addendum = forms.CharField(
        required=False,
        max_length=recipes.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="What the teacher is told",
        help_text="One or two sentences. “{{limit}}” stands for the limit of the rule that failed.",
    )
    temperature = forms.FloatField(required=False, min_value=0, max_value=2, help_text="0 to 2; empty: the teacher’s.")
    max_tokens = forms.IntegerField(
        required=False, min_value=1, label="Most tokens", help_text="Of the answer; empty: the teacher’s."
    )
    others = JSONText(
        example='{"top_p": 0.9}', label="Other parameters", help_text="As JSON; sent in place of the teacher’s own."
    )

    @classmethod
    def of(cls, recipe, data=None, **options):
        """The form of a recipe: {addendum, parameters, ladder}."""
        parameters = dict(recipe["parameters"])
        initial = {"addendum": recipe["addendum"]} | {name: parameters.pop(name, None) for name in OWN}
        return cls(data, ladder=recipe["ladder"], initial=initial | {"others": parameters}, **options)

    def clean(self):
        cleaned = super().clean()
        problems = check_parameters(self._parameters(cleaned)) if not self.errors else []
        for problem in problems:
            self.add_error("others", problem)
        return cleaned

    @staticmethod
    def _parameters(cleaned):
        own = {name: cleaned[name] for name in OWN if cleaned.get(name) is not None}
        return (cleaned.get("others") or {}) | own

    @property
    def recipe(self):
        """The recipe that a valid form makes."""
        cleaned = self.cleaned_data
        return {
            "addendum": " ".join(cleaned["addendum"].split()),
            "parameters": self._parameters(cleaned),
            "ladder": self.ladder,
        }


class GeneralForm(LadderForm):
    """What holds for every reason, and for one without a recipe."""

    stop_after_same_reason = forms.IntegerField(
        required=False,
        min_value=2,
        max_value=20,
        label="Stop after the same reason",
        help_text="So many answers in a row with a fault that was to be mended. Empty: only the attempts are counted.",
    )
    otherwise = forms.CharField(
        required=False,
        max_length=recipes.LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Told about a reason without a recipe",
    )

    @classmethod
    def of(cls, body, data=None, **options):
        """The form of a body of recipes."""
        initial = {
            "stop_after_same_reason": body["stop_after_same_reason"],
            "otherwise": body["otherwise"]["addendum"],
        }
        return cls(data, ladder=body["ladder"], initial=initial, **options)

    @property
    def general(self):
        """What a valid form says, as keys of a body of recipes."""
        cleaned = self.cleaned_data
        return {
            "ladder": self.ladder,
            "stop_after_same_reason": cleaned["stop_after_same_reason"],
            "otherwise": {"addendum": " ".join(cleaned["otherwise"].split())},
        }


class RecipeFileForm(forms.Form):
    """A recipes.yaml to be taken over."""

    file = forms.FileField(label="A recipes.yaml", widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"}))

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(f"{file.name} is larger than {LARGEST_FILE:,} bytes: that is no recipes.yaml.")
        try:
            return file.read().decode()
        except UnicodeDecodeError:
            raise forms.ValidationError(f"{file.name} is not text in UTF-8.") from None
