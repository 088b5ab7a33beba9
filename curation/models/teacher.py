"""The endpoints that answer: teachers and judges."""

import re
from decimal import Decimal
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

EMBEDDED = "embedded:smollm2"

key_name = RegexValidator(
    r"^[A-Z][A-Z0-9_]*_API_KEY$",
    "Name an environment variable that ends in _API_KEY, such as OPENAI_API_KEY; the key itself is never stored.",
)


def base_url(value):
    """Refuse anything but an http(s) address without credentials, or the embedded model's name."""
    if value in ("", EMBEDDED):
        return
    if not re.fullmatch(r"https?://[^\s@/?#]+(/[^\s?#]*)?", value):
        raise ValidationError("Give an address such as https://api.example.org/v1, without user, password or query.")
    try:
        urlsplit(value).port  # noqa: B018  it is read, and checked, only when asked for
    except ValueError:
        raise ValidationError("Its port is a number from 0 to 65535, as in http://127.0.0.1:8000/v1.") from None


class Teacher(models.Model):
    """A model behind an OpenAI-compatible address. The key stays in the environment; its variable's name is here."""

    class Kind(models.TextChoices):
        ENDPOINT = "endpoint", "Endpoint"
        EMBEDDED = "embedded", "Embedded model"
        IMPORTED = "imported", "Imported answers"

    class Structure(models.TextChoices):
        JSON_SCHEMA = "json_schema", "JSON by schema"
        JSON_OBJECT = "json_object", "JSON mode"
        TOOL_CALL = "tool_call", "Tool call"
        TEXT = "text", "Plain text"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ENDPOINT)
    base_url = models.CharField(max_length=300, blank=True, validators=[base_url])
    model = models.CharField(max_length=200)
    api_key_env = models.CharField("key variable", max_length=80, blank=True, validators=[key_name])
    concurrency = models.PositiveSmallIntegerField(default=8, validators=[MinValueValidator(1)])
    timeout_seconds = models.PositiveIntegerField(default=120, validators=[MinValueValidator(1)])
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    input_tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    output_tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True, help_text="temperature, top_p, max_tokens …")
    structure = models.CharField(max_length=12, choices=Structure, default=Structure.JSON_SCHEMA)
    profile = models.JSONField(default=dict, blank=True, help_text="What the model takes, where it differs.")
    input_price = models.DecimalField(
        "price per million input tokens, USD", max_digits=12, decimal_places=6, null=True, blank=True
    )
    output_price = models.DecimalField(
        "price per million output tokens, USD", max_digits=12, decimal_places=6, null=True, blank=True
    )
    cached_input_price = models.DecimalField(
        "price per million cached input tokens, USD", max_digits=12, decimal_places=6, null=True, blank=True
    )
    batch_price_share = models.DecimalField(
        "share of the price in batch mode", max_digits=4, decimal_places=3, default=Decimal("0.5")
    )
    prices_of = models.DateField("prices as of", null=True, blank=True)
    terms = models.TextField(blank=True, help_text="What its licence or terms say of training on its answers.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            # Whoever sets both address and variable could otherwise read any secret of the server.
            models.CheckConstraint(
                condition=Q(api_key_env="") | Q(api_key_env__endswith="_API_KEY"), name="teacher_key_variable_named"
            ),
            models.CheckConstraint(condition=Q(concurrency__gte=1), name="teacher_concurrency_at_least_one"),
        ]

    def __str__(self):
        return self.name

    def price(self, prompt_tokens, completion_tokens, *, cached_tokens=None, batch=False):
        """Cost in USD of a call with this usage, or None where a price or the usage is unknown (never 0).

        `completion_tokens` include the reasoning; `cached_tokens` are those of the prompt that the endpoint had at
        hand, at their own price where one is known. `batch`: at the share that is paid in batch mode.
        """
        if None in (self.input_price, self.output_price, prompt_tokens, completion_tokens):
            return None
        cost = self.input_price * prompt_tokens + self.output_price * completion_tokens
        if cached_tokens and self.cached_input_price is not None:
            cost -= (self.input_price - self.cached_input_price) * min(cached_tokens, prompt_tokens)
        return cost * (self.batch_price_share if batch else 1) / 1_000_000
