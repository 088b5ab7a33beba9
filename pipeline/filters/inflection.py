"""English verb forms: from a base form to the words that a text may use for it."""

import re

IRREGULAR = {
    "build": ["built"],
    "draw": ["drew", "drawn"],
    "feed": ["fed"],
    "find": ["found"],
    "freeze": ["froze", "frozen"],
    "give": ["gave", "given"],
    "grind": ["ground"],
    "grow": ["grew", "grown"],
    "hold": ["held"],
    "keep": ["kept"],
    "make": ["made"],
    "run": ["ran"],
    "shake": ["shook", "shaken"],
    "spin": ["spun"],
    "take": ["took", "taken"],
}
DOUBLES = re.compile(r".*[aeiou][bdfgklmnprtvz]")


def spellings(verb):
    """The verb in American and British spelling: analyze, analyse."""
    if verb.endswith(("ize", "yze")):
        return [verb, verb[:-2] + "se"]
    if verb.endswith(("ise", "yse")):
        return [verb, verb[:-2] + "ze"]
    return [verb]


def third_person(verb):
    """measures, mixes, assays, applies. For many verbs also the plural of a noun."""
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def past_and_ing(verb):
    """The regular measured, measuring. Doubling depends on stress: both are listed, "stoped" hurts nobody."""
    if verb.endswith("ie"):
        return [verb + "d", verb[:-2] + "ying"]
    if verb.endswith("e"):
        stem = verb if verb.endswith(("ee", "oe", "ye")) else verb[:-1]
        return [verb + "d", stem + "ing"]
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return [verb[:-1] + "ied", verb + "ing"]
    forms = [verb + "ed", verb + "ing"]
    if DOUBLES.fullmatch(verb):
        forms += [verb + verb[-1] + "ed", verb + verb[-1] + "ing"]
    return forms
