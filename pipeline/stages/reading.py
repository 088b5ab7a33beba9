"""What a stored call holds, as fields of a response: read when it comes, and again when reading has got better."""

from pipeline import answers
from pipeline.answers.completions import read_completion

READ = ("text", "fields", "form", "parse_error", "thinking", "refusal", "finish_reason", "renderer", "parser")


def read_call(call, task_type):
    """{field of TeacherResponse: value} for an answered call, by today's parser and renderer."""
    said = read_completion(call.raw_reply)
    parsed = answers.parse_answer(said.content, task_type)
    refusal = answers.clean_text(said.refusal)
    return {
        "text": parsed.text or refusal,
        "fields": parsed.fields,
        "form": parsed.form,
        "parse_error": parsed.error or parsed.note,
        "thinking": "\n\n".join(part for part in (said.thinking, parsed.thinking) if part),
        "refusal": refusal,
        "finish_reason": said.finish_reason,
        "renderer": answers.RENDERER_VERSION,
        "parser": answers.PARSER_VERSION,
    }
