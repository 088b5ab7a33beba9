"""Long documents are cut at paragraphs; nothing but white space is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.importing import import_file
from curation.importing.passages import cut
from tests.import_files import write

CASES = [
    ("short", "aaa\n\nbbb", 20, ["aaa\n\nbbb"]),
    ("paragraphs together while they fit", "aaa\n\nbbb\n\nccc", 9, ["aaa\n\nbbb", "ccc"]),
    ("a long paragraph at sentences", "One two. Three four. Five.", 12, ["One two.", "Three four.", "Five."]),
    ("a long sentence at words", "alpha beta gamma", 11, ["alpha beta", "gamma"]),
    ("a long word anywhere", "abcdefghij", 4, ["abcd", "efgh", "ij"]),
    ("line breaks are no paragraphs", "a b\nc d\n\ne f", 8, ["a b\nc d", "e f"]),
    ("blank lines with blanks", "aaa\n \t\nbbb", 4, ["aaa", "bbb"]),
    ("lists keep their lines", "1. a\n2. b\n\nend", 10, ["1. a\n2. b", "end"]),
]


@pytest.mark.parametrize(("text", "limit", "passages"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_cuts(text, limit, passages):
    assert cut(text, limit) == passages


@given(st.text(alphabet="ab. \n\t", max_size=400), st.integers(1, 60))
def test_every_passage_fits_and_no_word_is_lost(text, limit):
    passages = cut(text, limit)

    assert all(len(passage) <= limit for passage in passages)
    assert "".join("".join(passages).split()) == "".join(text.split())


def test_passages_keep_locator_and_group(project, tmp_path):
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 40 for n in range(10))

    report = import_file(project, write(tmp_path, "paper.md", text), passage_chars=500)

    documents = project.documents.order_by("passage")
    assert [document.passage for document in documents] == list(range(1, len(documents) + 1))
    assert len(documents) == report.documents == report.pairs == 5
    assert {document.locator for document in documents} == {"paper.md"}
    assert project.prompts.values("group_key").distinct().count() == 1


def test_passages_without_a_locator_still_share_their_group(project, tmp_path):
    import_file(project, write(tmp_path, "rows.csv", "text\n" + " ".join(map(str, range(240)))), passage_chars=300)

    assert project.documents.count() == 3
    assert project.prompts.values("group_key").distinct().count() == 1


def test_a_prompts_context_is_sent_whole(project, tmp_path):
    path = write(tmp_path, "rows.csv", "prompt,context,task_type\nWhy?," + "many words " * 60 + ",hypothesis\n")

    import_file(project, path, passage_chars=300)

    assert len(project.prompts.get().context) == 660
