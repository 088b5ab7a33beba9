"""Finding the JSON in a model's reply: alone, in a code fence, or with words around it; and its reasoning apart."""

import json
import re

from pipeline.answers.hygiene import clean_value

OPEN, CLOSE = r"(?:<(?:seed:)?think(?:ing)?>|\[THINK\])", r"(?:</(?:seed:)?think(?:ing)?>|\[/THINK\])"
THINKING_OPEN = re.compile(OPEN, re.IGNORECASE)
THINKING_CLOSE = re.compile(CLOSE, re.IGNORECASE)
# No two repeats that take the same characters stand side by side: white space without end would be tried all ways.
FENCED = re.compile(r"```[ \t]*(?:(?:json|JSON)[ \t]*)?\n(.*?)```", re.DOTALL)
FENCE_BEGINS = re.compile(r"\s*```\w*\s*")
LOOKS_LIKE_JSON = re.compile(r"\s*(?:```\w*\s*)?(?:\{\s*[\"}]|\[\s*[{\"])")
OBJECT_BEGINS = re.compile(r"\{\s*\"")
MOST_TRIES = 50

# Models write LaTeX into JSON with single backslashes. "\alpha" is then no JSON at all, and "\frac", "\tau" or "\nu"
# would silently become a form feed, a tab or a line break and lose their first letter.
NO_JSON_ESCAPE = r"\\(?![\\\"/bfnrtu])|\\u(?![0-9a-fA-F]{4})"
LATEX_LIKE_ESCAPE = (
    r"\\(?=(?:bar|begin|beta|big|binom|bf|bm|bullet|boldsymbol|forall|frac|nabla|neq|nu|notin|rangle|rho|right|rightarrow"
    r"|rm|tau|text|textbf|textit|textrm|tfrac|theta|tilde|times|uparrow|upsilon)(?![A-Za-z]))"
)
SINGLE_BACKSLASH = re.compile(rf"(?<!\\)(?:{NO_JSON_ESCAPE}|{LATEX_LIKE_ESCAPE})")


def split_thinking(text):
    """(answer, reasoning, error): `<think>…</think>` apart from the rest, also where a template wrote the first tag."""
    # Each piece is looked at once: a reply of nothing but such tags must not take longer than any other.
    *closed, rest = THINKING_CLOSE.split(text)
    blocks, unopened, kept, error = [], [], [], ""
    for piece in closed:
        before, *inside = THINKING_OPEN.split(piece, maxsplit=1)
        if inside:
            blocks.append(THINKING_OPEN.sub("", inside[0]).strip())
            kept.append(before)
        else:
            unopened.append("".join([*kept, before]).strip())
            kept = []
    thinking, rest = [*blocks, *unopened], "".join([*kept, rest])
    if THINKING_OPEN.search(rest):
        rest, after = THINKING_OPEN.split(rest, maxsplit=1)
        thinking.append(after.strip())
        error = "the reasoning block is not closed; no answer follows it"
    return rest, "\n\n".join(part for part in thinking if part), error


def decode(text):
    """The value of a JSON text, LaTeX in it kept. Raises ValueError saying what is wrong with it."""
    try:
        return clean_value(json.loads(keep_latex(text), strict=False, parse_constant=refuse_constant))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def values_in(text):
    """Every JSON object or array that `text` holds, as (value, form), the most explicit place first."""
    try:
        yield decode(text), "json"
        return
    except ValueError:
        pass
    for match in FENCED.finditer(text):
        try:
            yield decode(match[1]), "fenced_json"
        except ValueError:
            continue
    yield from ((value, "json") for value in _embedded(keep_latex(text)))


def why_broken(text):
    """Why a text that was meant as JSON cannot be read, or "" where it does not look like JSON."""
    if not LOOKS_LIKE_JSON.match(text):
        return ""
    begins = FENCE_BEGINS.match(text)
    inner = text[begins.end() :] if begins else text
    if inner.rstrip().endswith("```"):
        inner = inner.rstrip()[:-3].rstrip()
    try:
        decode(inner)
    except ValueError as error:
        return f"the JSON is cut off or broken: {error}"
    return ""


def _embedded(text):
    """Objects among words. What is inside an object that is broken or cut off is never taken for the whole."""
    decoder = json.JSONDecoder(strict=False, parse_constant=refuse_constant)
    position = 0
    for _ in range(MOST_TRIES):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(text, position)
            value = clean_value(value)
        except (ValueError, RecursionError):
            if OBJECT_BEGINS.match(text, position):
                return
            position += 1
            continue
        yield value
        position = end


def keep_latex(text):
    """JSON text with the backslashes of LaTeX doubled, where a model wrote them single."""
    return SINGLE_BACKSLASH.sub(lambda match: "\\" + match[0], text)


def refuse_constant(name):
    """For `json.loads`: NaN and Infinity are no numbers of JSON; raises ValueError."""
    raise ValueError(f"{name} is no JSON number")
