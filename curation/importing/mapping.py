"""Which column is what: the presets of the user's scripts, what the names suggest, and what the user says."""

from .errors import shown

FIELDS = {
    "prompt": "The question to the teacher; where it is empty, a template asks about the text.",
    "context": "The source text that the prompt is about.",
    "text": "The source text of a file without prompts.",
    "task_type": "hypothesis, methodology or any other; an empty one stands for the task types chosen.",
    "system_prompt": "The system message of this row.",
    "domain": "The science it belongs to.",
    "title": "The title of the source.",
    "locator": "Where the source is found: DOI, URL or file. Rows with one locator stay in one split.",
    "licence": "The licence of the source.",
    "output": "The teacher's answer where it is paid already: prompts with one are filtered, and not asked.",
}
SOURCES = ("prompt", "context", "text")
PRESETS = {
    "guide": {"prompt": "user_prompt", "context": "context", "task_type": "template_name"},
    "code": {"prompt": "prompt_text", "context": "context", "task_type": "task_type"},
    "legacy": {"prompt": "prompt", "context": "context", "task_type": "task_type"},
}
TEXT_COLUMNS = ("text", "abstract", "context", "content")
# The user's `source_file` is left out: one file of his holds thousands of sources, which need not share a split.
USUAL_NAMES = {
    "task_type": ("template_name", "task_type"),
    "system_prompt": ("system_prompt",),
    "domain": ("domain",),
    "title": ("title",),
    "locator": ("locator", "source_ref", "doi", "url"),
    "licence": ("licence", "license"),
    "output": ("teacher_output",),
}
EXPECTED = [*(preset["prompt"] for preset in PRESETS.values()), *TEXT_COLUMNS]


def suggest(columns):
    """{field: column} as the names of the columns suggest it."""
    return resolve(columns)[0]


def resolve(columns, chosen=None, defaults=None):
    """The mapping {field: column} to use for a file with `columns`, and sentences on what is wrong with it.

    `chosen` is what the user said: its columns must exist, and "" leaves a field out. `defaults` is a preset, or the
    columns a configuration names: used where they exist, and one of its prompt and context must; a file that has its
    prompts in the column of another preset is refused. What neither speaks of is taken from the usual names.
    """
    chosen, defaults = chosen or {}, defaults or {}
    problems = _wrong(columns, chosen, defaults)
    mapping = {field: column for field, column in defaults.items() if column in columns and field not in chosen}
    mapping |= {field: column for field, column in chosen.items() if column and column in columns}
    if not any({**defaults, **chosen}.get(field) for field in SOURCES):
        mapping |= _suggested_sources(columns, chosen)
    for field, names in USUAL_NAMES.items():
        free = [name for name in names if name in columns and name not in mapping.values()]
        if free and field not in mapping and field not in chosen:
            mapping[field] = free[0]
    if not problems and not any(field in mapping for field in SOURCES):
        expected = f"one of {shown(EXPECTED)}, or one that you name (--map text=COLUMN, --map prompt=COLUMN)"
        problems.append(f"No column with a prompt or a text: expected {expected}; found {shown(columns)}.")
    return mapping, problems


def _wrong(columns, chosen, defaults):
    found = f"found {shown(columns)}"
    problems = [
        f"There is no field {field!r} to map a column to: use one of {shown(FIELDS)}."
        for field in {**defaults, **chosen}
        if field not in FIELDS
    ]
    missing = sorted({column for column in chosen.values() if column and column not in columns})
    if missing:
        problems.append(f"Missing column{'s' if len(missing) > 1 else ''}: expected {shown(missing)}; {found}.")
    wanted = {defaults[field] for field in SOURCES if defaults.get(field)}
    if wanted and not any(field in chosen for field in SOURCES) and _is_other_file(columns, wanted):
        problems.append(f"Missing columns: expected {shown(defaults.values())}; {found}.")
    return problems


def _is_other_file(columns, wanted):
    """Whether a file has none of the wanted columns, or its prompts in the column of another preset."""
    found = wanted & set(columns)
    prompts = {preset["prompt"] for preset in PRESETS.values()}
    return not found or (not found & prompts and bool(prompts & set(columns)))


def _suggested_sources(columns, chosen):
    found = {}
    for preset in PRESETS.values():
        if preset["prompt"] in columns:
            found = {field: column for field, column in preset.items() if column in columns}
            break
    else:
        texts = [name for name in TEXT_COLUMNS if name in columns]
        if texts:
            found = {"context" if texts[0] == "context" else "text": texts[0]}
    return {field: column for field, column in found.items() if field not in chosen}


def without_task_type(mapping, task_types):
    """Why a file of prompts that does not say what kind they are is refused; empty if it does."""
    if "prompt" not in mapping or "task_type" in mapping or len(task_types) == 1:
        return []
    return [
        "Prompts need a task type: map its column (--map task_type=COLUMN), or name the one type that all of them "
        "have (--task-types hypothesis)."
    ]
