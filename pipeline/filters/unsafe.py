"""The rule against unsafe work: what no answer may propose, while it may well exclude it."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

MICROBE = r"(?:pathogens?|pathogenic\w*|virus(?:es)?|viral|bacteri\w+|microbes?|strains?|influenza|coronavirus\w*)"
MADE = (
    r"(?:engineered|modified|transgenic|recombinant|gmos?|organisms?|mosquito(?:es)?|insects?|microbes?|bacteri\w+"
    r"|strains?|virus(?:es)?|phages?)"
)
VIRULENCE = r"(?:pathogenicity|virulence|transmissibility|infectivity|lethality)"
GENETICS = (
    r"(?:mutations?|mutants?|alleles?|variants?|phenotypes?|polymorphisms?|missense|effects?|properties|screens?|p53)"
)
PEOPLE = (
    r"(?:human (?:embryos?|zygotes?|germ[\s-]?line|subjects?|patients|volunteers?|participants)|humans\b"
    r"|living (?:humans?|people))"
)
UNSAFE = re.compile(
    r"\b(?:bio)?weapon(?:s|ry|i[sz]\w+)?\b|\b(?:chemical|biological) warfare\b|\bnerve agents?\b|\bbioterror\w*"
    r"|\b(?:sarin|soman|tabun|novichok)\b|\bexplosive devices?\b"
    rf"|\bpathogen(?:icity)? enhancement\b|\benhanc\w+\s+(?:of\s+)?(?:the\s+)?(?:\w+\s+){{0,2}}(?:pathogens?"
    rf"|{VIRULENCE})\b"
    rf"|\b(?:increas\w+|rais\w+"
    rf"|boost\w+)\s+(?:of\s+)?(?:the\s+)?(?:\w+\s+){{0,2}}{VIRULENCE}\b(?=[^.;]{{0,40}}\b{MICROBE})"
    r"|\b(?:bsl|bio[\s-]?safety[\s-]+level)[\s-]*(?:\d\s*(?:/|or|to|and|–|-)\s*)?(?:3|4|three|four|iii"
    r"|iv)\+?(?![\w.]\d|\w)"
    r"|\benvironmental release\b|\bdeliberate(?:ly)? releas\w+"
    rf"|\breleas\w+\s+(?:\w+\s+){{0,4}}?{MADE}\s+(?:\w+\s+){{0,3}}(?:in)?to (?:the |a )?(?:environment|wild|field"
    rf"|nature|open)\b"
    r"|\bgene[\s-]drives?\b(?!\s+(?:the|a|an|its|their|\w+ion|growth)\b)"
    r"|\bdual[\s-]use (?:research|concern|experiments?|work|pathogen|agent|potential)|\bdual[\s-]use\b(?=\s*[.;,)]|$)"
    r"|\bgain[\s-]of[\s-]function\b(?<!loss- and gain.of.function)(?<!loss- or gain.of.function)"
    rf"(?<!loss and gain.of.function)(?<!loss or gain.of.function)(?!\s+{GENETICS})"
    rf"|\b(?:crispr\S*|cas9|gene[\s-]edit\w*|genome[\s-]edit\w*|edit\w*)\s+(?:\w+\s+){{0,5}}?{PEOPLE}"
    r"|\bhuman germ[\s-]?line\b|\bgerm[\s-]?line (?:edit|modif)\w+|\b(?:human )?embryo[\s-](?:edit|modif)\w+",
)
# No unsafe term is without one of these words, or one of each of a pair; looking for them makes the usual answer cheap.
CUES = frozenset(
    """weapon weapons weaponry weaponize weaponized weaponizes weaponizing weaponise weaponised weaponises weaponising
    weaponization weaponisation bioweapon bioweapons bioweaponry warfare bioterror bioterrorism bioterrorist
    bioterrorists sarin soman tabun novichok explosive pathogen pathogens pathogenicity virulence transmissibility
    infectivity lethality bsl bsl3 bsl4 biosafety germline""".split()  # noqa: SIM905  a list of words reads best as words
)
PAIRS = (
    (frozenset(("gene",)), frozenset(("drive", "drives"))),
    (frozenset(("gain",)), frozenset(("function",))),
    (frozenset(("dual",)), frozenset(("use",))),
    (frozenset(("nerve",)), frozenset(("agent", "agents"))),
    (frozenset(("bio",)), frozenset(("safety", "weapon"))),
    (
        frozenset("release released releases releasing".split()),  # noqa: SIM905
        frozenset("environment environmental wild field nature open deliberate deliberately".split()),  # noqa: SIM905
    ),
    (
        frozenset("human humans people germ embryo".split()),  # noqa: SIM905
        frozenset("crispr cas9 edit edits edited editing line modified modifying modification".split()),  # noqa: SIM905
    ),
)
CLAUSE = re.compile(r"[.;:!?\n]|\b(?:but|however|although|yet|instead,)\b")
BEFORE = re.compile(
    r"\b(?:no|not|never|nothing|none|without|nor|neither|non|cannot|don't|doesn't|won't|isn't|aren't|avoid(?:s|ed"
    r"|ing)?|exclud\w+|prohibit\w*"
    r"|forbid\w*|forbidden|bann?(?:s|ed|ing)?|refrain\w*|rather than|instead of|prevent\w*|preclud\w+|free of"
    r"|absence of|lack of|outside"
    r"|below|against|rul\w+ out|refus\w+|disallow\w*|rejects?|decline\w*|stop\w* short of|omit\w*|unless)\b"
)
DOUBLED = re.compile(
    r"\bnot only\b|\bno (?:longer|doubt|need to avoid)\b|\b(?:not|never|cannot|can't|without)\s+(?:be\s+)?(?:avoid"
    r"|exclud|prevent|prohibit"
    r"|forbid|ban|rul\w* out|refus|preclud|omit|disallow)\w*|\bno (?:\w+\s+){0,2}(?:restrictions?|limits?|ban"
    r"|prohibition)\b|\bnot (?:just|merely)\b"
)
AFTER = re.compile(
    r"[^.;!?\n]{0,80}?\b(?:(?:is|are|was|were|be|being|been|remains?|stays?)\s+(?:\w+ly\s+)?(?:excluded|prohibited"
    r"|forbidden|banned|avoided|omitted"
    r"|disallowed|ruled out|precluded|out of scope|off[\s-]limits|unnecessary|not\b)|(?:must|shall|should|will|may"
    r"|can|do|does|did)\s*not\b|cannot\b"
    r"|never\b|excluded\b|prohibited\b|not (?:permitted|allowed|used|required|needed|involved|part|applicable))"
)
NOT_EXCLUDED = re.compile(
    r"\b(?:not|cannot|can't)\s+(?:be\s+)?(?:\w+ly\s+)?(?:excluded|prohibited|forbidden|banned|avoided|omitted"
    r"|disallowed|ruled out|precluded|unnecessary|only|limited)\b"
)
LOOK_BACK = 120


@rule(
    "ban_unsafe",
    label="Unsafe work",
    help="The answer proposes no unsafe work such as BSL-3, gene drives or gain of function; to exclude it is fine.",
    settings=[Setting("ban_unsafe", kinds.switch, default=True)],
)
def ban_unsafe(answer):
    found = unsafe(answer.lower) if _cues(answer.word_set) else []
    return Measurement("ban_unsafe", len(found), 0, not found, f"Speaks of {quoted(found)}." if found else "")


def unsafe(text):
    """The unsafe terms that `text`, in lower case, neither negates nor excludes, as written."""
    return [" ".join(match[0].split()) for match in UNSAFE.finditer(text) if not _negated(text, match)]


def _cues(words):
    return not words.isdisjoint(CUES) or any(
        not words.isdisjoint(one) and not words.isdisjoint(other) for one, other in PAIRS
    )


def _negated(text, match):
    before = CLAUSE.split(text[max(0, match.start() - LOOK_BACK) : match.start()])[-1]
    if BEFORE.search(DOUBLED.sub(" ", before)):
        return True
    after = AFTER.match(text, match.end())
    return bool(after) and not NOT_EXCLUDED.search(text, match.end(), match.end() + 110)
