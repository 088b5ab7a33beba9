"""The form of a teacher: its address, how it is asked, its limits and its prices."""

from datetime import timedelta
from decimal import Decimal

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from .forms_json import JSONText
from .models import Teacher
from .models.teacher import EMBEDDED
from .profiles import KEYS, SYSTEM_ROLES, TOKEN_PARAMETERS, TOOL_CHOICES, check_parameters, check_profile

GUESSED = "guessed by the model’s name"
USUAL = "as usual"
PRICES = ("input_price", "cached_input_price", "output_price", "batch_price_share")
FITTING = '{"max_length": {"statement": 300}}'
YES_OR_NO = {"true": True, "false": False}


class Names(forms.CharField):
    """A list of names, separated by commas."""

    def to_python(self, value):
        text = super().to_python(value)
        if "\0" in text:
            raise forms.ValidationError("Null characters are not allowed.")
        return [each for each in (word.strip() for word in text.split(",")) if each]

    def prepare_value(self, value):
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def has_changed(self, initial, data):
        return str(self.prepare_value(initial) or "").strip() != str(data or "").strip()


class Choice(forms.TypedChoiceField):
    """One of a profile's words, true and false among them; empty leaves the key out."""

    def __init__(self, choices, **options):
        super().__init__(choices=choices, coerce=lambda word: YES_OR_NO.get(word, word), empty_value=None, **options)

    def prepare_value(self, value):
        return {True: "true", False: "false", None: ""}.get(value, value) if _is_plain(value) else ""


def _is_plain(value):
    return value is None or isinstance(value, bool | str)


def _of_profile(kind, key, label, *args, **options):
    """A field for one key of the profile; empty leaves the key out.

    What it began with goes along, so that a key that a worker has learned meanwhile is not taken for changed.
    """
    options.setdefault("help_text", KEYS[key].help)
    if kind is not JSONText:
        options["required"] = False
    return kind(*args, label=label, show_hidden_initial=True, **options)


def _words(*words):
    return [(word, word) for word in words]


class TeacherForm(forms.ModelForm):
    """An endpoint. Its key stays in the environment: only the variable's name is given here."""

    GROUPS = (
        ("Endpoint", "", ("name", "kind", "base_url", "model", "api_key_env")),
        ("How it is asked", "", ("structure", "parameters", "timeout_seconds")),
        (
            "Limits",
            "Shared by all runs and all workers. What the provider allows stands on its page of limits; empty: none.",
            ("concurrency", "requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"),
        ),
        (
            "Prices",
            "In USD per million tokens. Empty: unknown, which is never counted as free; a model of your own costs 0.",
            ("input_price", "cached_input_price", "output_price", "batch_price_share", "prices_of"),
        ),
        ("Terms", "Stand on the card of every dataset with its answers.", ("terms",)),
    )
    TRAITS = (
        *("token_parameter", "most_tokens", "sampling", "system_role", "reasoning_effort", "omit"),
        *("tool_choice", "strict", "schema_without"),
    )
    FITTINGS = ("answer_schema", "judge_schema")

    parameters = JSONText(
        example='{"temperature": 0.7}',
        help_text='Sent with every request, as JSON: {"temperature": 0.7, "max_tokens": 800}. Without max_tokens no '
        "cap can hold.",
    )
    token_parameter = _of_profile(
        Choice, "token_parameter", "Name of the token limit", [("", GUESSED), *_words(*TOKEN_PARAMETERS)]
    )
    most_tokens = _of_profile(forms.IntegerField, "most_tokens", "Largest token limit", min_value=1)
    sampling = _of_profile(
        Choice,
        "sampling",
        "Sampling",
        [
            ("", GUESSED),
            ("true", "temperature and top_p"),
            ("temperature", "temperature alone"),
            ("false", "neither"),
        ],
        help_text="Which of temperature and top_p may be sent.",
    )
    system_role = _of_profile(
        Choice, "system_role", "Role of the system prompt", [("", GUESSED), *_words(*SYSTEM_ROLES)]
    )
    reasoning_effort = _of_profile(
        forms.CharField,
        "reasoning_effort",
        "Reasoning effort",
        max_length=40,
        help_text="Sent as reasoning_effort: low, medium, high, or what the model knows; empty: not sent.",
    )
    omit = _of_profile(
        Names, "omit", "Parameters never sent", help_text="Names with commas between: those that the endpoint refuses."
    )
    tool_choice = _of_profile(Choice, "tool_choice", "Tool call", [("", f"{USUAL}: named"), *_words(*TOOL_CHOICES)])
    strict = _of_profile(
        Choice, "strict", "Strict schemas", [("", f"{USUAL}: strict"), ("true", "strict"), ("false", "not strict")]
    )
    schema_without = _of_profile(
        Names,
        "schema_without",
        "Schemas without",
        help_text="JSON schema keywords to leave out, with commas between, such as maxItems.",
    )
    answer_schema = _of_profile(
        JSONText,
        "answer_schema",
        "Fitting of answer schemas",
        example=FITTING,
        help_text=f"For small models, as JSON: {FITTING}. Also with patterns and leave_out.",
    )
    judge_schema = _of_profile(
        JSONText,
        "judge_schema",
        "Fitting of judgement schemas",
        example=FITTING,
        help_text="The same for what judges write.",
    )

    class Meta:
        model = Teacher
        fields = [
            *("name", "kind", "base_url", "model", "api_key_env", "structure", "parameters", "timeout_seconds"),
            *("concurrency", "requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"),
            *("input_price", "cached_input_price", "output_price", "batch_price_share", "prices_of"),
            "terms",
        ]
        widgets = {
            "prices_of": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "terms": forms.Textarea(attrs={"rows": 3}),
        }
        labels = {
            "base_url": "Base URL",
            "api_key_env": "Variable of the key",
            "structure": "Answers come as",
            "timeout_seconds": "Time limit, seconds",
            "concurrency": "Requests at once",
            "requests_per_minute": "Requests a minute",
            "input_tokens_per_minute": "Input tokens a minute",
            "output_tokens_per_minute": "Output tokens a minute",
            "input_price": "Input",
            "cached_input_price": "Cached input",
            "output_price": "Output",
            "batch_price_share": "Share in batch mode",
            "prices_of": "Prices as of",
            "terms": "What may be trained on its answers",
        }
        help_texts = {
            "kind": "Imported answers stand for a model that is not asked here.",
            "base_url": "An OpenAI-compatible address, such as http://127.0.0.1:8000/v1.",
            "model": "The id that the endpoint knows it by.",
            "api_key_env": "The name of an environment variable that ends in _API_KEY. The key itself is never stored.",
            "structure": "What the endpoint refuses is learned; the next simpler way is then taken.",
            "timeout_seconds": "An answer that takes longer is asked for again, and may be billed twice.",
            "concurrency": "Fewer are sent while the endpoint asks for less.",
            "output_price": "Reasoning counts as output.",
            "cached_input_price": "Empty: as input.",
            "batch_price_share": "0.5 is half of the prices above.",
            "prices_of": "The day they were looked up. Empty, or left as it is where a price changes: today.",
            "terms": "Its licence or its provider’s terms, with the day they were read.",
        }

    def __init__(self, *args, instance=None, initial=None, **options):
        profile = instance.profile if instance and isinstance(instance.profile, dict) else {}
        began = {name: profile.get(name) for name in (*self.TRAITS, *self.FITTINGS)}
        if instance is None:
            began["prices_of"] = timezone.localdate()
        super().__init__(*args, instance=instance, initial=began | (initial or {}), **options)
        self.told = []
        self.fields["structure"].show_hidden_initial = True
        for name in PRICES:
            self._only_between(name, 0, 1 if name == "batch_price_share" else None)
            price = self.initial.get(name)
            if isinstance(price, Decimal):
                self.initial[name] = Decimal(f"{price.normalize():f}")  # without the zeros that a database adds
        for name in ("requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"):
            self._only_between(name, 1, None)
        self.fields["batch_price_share"].required = False
        self.fields["batch_price_share"].widget.attrs["step"] = "0.001"

    def _only_between(self, name, least, most):
        field = self.fields[name]
        field.widget.attrs["min"] = least
        field.validators = [v for v in field.validators if not isinstance(v, MinValueValidator)]
        field.validators.append(MinValueValidator(least))
        if most is not None:
            field.widget.attrs["max"] = most
            field.validators.append(MaxValueValidator(most))

    # -- for the page -----------------------------------------------------------------------------------------------

    def groups(self):
        """[(heading, what it is about, bound fields)] in the order of the page."""
        return [(heading, about, [self[name] for name in names]) for heading, about, names in self.GROUPS]

    def traits(self):
        """The bound fields of the profile."""
        return [self[name] for name in self.TRAITS]

    def fittings(self):
        """The bound fields that fit schemas to small models."""
        return [self[name] for name in self.FITTINGS]

    @property
    def traits_open(self):
        """Whether the fold of the profile holds an error."""
        return any(name in self.errors for name in (*self.TRAITS, *self.FITTINGS)) if self.is_bound else False

    @property
    def traits_set(self):
        """How many keys of the profile have a value of their own."""
        return sum(bool(self[name].value()) for name in (*self.TRAITS, *self.FITTINGS))

    # -- what was sent ----------------------------------------------------------------------------------------------

    def clean(self):
        data = super().clean()
        self._clean_address(data)
        for problem in check_parameters(data["parameters"]) if "parameters" in data else ():
            self.add_error("parameters", problem)
        if "structure" in data and self.instance.pk and "structure" not in self.changed_data:
            data["structure"] = self.instance.structure
        self._clean_prices(data)
        self._clean_profile(data)
        return data

    def _clean_address(self, data):
        kind, address = data.get("kind"), data.get("base_url")
        if kind == Teacher.Kind.EMBEDDED and "base_url" not in self.errors:
            if address not in ("", EMBEDDED):
                self.add_error("base_url", f"The embedded model's address is {EMBEDDED}, or empty.")
            data["base_url"] = EMBEDDED
        elif kind == Teacher.Kind.ENDPOINT and "base_url" not in self.errors:
            if not address:
                self.add_error("base_url", "An endpoint needs an address, such as https://api.example.org/v1.")
            elif address == EMBEDDED:
                self.add_error("kind", "This is the embedded model's address: choose its kind.")

    def _clean_prices(self, data):
        """Prices are of some day: of today where nobody says otherwise."""
        if data.get("batch_price_share") is None and "batch_price_share" not in self.errors:
            data["batch_price_share"] = Decimal("0.5")
        if "prices_of" in self.errors:
            return
        today, given = timezone.localdate(), [data[name] for name in PRICES[:3] if data.get(name) is not None]
        changed = set(PRICES) & set(self.changed_data)
        if data.get("prices_of") and data["prices_of"] > today + timedelta(days=1):  # it may be tomorrow elsewhere
            self.add_error("prices_of", "Prices are of a day that has come: today at the latest.")
        elif not given:
            data["prices_of"] = None
        elif not data.get("prices_of") or (self.instance.pk and changed and "prices_of" not in self.changed_data):
            data["prices_of"] = today
            self.told.append(f"Its prices are as of today, {today.isoformat()}.")

    def _clean_profile(self, data):
        """Put what was changed into the profile of the row as it is now, lessons and all."""
        stored = self.instance.profile if isinstance(self.instance.profile, dict) else {}
        profile = {name: value for name, value in stored.items() if name in KEYS}
        for name in (*self.TRAITS, *self.FITTINGS):
            if name in data and name in self.changed_data:
                profile.pop(name, None)
                if data[name] not in (None, "", [], {}):
                    profile[name] = data[name]
        for problem in check_profile(profile):
            name = problem.split("”")[0].removeprefix("“")
            self.add_error(name if name in self.fields else None, problem)
        self.instance.profile = profile
