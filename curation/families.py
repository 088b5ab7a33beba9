"""Which family a model is of: a judge prefers the answers of its own kin, so it should be of another one."""

import re

# By the name of the model, without its provider; the first that fits counts.
FAMILIES = (
    ("GPT", re.compile(r"(chat)?gpt|o[1-9](?![a-z0-9])|text-davinci|davinci|codex")),
    ("Claude", re.compile(r"claude")),
    ("Gemini", re.compile(r"gemini|gemma|palm|bard|learnlm")),
    ("DeepSeek", re.compile(r"deepseek")),
    ("Qwen", re.compile(r"qwen|qwq|qvq")),
    ("Mistral", re.compile(r"mistral|mixtral|ministral|codestral|magistral|devstral|pixtral|mathstral")),
    ("Llama", re.compile(r"(meta-?)?llama|codellama|vicuna|alpaca")),
    ("SmolLM", re.compile(r"smol")),
    ("Phi", re.compile(r"phi-?\d")),
    ("Command", re.compile(r"command|aya|c4ai")),
    ("Grok", re.compile(r"grok")),
    ("GLM", re.compile(r"(chat)?glm")),
    ("Kimi", re.compile(r"kimi|moonshot")),
    ("Nova", re.compile(r"nova-")),
    ("OLMo", re.compile(r"olmo|tulu")),
    ("Granite", re.compile(r"granite")),
    ("Falcon", re.compile(r"falcon")),
    ("Yi", re.compile(r"yi-")),
)


def family(model):
    """The family of a model id, such as "Claude" for "anthropic/claude-sonnet-4"; "" where it is not known.

    Providers before a slash or a colon say nothing; a distilled model is of the family of its name's first part.
    """
    parts = [part for part in re.split(r"[/:@|]", model.lower()) if part]
    # The model stands last, but for a size or a tag ("qwen3:8b", "…:free"); so the first part that fits counts.
    for part in reversed(parts):
        found = _family(part)
        if found:
            return found
    return ""


def _family(name):
    for piece in (name, *re.split(r"[-_. ]", name)):
        found = next((family for family, pattern in FAMILIES if pattern.match(piece)), "")
        if found:
            return found
    return ""


def kin(teachers, judges):
    """[(judge, teacher)] of each judge with the first teacher that is the same model or of its family."""
    found = []
    for judge in judges:
        mates = [each for each in teachers if _same(judge.model, each.model)]
        found += [(judge, mates[0])] if mates else []
    return found


def _same(one, other):
    return one.lower() == other.lower() or bool(family(one)) and family(one) == family(other)


def warnings(project):
    """Sentences on the judges of a project that are of one family with a teacher; empty where none is."""
    teachers = [each for each in (project.teacher, project.regen_teacher, *project.more_teachers.all()) if each]
    judges = {judge.pk: judge for _, judge, _ in project.readers}.values()
    return [
        f"{judge.name} judges answers of {teacher.name}, {_how(judge.model, teacher.model)}: judges tend to prefer the "
        "answers of their own kin. A judge of another family is more trustworthy."
        for judge, teacher in kin(teachers, judges)
    ]


def _how(one, other):
    return "the same model" if one.lower() == other.lower() else f"of the same family ({family(one)})"
