"""The rule against what a template, a chat or a model's own machinery left in an answer."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

NAMES = (
    r"(?:context|hypothesis|prompt|question|answer|response|source|text|title|abstract|topic|domain|instruction"
    r"|input|output"
    r"|passage|task|task_type|user_prompt|system_prompt|template|placeholder|variable|name|value|document|previous"
    r"|reasons)"
)
FILL_IN = (
    r"(?:insert|your|add|enter|fill in|specify|specific|name of|name|describe|description of|choose|select"
    r"|placeholder|e\.g\.|to be"
    r"|type of|number of|amount of|list|describe|state|provide|replace|include|appropriate|relevant|desired|chosen"
    r"|todo|tbd)"
)
# Each begins with a sign of its own, so that the search is quick.
SIGNS = re.compile(
    r"(?P<braces>\{\{\s*[A-Za-z#/>!][\w .|:\"'-]{0,80}\}\})"
    rf"|\{{(?<![\\\w^_{{]\{{){NAMES}\}}"
    r"|\$\{\w{1,40}\}|<%.{0,80}?%>|%\(\w{1,40}\)s"
    rf"|\[(?:{FILL_IN})\b[^\[\]\n]{{0,80}}\](?!\()"
    r"|<(?:insert|your|add|enter|specify|name of|placeholder)\b[^<>\n]{0,80}>"
    r"|</?(?:think|thinking|thought|reasoning|scratchpad|answer|response|tool_call|output)>"
    r"|<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>|<(?:bos|eos|pad|unk)>|</?s>|<(?:start|end)_of_turn>"
    r"|\[dry run\]",
    re.IGNORECASE,
)
WORDS = re.compile(
    r"\b(?:lorem ipsum|let me know if|i hope this helps|feel free to (?:ask|contact|reach|let)|please let me know"
    r"|happy to help"
    r"|as requested,? (?:here|below)|as per your (?:request|instructions))\b"
)
CUE_WORDS = frozenset(("lorem", "know", "hope", "feel", "happy", "requested", "per"))
CAPITALS = re.compile(
    r"\b(?:TODO|FIXME|TKTK)\b|(?<![(\w-])\bTBD\b(?!\s*\()|\b(?:XX+|NN)\s?(?:%|°C|mM|µM|mg|mL|nm|h\b|min\b|K\b)"
)
AT_START = re.compile(
    r"\A[\s*_#>\"“]*(?:(?:sure|certainly|absolutely|of course|okay|ok|great question|understood|got it)\s*[!,.:—–-]\s*"
    r"(?=here|i\b|i'|let|below|the following|\Z|\n)"
    r"|(?:sure|certainly|absolutely|of course|great question|understood)!"
    r"|here(?:'s| is| are| follows)\s+(?:(?:a|an|the|one|your|my|two|three|some|several)\s+)?(?:\w+[ -]){0,4}"
    r"(?:hypothes[ie]s|methodolog(?:y|ies)|methods?|protocols?|plans?|steps|answers?|responses?|summary|procedures?"
    r"|experiments?|design)\b"
    r"|(?:below|the following) is (?:a|an|the|one|your)\b[^.\n]{0,60}:"
    r"|i'(?:d|ll) be (?:happy|glad) to|i would be (?:happy|glad) to)",
)
AT_LINE = re.compile(
    r"[ \t*_]*(?:#{2,4}[ \t]*(?:instruction|response|input|output|question|answer)[ \t]*:|(?:user|assistant|human"
    r"|chatgpt|system"
    r"|ai)[ \t]*:(?=[ \t*_]|$)|(?:context|source|prompt|hypothesis to test)[ \t]*:[ \t]*$|\[task: )",
    re.IGNORECASE,
)
BLANKS = re.compile(r"(?<=[^\W_] )_{4,}+(?!\w)|(?<!_)_{4,}+(?= [^\W_])")


@rule(
    "ban_leftovers",
    label="Leftovers of a template or a chat",
    help="Nothing is left of a template ({{context}}, [insert X], TODO) or of a chat (“Sure, here is …”).",
    settings=[Setting("ban_leftovers", kinds.switch, default=True)],
)
def ban_leftovers(answer):
    found = leftovers(answer)
    return Measurement("ban_leftovers", len(found), 0, not found, f"Left over: {quoted(found)}." if found else "")


def leftovers(answer):
    """What is left over in the text, as written. Braces of LaTeX and JSON, citations and [email] are none."""
    text, lower = answer.text, answer.lower
    found = [match[0]] if (match := AT_START.match(lower[:300])) else []
    if any(map(text.__contains__, "{[<%")):
        found += [match[0] for match in SIGNS.finditer(text) if not _latex(text, match)]
    if not answer.word_set.isdisjoint(CUE_WORDS):
        found += WORDS.findall(lower)
    if any(mark in text for mark in ("TODO", "FIXME", "TKTK", "TBD", "XX", "NN")):
        found += [match[0] for match in CAPITALS.finditer(text)]
    found += [match[0] for line in answer.lines if ":" in line and (match := AT_LINE.match(line))]
    if "____" in text:
        found += [match[0] for match in BLANKS.finditer(text)]
    return [" ".join(each.split()) for each in found]


def _latex(text, match):
    """Whether doubled braces belong to a formula: \\frac{{a}}{{b}}, x^{{2}}."""
    return match["braces"] is not None and text[max(0, match.start() - 1) : match.start()] in tuple("^_}\\") + tuple(
        "abcdefghijklmnopqrstuvwxyz"
    )
