"""A judge and a teacher of one family: told by their model ids, and said where judges are chosen and asked."""

import pytest

from curation import families
from tests import factories


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-mini", "GPT"),
        ("openai/gpt-4o-mini", "GPT"),
        ("openrouter:openai/gpt-5", "GPT"),
        ("chatgpt-4o-latest", "GPT"),
        ("ft:gpt-4o-mini:acme::abc123", "GPT"),
        ("azure/gpt-4.1", "GPT"),
        ("o3-mini", "GPT"),
        ("o1", "GPT"),
        ("o4-mini-2025-04-16", "GPT"),
        ("openai/gpt-oss-120b:free", "GPT"),
        ("claude-sonnet-4-20250514", "Claude"),
        ("anthropic/claude-3.5-haiku", "Claude"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "Claude"),
        ("gemini-2.5-pro", "Gemini"),
        ("models/gemini-1.5-flash", "Gemini"),
        ("google/gemma-2-9b-it", "Gemini"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Llama"),
        ("accounts/fireworks/models/llama-v3p1-405b-instruct", "Llama"),
        ("unsloth/Meta-Llama-3.1-8B", "Llama"),
        ("Qwen/Qwen2.5-72B-Instruct", "Qwen"),
        ("qwen3:8b", "Qwen"),
        ("QwQ-32B", "Qwen"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "Mistral"),
        ("ministral-8b-latest", "Mistral"),
        ("deepseek-ai/DeepSeek-V3", "DeepSeek"),
        ("deepseek-r1:70b", "DeepSeek"),
        ("DeepSeek-R1-Distill-Qwen-7B", "DeepSeek"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM"),
        ("microsoft/phi-4", "Phi"),
        ("x-ai/grok-4", "Grok"),
        ("stand-in", ""),
        ("my-own-model", ""),
        ("o", ""),
        ("octopus-1", ""),
        ("philosopher", ""),
        ("command-r-plus", "Command"),
        ("", ""),
    ],
)
def test_the_family_of_a_model(model, family):
    assert families.family(model) == family


pytestmark = pytest.mark.django_db


def project(teacher, judge, **fields):
    writes = factories.teacher("Writer", model=teacher)
    reads = factories.teacher("Referee", model=judge)
    return factories.project(teacher=writes, judge_factuality=reads, **fields)


@pytest.mark.parametrize(
    ("teacher", "judge", "says"),
    [
        ("gpt-4o-mini", "o3-mini", "of the same family (GPT)"),
        ("gpt-4o-mini", "claude-sonnet-4", ""),
        ("stand-in", "Stand-In", "the same model"),
        ("stand-in", "other", ""),
        ("meta-llama/Llama-3.1-8B", "llama3:70b", "of the same family (Llama)"),
    ],
)
def test_a_warning_names_both(teacher, judge, says):
    said = families.warnings(project(teacher, judge))
    assert [says in sentence and "Referee" in sentence and "Writer" in sentence for sentence in said] == [True] * bool(
        says
    )


def test_every_teacher_and_every_judge_counts():
    made = project("gpt-4o", "claude-sonnet-4")
    made.more_judges.add(factories.teacher("Second", model="qwen3"))
    assert families.warnings(made) == []
    made.more_teachers.add(factories.teacher("Third", model="qwen2.5"))
    made.regen_teacher = factories.teacher("Fourth", model="claude-opus-4")
    assert [sentence.split(",")[0] for sentence in families.warnings(made)] == [
        "Referee judges answers of Fourth",
        "Second judges answers of Third",
    ]
