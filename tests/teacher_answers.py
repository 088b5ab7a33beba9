"""What the stand-in teacher says: answers that pass the shipped filters, derived from a hash of the question."""

import hashlib
import json
import random
import re

SYSTEMS = {
    "cobalt oxide films on conducting glass": ("electrolyte iron concentration", "µM", "overpotential"),
    "confluent kidney epithelial cells": ("glucose concentration", "mM", "lactate concentration"),
    "two-step sintered zirconia bodies": ("hold temperature", "°C", "indentation toughness"),
    "few-layer graphene with nickel contacts": ("annealing temperature", "°C", "contact resistance"),
    "nitrogen-doped anatase powders": ("nitrogen content", "at%", "rate of dye removal"),
    "baker's yeast cultures": ("heat pretreatment", "min", "survival rate"),
    "gravel beds planted with reed": ("retention time", "h", "ammonium concentration"),
    "lettuce seed aged for four years": ("gibberellin concentration", "µM", "germination rate"),
    "glycine crystallised from water": ("cooling rate", "K/min", "median crystal length"),
    "an aluminium alloy aged at 175 °C": ("interruption time", "h", "Vickers hardness"),
    "seasonal snow plots": ("dust load", "g/m²", "melting rate"),
    "printed polylactide bars": ("nozzle temperature", "°C", "tensile strength"),
}
CAUSES = ("mass transport", "a shift of the equilibrium", "defect formation", "slower diffusion", "a blocked pathway")
JUDGED = re.compile(r"\bscore\b.*\b100\b", re.DOTALL | re.IGNORECASE)
METHOD = re.compile(r"hypothesis to test|methodolog|experimental protocol|plan an experiment", re.IGNORECASE)


def words_of(body):
    """Everything the request says to the model, as one text."""
    parts = []
    for message in body.get("messages", ()):
        content = message.get("content") or ""
        parts.append(content if isinstance(content, str) else " ".join(p.get("text", "") for p in content))
    return "\n".join(parts)


def asks_for(body):
    """hypothesis, methodology or judgement: by the schema where there is one, else by the words of the request."""
    names = set(_schema(body).get("properties", ()))
    for marker, kind in (("score", "judgement"), ("steps", "methodology"), ("statement", "hypothesis")):
        if marker in names:
            return kind
    words = words_of(body)
    if JUDGED.search(words):
        return "judgement"
    return "methodology" if METHOD.search(words) else "hypothesis"


def content(body):
    """The whole text of a good answer to `body`, in the form it asks for; the same request gets the same text."""
    dice = random.Random(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest())
    kind = asks_for(body)
    values = {"hypothesis": hypothesis, "methodology": methodology, "judgement": judgement}[kind](dice, words_of(body))
    schema = _schema(body)
    if schema:
        return json.dumps(_fill(schema, values, dice), ensure_ascii=False)
    if body.get("response_format", {}).get("type") == "json_object" or kind == "judgement":
        return json.dumps(values, ensure_ascii=False)
    if kind == "methodology":
        return "\n".join(f"{number}. {step}" for number, step in enumerate(values["steps"], 1))
    return values["statement"]


def hypothesis(dice, words):
    """The fields of a falsifiable hypothesis with a variable, an outcome and numbers."""
    system = dice.choice(sorted(SYSTEMS))
    variable, unit, outcome = SYSTEMS[system]
    direction = dice.choice(("increase", "decrease"))
    low = dice.randint(1, 40)
    statement = (
        f"If the {variable} of {system} is raised from {low} to {low + dice.randint(5, 60)} {unit}, then the {outcome} "
        f"will {direction} by at least {dice.randint(5, 60)} % within {dice.randint(2, 96)} hours, "
        f"because of {dice.choice(CAUSES)}."
    )
    support = _sentences(words, dice)
    return {
        "statement": statement,
        "variable": variable,
        "outcome": outcome,
        "direction": direction,
        "support": support,
    }


def methodology(dice, words):
    """The fields of a plan of five steps with system, perturbation, control, readout and safety.

    It varies and measures what the hypothesis in the request names, if that is one of ours.
    """
    system = _named(words) or dice.choice(sorted(SYSTEMS))
    variable, unit, outcome = SYSTEMS[system]
    number, low, hours = dice.randint(3, 12), dice.randint(1, 40), dice.randint(2, 96)
    parts = {
        "system": f"{2 * number} specimens of {system}",
        "perturbation": f"{variable} raised from {low} to {low + dice.randint(5, 60)} {unit}",
        "control": f"{number} untreated specimens at {low} {unit}",
        "readout": f"{outcome}, measured in triplicate by a calibrated instrument",
        "safety": "gloves and goggles in a fume hood, BSL-1 practice, solvent waste collected for disposal",
    }
    steps = [
        f"Prepare {parts['system']} and measure their {outcome} as the baseline.",
        f"Divide them at random and apply the perturbation to one half: {parts['perturbation']}.",
        f"Keep the control group beside them for {hours} hours: {parts['control']}.",
        f"Measure the readout every {max(1, hours // 6)} hours: {parts['readout']}.",
        f"Compare treated and control group with a t test at 5 %; wear {parts['safety']}.",
    ]
    return parts | {"steps": steps, "support": _sentences(words, dice)}


def _named(words):
    """The system that the hypothesis to test speaks of, or None."""
    asked = set(re.findall(r"\w+", words.lower().rpartition("hypothesis to test")[2]))
    shared = {
        system: len(asked & set(re.findall(r"\w+", f"{system} {parts[0]} {parts[2]}".lower())))
        for system, parts in SYSTEMS.items()
    }
    best = max(sorted(shared), key=shared.get)
    return best if shared[best] > 2 else None


def judgement(dice, words):
    """A reading that passes the thresholds of 80, without a flag."""
    names = ("plausibility", "grounding", "falsifiability", "method_rigour", "reproducibility", "safety_awareness")
    score = dice.randint(82, 97)
    return {
        "score": score,
        "dimensions": {name: max(80, score - dice.randint(0, 4)) for name in names},
        "flags": [],
        "requires_human_review": False,
        "rationale": "The claim follows from the source, names what is varied and measured, and can be tested.",
    }


def _schema(body):
    """The schema of the request: of its response format, or of the tool that it offers."""
    if body.get("tools"):
        return body["tools"][0]["function"]["parameters"]
    wanted = body.get("response_format") or {}
    return (wanted.get("json_schema") or {}).get("schema") or {}


def _fill(schema, value, dice):
    """`value` in the shape of `schema`; what the schema asks beyond it is made up by type."""
    kind = schema.get("type")
    if "enum" in schema:
        return value if value in schema["enum"] else schema["enum"][0]
    if kind == "object":
        known = value if isinstance(value, dict) else {}
        return {name: _fill(part, known.get(name), dice) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return (value or [])[: schema.get("maxItems")]
    if kind == "string":
        return (value or "as the source says")[: schema.get("maxLength")]
    if kind in ("integer", "number"):
        return dice.randint(82, 97) if value is None else value
    return bool(value) if kind == "boolean" else value


def _sentences(words, dice):
    """One or two sentences copied from the source, which stands last in every request."""
    found = [part.strip() for part in re.split(r"(?<=[.!?])\s+", words) if 30 <= len(part.strip()) <= 300]
    return found[-2:][: dice.randint(1, 2)]
