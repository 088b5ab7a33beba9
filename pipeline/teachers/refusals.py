"""Which part of a request an endpoint's error refuses: a parameter, the role, the structure, a piece of its schema."""

import json
import re

from curation.profiles import TOKEN_PARAMETERS

from .payload import schema_in, structure_of

# Parts of an error body that repeat the request, so that the words of a prompt could be taken for the endpoint's own.
REPEATED = {"input", "ctx", "failed_generation", "flagged_input", "url", "body", "request"}
MOST_READ = 4000
DEEPEST = 20

REFUSES = re.compile(
    r"unsupported|not (?:currently )?support|n['’]t support"
    r"|no(?:t| longer) (?:be )?(?:permitted|allowed|available|valid)"
    r"|(?:is|are) unavailable|unknown|unrecogni[sz]ed|unexpected|extra[ _](?:inputs?|fields?|forbidden)|deprecated"
    r"|cannot (?:both )?be (?:specified|used|set)|invalid schema|only (?:the default|\S+ is allowed)|must be one of"
    r"|requires --|failed to parse grammar|not accept|no endpoints found that|cannot find field"
)
ROLES = re.compile(
    r"role['\"`]?:? (?:'?\w+'? )?(?:is )?(?:not supported|not allowed|unsupported)"
    r"|system (?:role|message)s? (?:is |are )?not supported"
    r"|messages\W{0,2}\d*\W*role|unexpected (?:message )?role|only user(?:,| and) assistant|roles must alternate"
    r"|unknown variant `(?:developer|system)`|input tag '(?:developer|system)'|role 'system' is not"
)
STRUCTURES = re.compile(
    r"response_format|json_schema|json_object|json mode|structured output|guided_json|grammar|invalid schema"
)
TOOLS = re.compile(r"\btools?\b|tool[ _](?:use|call|choice)|function call")
SCHEMA_KEYWORDS = (
    *("maxItems", "minItems", "maxLength", "minLength", "minimum", "maximum", "pattern", "prefixItems"),
    "additionalProperties",
)
OUT_OF_RANGE = re.compile(
    r"at most (\d+) (?:completion|output)|> (\d+), which is the maximum|less than or equal to `?(\d+)|\[\d+, ?(\d+)\]"
    r"|expected a value <= (\d+)"
)
NEVER = {"model", "messages", "response_format", "tools", "tool_choice"}  # no parameters that could be left out


def own_words(body):
    """The words of an error body, without the parts of it that repeat the request."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = body
    return " ".join(" ".join(_texts(value)).split())[:MOST_READ]


def said(body):
    """`own_words` in lower case."""
    return own_words(body).lower()


def error_param(body):
    """The parameter that the error itself names in a field for it, or ""."""
    try:
        error = json.loads(body).get("error")
    except (ValueError, AttributeError, RecursionError):
        return ""
    param = error.get("param") if isinstance(error, dict) else None
    return param if isinstance(param, str) else ""


def refused(body, sent):
    """The parts of the request body `sent` that the error `body` refuses, each a name or a (name, value).

    ("structure", how) · ("tool_choice", choice) · "strict" · ("keyword", of the schema) · ("role", of the system
    prompt) · ("most", tokens that are taken) · the name of a parameter. [] where it names none.
    """
    words = said(body)
    limit = _limit(words, sent)
    if limit:
        return [limit]
    if ROLES.search(words) and sent["messages"][0]["role"] != "user":
        return [("role", sent["messages"][0]["role"])]
    if not REFUSES.search(words):
        return []
    named = [name for name in sent if name not in NEVER and names(words, error_param(body), name)]
    if {"temperature", "top_p"} <= set(named) and "both" in words:
        return ["both temperature and top_p"]
    return named or _structure(words, sent)


def _limit(words, sent):
    name = next((name for name in TOKEN_PARAMETERS if name in sent), None)
    found = OUT_OF_RANGE.search(words) if name and any(each in words for each in TOKEN_PARAMETERS) else None
    most = int(next(number for number in found.groups() if number)) if found else 0
    return ("most", most) if most and isinstance(sent[name], int) and most < sent[name] else None


def _structure(words, sent):
    """What of the structure is refused: the smallest part that the words name."""
    how = structure_of(sent)
    if how == "text":
        return []
    if "tool_choice" in words and how == "tool_call":
        return [("tool_choice", _choice(sent))]
    if '"strict": true' in json.dumps(sent) and re.search(r"['\"`.]strict['\"`]", words):
        return ["strict"]
    schema = json.dumps(schema_in(sent))
    keywords = [each for each in SCHEMA_KEYWORDS if f'"{each}":' in schema and _names_keyword(words, each)]
    if keywords and "required to be" not in words:
        return [("keyword", each) for each in keywords]
    marks = TOOLS if how == "tool_call" else STRUCTURES
    return [("structure", how)] if marks.search(words) else []


def _names_keyword(words, keyword):
    """minimum, maximum and pattern are common words too: they count in quotes alone."""
    name = keyword.lower()
    return bool(re.search(rf"\b{name}\b" if name != keyword else rf"['\"`]{name}['\"`]", words))


def _choice(sent):
    choice = sent.get("tool_choice")
    return choice if isinstance(choice, str) else "named"


def names(words, param, name):
    """Whether the words name a parameter: in quotes, or as a word that could be nothing else."""
    if param == name:
        return True
    quoted = rf"['\"`‘“]{re.escape(name)}['\"`’”]"
    plain = rf"(?<![\w.'\"]){re.escape(name)}(?![\w.])" if "_" in name or name == "temperature" else quoted
    return bool(re.search(f"{quoted}|{plain}", words))


def _texts(value, depth=0):
    """Every text in an error body that is the endpoint's own."""
    if depth > DEEPEST:
        return
    if isinstance(value, str):
        # Some servers put the whole list of what failed into one text, as JSON or as Python writes it.
        try:
            inner = json.loads(value) if value[:1] in "[{" else None
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict | list):
            yield from _texts(inner, depth + 1)
        else:
            yield re.split(r"['\"]input['\"]: ", value)[0] if value[:1] in "[{" else value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in REPEATED:
                yield from _texts(part, depth + 1)
        if isinstance(value.get("loc"), list):
            yield " ".join(f"'{each}'" for each in value["loc"])
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
