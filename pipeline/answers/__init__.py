"""What a teacher or a judge replied -> fields, text and scores. Pure functions."""

from pipeline.answers.completions import Completion, read_completion, why_not_a_completion
from pipeline.answers.hygiene import clean_text
from pipeline.answers.judgements import (
    Judgement,
    JudgeUnreadable,
    judgement_from_column,
    parse_judgement,
)
from pipeline.answers.parsing import PARSER_VERSION, Parsed, parse_answer
from pipeline.answers.rendering import RENDERER_VERSION, render_answer
from pipeline.answers.schemas import (
    HYPOTHESIS,
    METHODOLOGY,
    judge_schema,
    schema_for,
)

__all__ = [
    "HYPOTHESIS",
    "METHODOLOGY",
    "PARSER_VERSION",
    "RENDERER_VERSION",
    "Completion",
    "JudgeUnreadable",
    "Judgement",
    "Parsed",
    "clean_text",
    "judge_schema",
    "judgement_from_column",
    "parse_answer",
    "parse_judgement",
    "read_completion",
    "render_answer",
    "schema_for",
    "why_not_a_completion",
]
