"""Forms of the release pages: a recipe, two releases to compare, and what an audit found."""

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from curation.models import Release, ReleaseRecipe
from pipeline import formats, splits
from pipeline.releasing import recipe as recipes

MB = 1_000_000


class LinesField(forms.CharField):
    """Names, one a line; a list."""

    widget = forms.Textarea(attrs={"rows": 2})

    def prepare_value(self, value):
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value):
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


class NumbersField(forms.CharField):
    """`name: number`, one a line; a dict. The number is what follows the last colon."""

    widget = forms.Textarea(attrs={"rows": 2})

    def prepare_value(self, value):
        return "\n".join(f"{name}: {number}" for name, number in value.items()) if isinstance(value, dict) else value

    def to_python(self, value):
        found = {}
        for line in filter(None, map(str.strip, (super().to_python(value) or "").splitlines())):
            name, colon, number = line.rpartition(":")
            name, number = name.strip(), number.strip().replace(",", "")
            if not colon or not name or not number.isdecimal():
                raise forms.ValidationError(f"“{line}” is no name with a whole number: write it as in “physics: 500”.")
            if name in found:
                raise forms.ValidationError(f"{name} is there twice: leave one of its lines.")
            found[name] = int(number)
        return found


def _percent(label, help_text):
    limits = [MinValueValidator(0), MaxValueValidator(100)]
    return forms.FloatField(required=False, label=label, help_text=help_text, validators=limits)


class RecipeForm(forms.Form):
    """What a release is made by; what is left empty is as the project says, or asks nothing."""

    FOLDS = (
        ("Which rows", ("min_score", "min_agreement", "task_types", "domains", "not_domains", "include_leaks")),
        ("How many of a domain", ("cap_per_domain", "domain_caps")),
        ("Splits", (*splits.SPLITS, "seed")),
        ("Files", ("system", "targets", "shard_mb")),
    )

    include = forms.ChoiceField(
        choices=[
            ("accepted", "Accepted answers only"),
            ("filtered", "Also what passed the filters and nobody has reviewed yet, marked unreviewed"),
        ],
        widget=forms.RadioSelect,
        initial="accepted",
        label="Include",
    )
    formats = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Formats",
        help_text="Chat messages are always there. A format for which no row fits is left out.",
    )
    min_score = _percent("SampleGate’s score at least", "0 to 100. Rows without a score then stay out.")
    min_agreement = _percent(
        "Accepted by at least, per cent", "Of the people whose decision counted. What nobody decided then stays out."
    )
    task_types = LinesField(required=False, label="Task types", help_text="One a line; empty takes all.")
    domains = LinesField(required=False, label="Domains", help_text="One a line; empty takes all.")
    not_domains = LinesField(required=False, label="Domains to leave out", help_text="One a line.")
    include_leaks = forms.BooleanField(
        required=False,
        label="Also what shares words with an evaluation set",
        help_text="Otherwise it stays out: a model trained on it would know the answers.",
    )
    cap_per_domain = forms.IntegerField(
        min_value=1,
        required=False,
        label="Rows of a domain at most",
        help_text="Which of them is drawn by chance; a pair counts two.",
    )
    domain_caps = NumbersField(
        required=False, label="Domains with a limit of their own", help_text="One a line, as in “physics: 500”."
    )
    train, validation, test = (_percent(f"{name.capitalize()}, per cent", "") for name in splits.SPLITS)
    seed = forms.CharField(
        max_length=64,
        required=False,
        label="Seed",
        help_text="Draws the split of groups that have none yet. Empty takes the project’s.",
    )
    system = forms.BooleanField(
        required=False, label="System messages", help_text="As the teacher was sent them. Otherwise rows have none."
    )
    targets = NumbersField(
        required=False,
        label="Lengths of your models",
        help_text="Tokens, one a line, as in “small model: 2048”: the report counts the rows that are longer.",
    )
    shard_mb = forms.IntegerField(
        min_value=1, max_value=100_000, required=False, label="Parquet files, MB", help_text="About; empty: 500."
    )
    note = forms.CharField(max_length=200, required=False, label="Note", help_text="For yourself; not in the files.")
    save_as = forms.CharField(
        max_length=80,
        required=False,
        label="Keep this recipe as",
        help_text="A name to release by again; a recipe that has it already is replaced.",
    )

    def __init__(self, data=None, *, project, recipe=None):
        self.project = project
        recipe = self.recipe = recipe or recipes.Recipe()
        super().__init__(data, initial=_initial(recipe, project))
        known = [each for each in formats.FORMATS.values() if project.paired or each.name != "pairs"]
        self.fields["formats"].choices = [(each.name, each.label) for each in known]
        self.about_formats = [(each.label, each.help) for each in known]
        for name in splits.SPLITS:
            share = project.split_shares.get(name, 0)
            self.fields[name].help_text = f"{name.capitalize()} has {share:.0%} in the settings."
        said = recipe.model_dump(exclude_defaults=True)
        said |= dict.fromkeys(splits.SPLITS, True) if recipe.shares else {}
        said |= {"shard_mb": True} if recipe.shard_bytes != recipes.SHARD_BYTES else {}
        self._opened = said.keys()

    @property
    def folds(self):
        """[(heading, fields, whether it begins open)]: open where something is said or wrong."""
        given = [(heading, [self[name] for name in names]) for heading, names in self.FOLDS]
        return [(heading, fields, any(self._is_said(field) for field in fields)) for heading, fields in given]

    def _is_said(self, field):
        if self.is_bound:
            return bool(field.errors or field.data)
        return field.name in self._opened

    def clean_formats(self):
        return [name for name in formats.FORMATS if name in self.cleaned_data["formats"] or name == "messages"]

    def clean(self):
        said = super().clean()
        shares = {name: said.get(name) for name in splits.SPLITS}
        if not self.errors and any(share is not None for share in shares.values()):
            total = sum(share or 0 for share in shares.values())
            if abs(total - 100) > 0.01:
                self.add_error("train", f"The shares sum to {total:g} per cent; they must sum to 100.")
        if not self.errors:
            try:
                self.recipe = recipes.read(self.body)
            except recipes.WrongRecipe as wrong:
                self.add_error(None, wrong.messages)
        return said

    @property
    def body(self):
        """The recipe as a mapping of what is said; what is left to the project is not in it."""
        said = self.cleaned_data
        names = ("include", "include_leaks", "system", "min_score", "task_types", "domains", "not_domains")
        names += ("cap_per_domain", "domain_caps", "seed", "targets")
        body = {name: said[name] for name in names if said[name] or said[name] == 0 and said[name] is not False}
        if tuple(said["formats"]) != recipes.default_formats(self.project):
            body["formats"] = said["formats"]
        if said["min_agreement"] is not None:
            body["min_agreement"] = said["min_agreement"] / 100
        if any(said[name] is not None for name in splits.SPLITS):
            body["shares"] = {name: round((said[name] or 0) / 100, 6) for name in splits.SPLITS}
        if said["shard_mb"]:
            body["shard_bytes"] = said["shard_mb"] * MB
        return body

    def save_recipe(self, by):
        """Keep the recipe under the name that was given, if one was; returns the ReleaseRecipe or None."""
        name = self.cleaned_data["save_as"].strip()
        if not name:
            return None
        kept, _ = ReleaseRecipe.objects.update_or_create(
            project=self.project, name=name, defaults={"body": self.body, "created_by": by}
        )
        return kept


def _initial(recipe, project):
    """What the fields of RecipeForm say of a Recipe."""
    said = recipe.model_dump(mode="json", exclude_defaults=True)
    initial = {"include": recipe.include, "formats": list(recipe.formats or recipes.default_formats(project))} | said
    for name, share in (said.get("shares") or {}).items():
        initial[name] = round(share * 100, 4)
    if recipe.min_agreement is not None:
        initial["min_agreement"] = round(recipe.min_agreement * 100, 4)
    if "shard_bytes" in said:
        initial["shard_mb"] = recipe.shard_bytes // MB
    return initial


class CompareForm(forms.Form):
    """Two releases of a project."""

    a = forms.ModelChoiceField(Release.objects.none(), to_field_name="version", label="From", empty_label=None)
    b = forms.ModelChoiceField(Release.objects.none(), to_field_name="version", label="To", empty_label=None)

    def __init__(self, data=None, *, releases, initial=None):
        super().__init__(data, initial=initial)
        for name in "ab":
            self.fields[name].queryset = releases
            self.fields[name].label_from_instance = lambda release: release.label


class LookForm(forms.Form):
    """A verdict on one row of an audit."""

    bad = forms.ChoiceField(
        choices=[("good", "Good"), ("bad", "Bad")],
        widget=forms.RadioSelect,
        label="Would you release it?",
        error_messages={"required": "Say whether the row is good or bad."},
    )
    note = forms.CharField(max_length=2000, required=False, label="Note", widget=forms.Textarea(attrs={"rows": 1}))


class OverrideForm(forms.Form):
    """Why a release may pass in spite of its audit."""

    reason = forms.CharField(
        max_length=2000,
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write why the release may pass; the reason stays with the audit."},
    )
