"""Prompt templates: fill the placeholders of a text, and build the message that a teacher is sent.

A placeholder is `{{name}}`. Everything else in a template stays as written, so braces of LaTeX and JSON survive,
and what is filled in is never looked at again.
"""

import hashlib
import math
import re
from numbers import Real
from pathlib import Path

SHIPPED = Path(__file__).resolve().parent.parent / "prompts"
NAMES = (
    *("context", "hypothesis", "domain", "title", "task_type", "prompt", "response", "rubric", "reasons", "previous"),
    "instructions",
)
# The earlier scripts wrote {context}; these names and no others are understood in their templates.
SINGLE_BRACE_NAMES = ("context", "hypothesis", "domain", "title", "task_type")

DOUBLE = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}")
SINGLE = re.compile(r"\{(" + "|".join(SINGLE_BRACE_NAMES) + r")\}")
NEWLINES = "\r\n"
UNPAIRED = "(No hypothesis is given. Plan for the most important claim of the source that can be tested.)"


class PromptError(ValueError):
    """A template that cannot be filled. `missing` and `unknown` name every placeholder concerned."""

    def __init__(self, message, *, missing=(), unknown=()):
        super().__init__(message)
        self.missing = tuple(missing)
        self.unknown = tuple(unknown)


def placeholders(body):
    """The names that `body` asks for, in order, each once."""
    return tuple(dict.fromkeys(_pattern(body).findall(body)))


def render(body, values, *, optional=()):
    """Fill the placeholders of `body` with `values`, verbatim.

    A value that is missing, None, NaN or blank is refused by name, unless it is `optional`; so is a placeholder
    that nothing is known under. Raises PromptError naming all of them.
    """
    texts = {name: as_text(value) for name, value in values.items()}
    asked = placeholders(body)
    unknown = [name for name in asked if name not in texts and name not in NAMES]
    missing = [
        name for name in asked if name not in unknown and name not in optional and not texts.get(name, "").strip()
    ]
    if unknown or missing:
        raise _error(unknown, missing, texts)
    return _pattern(body).sub(lambda match: texts.get(match[1], ""), body)


def as_text(value):
    """`value` as text to insert. None, NaN and their kin are no text, never the words "None" or "nan"."""
    if isinstance(value, str):
        return value
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, Real) and not isinstance(value, bool):
        return "" if math.isnan(value) else str(value)
    raise TypeError(f"{value!r} is {type(value).__name__}; a prompt takes text or numbers")


def sha256(body):
    """The fingerprint of a template."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def shipped(name):
    """The text of prompts/NAME.txt (such as "hypothesis" or "demo/hypothesis"), without the newline at its end."""
    known = {path.relative_to(SHIPPED).with_suffix("").as_posix(): path for path in SHIPPED.rglob("*.txt")}
    if name not in known:
        raise PromptError(f"prompts/{name}.txt does not exist; there are {', '.join(sorted(known))}")
    return known[name].read_text(encoding="utf-8").removesuffix("\n")


def user_message(
    *, task_type, user_prompt="", context="", template="", hypothesis="", domain="", title="", paired=False
):
    """The message a teacher is sent for one prompt.

    The row's own `user_prompt` goes before the `template` of its task type. The context is always in it: what does
    not hold it already gets it appended; so does the hypothesis that a methodology must test. `paired` says that
    there must be one. Line breaks are kept. Raises PromptError.
    """
    values = {"context": context, "hypothesis": hypothesis, "domain": domain, "title": title, "task_type": task_type}
    values = {name: as_text(value) for name, value in values.items()}
    if paired and not values["hypothesis"].strip():
        raise PromptError("missing value: hypothesis, which a paired methodology must test", missing=["hypothesis"])
    own = as_text(user_prompt)
    if own.strip():
        message = _fill_left_open(own, values)
    elif as_text(template).strip():
        message = _from_template(as_text(template), values)
    else:
        raise PromptError(f"there is neither a user prompt nor a template for the task type {task_type!r}")
    message = _with(message, "Context", values["context"])
    return _with(message, "Hypothesis to test", values["hypothesis"])


def _from_template(template, values):
    if not values["hypothesis"].strip():
        values = values | {"hypothesis": UNPAIRED}
    return render(template, values, optional=("domain", "title"))


def _fill_left_open(prompt, values):
    """Fill the {context} and {hypothesis} that generators of inputs left open in a row's own prompt."""
    fillable = {name: values[name] for name in ("context", "hypothesis") if values[name].strip()}
    pattern = DOUBLE if fillable.keys() & set(DOUBLE.findall(prompt)) else SINGLE
    return pattern.sub(lambda match: fillable.get(match[1], match[0]), prompt)


def _with(message, label, text):
    if not text.strip() or text in message or _squeezed(text) in _squeezed(message):
        return message
    return f"{message.rstrip()}\n\n{label}:\n{text.strip(NEWLINES)}"


def _squeezed(text):
    return " ".join(text.split())


def _pattern(body):
    """Which placeholders hold in this template: {{name}}; only without any of these the {name} of earlier scripts."""
    return DOUBLE if DOUBLE.search(body) else SINGLE


def _error(unknown, missing, texts):
    parts = []
    if unknown:
        known = ", ".join(dict.fromkeys([*texts, *NAMES]))
        parts.append(f"unknown placeholder: {', '.join('{{' + name + '}}' for name in unknown)}; known are {known}")
    if missing:
        parts.append(f"missing value: {', '.join(missing)}")
    return PromptError("; ".join(parts), missing=missing, unknown=unknown)
