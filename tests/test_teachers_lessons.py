"""What was learned of a teacher: shown on its page, and taken back one by one."""

import pytest

from curation.lessons import forget, lessons
from curation.models import Teacher
from tests import factories

pytestmark = pytest.mark.django_db


def line(part, **changed):
    return {"at": "2026-01-02", "part": part, "from": f"Unsupported: <b>{part}</b>", "changed": changed}


FIRST = line("role developer", system_role="system")
SECOND = line("role system", system_role="user")
TOP_K = line("top_k", omit=["seed", "top_k"])
CASES = [
    # (structure, profile, what is forgotten, structure after, profile after)
    ("text", {"omit": ["seed", "top_k"], "learned": [line("seed", omit=["seed"]), TOP_K]},
     "seed", "text", {"omit": ["top_k"], "learned": [TOP_K]}),
    ("text", {"omit": ["seed"], "learned": [line("seed", omit=["seed"])]}, "seed", "text", {}),
    ("text", {"token_parameter": "max_completion_tokens",
              "learned": [line("max_tokens", token_parameter="max_completion_tokens")]}, "max_tokens", "text", {}),
    ("text", {"system_role": "user", "learned": [FIRST, SECOND]}, "role system", "text",
     {"system_role": "system", "learned": [FIRST]}),
    ("text", {"system_role": "user", "learned": [FIRST, SECOND]}, "role developer", "text",
     {"system_role": "user", "learned": [SECOND]}),
    ("text", {"system_role": "developer", "learned": [SECOND]}, "role system", "text", {"system_role": "developer"}),
    ("json_object", {"learned": [line("structure json_schema", structure="json_object")]}, "structure json_schema",
     "json_schema", {}),
    ("json_object", {"learned": [line("tool_choice auto", structure="json_object")]}, "tool_choice auto",
     "tool_call", {}),
    ("text", {"learned": [line("structure json_schema", structure="json_object")]}, "structure json_schema",
     "text", {}),
    ("text", {"schema_without": ["maxItems"], "learned": [line("keyword maxItems", schema_without=["maxItems"])]},
     "keyword maxItems", "text", {}),
    ("text", {"strict": False, "learned": [line("strict", strict=False)]}, "strict", "text", {}),
    ("text", {"most_tokens": 9, "learned": ["by hand", line("most 9", most_tokens=9)]}, "most 9", "text",
     {"learned": ["by hand"]}),
]  # fmt: skip


@pytest.mark.parametrize(("structure", "profile", "part", "structure_after", "profile_after"), CASES)
def test_one_thing_is_forgotten(structure, profile, part, structure_after, profile_after):
    pk = factories.teacher(structure=structure, profile=profile).pk
    assert forget(pk, part)
    teacher = Teacher.objects.get()
    assert (teacher.structure, teacher.profile) == (structure_after, profile_after)
    assert forget(pk, part) is None


def test_the_page_shows_when_by_which_words_and_what_changed():
    root = factories.client(factories.user(superuser=True))
    teacher = factories.teacher(profile={"system_role": "user", "learned": [SECOND]})
    page = root.get(f"/teachers/{teacher.pk}/").content.decode()
    for said in ("role system", "2026-01-02", "Unsupported: &lt;b&gt;role system", "system role is now: user"):
        assert said in page
    assert root.post(f"/teachers/{teacher.pk}/forget/", {"part": "role system"}).status_code == 302
    page = root.get(f"/teachers/{teacher.pk}/").content.decode()
    assert "Nothing yet." in page
    assert root.post(f"/teachers/{teacher.pk}/forget/", {"part": "role system"}).status_code == 302


@pytest.mark.parametrize("learned", [None, {}, [1, {"part": 3}, {"part": "x"}, {"part": "y", "changed": 3}]])
def test_a_list_that_somebody_wrote_by_hand_breaks_no_page(learned):
    root = factories.client(factories.user(superuser=True))
    teacher = factories.teacher(profile={"learned": learned})
    assert root.get(f"/teachers/{teacher.pk}/").status_code == 200
    assert root.get(f"/teachers/{teacher.pk}/edit/").status_code == 200
    assert all(isinstance(lesson.changed, dict) for lesson in lessons(teacher))
