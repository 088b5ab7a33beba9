"""Which column is taken for what, as tables."""

import pytest

from curation.importing import PRESETS, suggest
from curation.importing.mapping import resolve

GUIDE = ["domain", "template_name", "user_prompt", "template_prompt", "system_prompt", "source_file", "generated_at"]
ARXIV = ["id", "arxiv_id", "title", "abstract", "domain", "doi", "source_ref", "licence"]

SUGGESTED = [
    (
        GUIDE,
        {
            "prompt": "user_prompt",
            "task_type": "template_name",
            "system_prompt": "system_prompt",
            "domain": "domain",
        },
    ),
    (
        ["prompt_text", "context", "task_type"],
        {"prompt": "prompt_text", "context": "context", "task_type": "task_type"},
    ),
    (["prompt", "context", "task_type"], {"prompt": "prompt", "context": "context", "task_type": "task_type"}),
    (ARXIV, {"text": "abstract", "title": "title", "domain": "domain", "locator": "source_ref", "licence": "licence"}),
    (["content", "license", "url"], {"text": "content", "licence": "license", "locator": "url"}),
    (["context", "template_name"], {"context": "context", "task_type": "template_name"}),
    (["context", "text"], {"text": "text"}),
    (["question", "answer"], {}),
]


@pytest.mark.parametrize(("columns", "mapping"), SUGGESTED)
def test_suggested_by_the_names(columns, mapping):
    assert suggest(columns) == mapping


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_take_their_own_columns(preset):
    columns = ["user_prompt", "prompt_text", "prompt", "context", "template_name", "task_type", "extra"]

    mapping, problems = resolve(columns, defaults=PRESETS[preset])

    assert (mapping, problems) == (PRESETS[preset], [])


# columns, chosen, defaults -> part of the mapping
RESOLVED = [
    (ARXIV, {"text": "title"}, None, {"text": "title", "locator": "source_ref"}),
    (ARXIV, {"locator": "doi"}, None, {"text": "abstract", "locator": "doi"}),
    (ARXIV, {"domain": ""}, None, {"text": "abstract", "domain": None}),
    (GUIDE, {}, PRESETS["guide"], {"prompt": "user_prompt", "context": None, "task_type": "template_name"}),
    (["context", "template_name"], {}, PRESETS["guide"], {"context": "context", "prompt": None}),
    (["prompt", "abstract"], {"text": "abstract"}, None, {"text": "abstract", "prompt": None}),
    (["prompt", "question", "task_type"], {"prompt": "question"}, PRESETS["legacy"], {"prompt": "question"}),
    (["prompt", "abstract"], {"prompt": "", "text": "abstract"}, PRESETS["legacy"], {"prompt": None}),
    (["abstract"], {"text": "abstract"}, PRESETS["guide"], {"text": "abstract"}),
]


@pytest.mark.parametrize(("columns", "chosen", "defaults", "expected"), RESOLVED)
def test_what_the_user_says_comes_first(columns, chosen, defaults, expected):
    mapping, problems = resolve(columns, chosen, defaults)

    assert problems == []
    assert {field: mapping.get(field) for field in expected} == expected


# columns, chosen, defaults -> what the one sentence must name
REFUSED = [
    (["question", "answer"], {}, None, ["'question', 'answer'", "'user_prompt'", "'abstract'", "--map text=COLUMN"]),
    (ARXIV, {}, PRESETS["guide"], ["'user_prompt', 'context', 'template_name'", "'abstract'"]),
    (["prompt", "context", "task_type"], {}, PRESETS["guide"], ["expected 'user_prompt'", "found 'prompt'"]),
    (["user_prompt", "context"], {}, {"prompt": "question", "context": "context"}, ["expected 'question'"]),
    (ARXIV, {"text": "abstrct"}, None, ["expected 'abstrct'", "found 'id'"]),
    (ARXIV, {"title": "tilte", "doi": "doi"}, None, ["no field 'doi'", "'locator'", "expected 'tilte'"]),
    ([], {}, None, ["found none"]),
]


@pytest.mark.parametrize(("columns", "chosen", "defaults", "named"), REFUSED)
def test_what_is_missing_is_named_with_what_is_there(columns, chosen, defaults, named):
    _, problems = resolve(columns, chosen, defaults)

    assert all(part in "\n".join(problems) for part in named)
