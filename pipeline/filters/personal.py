"""The rule against personal data: addresses of e-mail and telephone numbers."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.registry import Setting, rule

# "Fe3O4@SiO2" is no address: the last part of a domain is a word in small letters.
EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?=[\w.-]*[a-z]{2})[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[a-z]{2,24}(?![\w@])"
)
# Names that are kept free for examples and reach nobody.
EXAMPLE = re.compile(
    r"@(?:[\w.-]+\.)?(?:example\.(?:com|org|net)|[\w-]+\.(?:example|invalid|test)|localhost)$", re.IGNORECASE
)
PHONE = re.compile(
    r"(?P<called>\b(?:tel|telephone|phone|mobile|cell phone|fax|call)\b[.:]{0,2}[ \t]{0,3}(?:no\.?"
    r"|number)?[.: \t(]{0,4})"
    r"(?P<digits>\+?\d[\d ()./-]{5,20}\d)"
    r"|(?<![\w.+/-])\+(?P<country>[1-9]\d{0,2}(?:[ .-]?\(?\d{1,5}\)?){2,6})(?![\w.]*\d)"
    r"|(?<![\w./-])\(\d{3}\)[ ]?\d{3}[ .-]\d{4}(?![\w-])"
    r"|(?<![\w./+-])(?:1[ .-])?\d{3}(?P<mark>[.-])\d{3}(?P=mark)\d{4}(?![\w-]|\.\d)",
    re.IGNORECASE,
)
NOT_A_PHONE_BEFORE = re.compile(
    r"(?:cat(?:alog(?:ue)?)?|item|lot|batch|part|order|product|grant|award|contract|project|isbn|issn|cas|orcid"
    r"|accession|ref"
    r"|serial|patent|ncbi|doi|no|number|id|code|sku|model)\b[.:#s]{0,2}\s*(?:no\.?|number|nr\.?|#)?[\s:#]*$",
    re.IGNORECASE,
)
PHONE_CUE = re.compile(r"[0-9][0-9 ()./-]{5,}[0-9]")


@rule(
    "ban_personal_data",
    label="Personal data",
    help="The answer names nobody's e-mail address or telephone number.",
    settings=[Setting("ban_personal_data", kinds.switch, default=True)],
)
def ban_personal_data(answer):
    found = personal_data(answer.text)
    return Measurement("ban_personal_data", len(found), 0, not found, f"Names {quoted(found)}." if found else "")


def personal_data(text):
    """Addresses and numbers of persons in `text`, as written. DOIs, dates and catalogue numbers are none."""
    found = []
    if "@" in text:
        found += [match[0] for match in EMAIL.finditer(text) if not EXAMPLE.search(match[0])]
    if PHONE_CUE.search(text):
        found += [match[0].strip() for match in PHONE.finditer(text) if _is_phone(text, match)]
    return found


def _is_phone(text, match):
    if match["called"]:
        return 7 <= sum(map(str.isdigit, match["digits"])) <= 15
    digits = sum(map(str.isdigit, match[0]))
    if match["country"]:
        return 9 <= digits <= 15
    return not NOT_A_PHONE_BEFORE.search(text[max(0, match.start() - 30) : match.start()])
