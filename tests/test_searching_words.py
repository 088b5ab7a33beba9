"""Search finds what a plain reading of all texts finds, on both databases, whatever is in the texts and the query."""

import random
import unicodedata

import pytest

from curation import searching
from tests import factories

TEXTS = (
    "If the concentration of Fe³⁺ in the electrolyte is raised from 0 to 20 µM, then … by ≥ 30 mV (p < 0.05).",
    r"$\mathrm{Co}_3\mathrm{O}_4$ on \emph{FTO}; \frac{1}{2} OR NOT \"quoted\" AND NEAR(a b, 5) * ^ col:x",
    "Co₃O₄ and Co3O4; naïve café, CAFÉ, Straße, STRASSE; Ångström; İstanbul; ﬁlm, film",
    "薄膜の厚さを測定する。Измерение толщины плёнки. Μέτρηση πάχους. קליפה دقة قياس",
    "e\u0301tude étude; O'Neil; state-of-the-art; snake_case; a/b; 10.1000/xyz-1; https://example.org/a?b=c&d=e",
    "'; DROP TABLE curation_prompt; -- % _ \\ \x7f tab\there\u00a0nbsp\u2009thin – dash — “quotes” ‘single’",
    "x y z I a b 1 2 3 12 123 1234 1e5 3d 2x3 m² kg·m⁻³ 😀 🧪test ½ Ⅷ ① ™",
    "ZnO:Al films (AZO) & In₂O₃:Sn | ITO <b>bold</b> &amp; {json: [1, 2]} ; prefix prefixed prefixes pre",
)
QUERIES = (
    *(
        "",
        " ",
        "\t\n",
        '"',
        "*",
        "a",
        "I",
        "1",
        "12",
        "x y",
        "co3o4",
        "CO₃O₄",
        "Co_3",
        "café",
        "cafe",
        "STRASSE",
        "straße",
    ),
    *(
        "i̇stanbul",
        "istanbul",
        "film",
        "fil",
        "fi",
        "薄膜",
        "膜",
        "厚さ",
        "плёнки",
        "ПЛЁ",
        "πάχος",
        "πάχου",
        "étude",
        "etude",
    ),
    *(
        "OR",
        "AND",
        "NOT quoted",
        "NEAR(a b)",
        '"quoted" OR "x"',
        "col:x",
        "prefix*",
        "pre",
        "prefix",
        "p < 0.05",
        "0.05",
    ),
    *("'; DROP TABLE curation_prompt; --", "%", "_", "\\", "a/b", "10.1000/xyz-1", "example.org", "o'neil", "m²"),
    *(
        "kg·m⁻³",
        "½",
        "viii",
        "Ⅷ",
        "😀",
        "🧪test",
        "test",
        "& | !",
        "a:* & b",
        "(",
        "<->",
        "{json: [1",
        "amp",
        "§1",
        "20 µm",
    ),
)


def plain_words(text):
    """Words by the definition of the docs, character by character: another way than the product's."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found, word = [], ""
    for sign in text + " ":
        code = ord(sign)
        alone = 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x4DBF or 0x4E00 <= code <= 0x9FFF
        alone = alone or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
        if alone or not sign.isalnum():
            found += [word] if word else []
            found += [sign] if alone and sign.isalnum() else []
            word = ""
        else:
            word += sign
    return [each[:40] for each in found]


def plainly_found(rows, query):
    """Keys of the rows, {key: texts}, that contain every word of the query."""
    asked = plain_words(query)
    if not query.strip():
        return set(rows)

    def is_in(word, known):
        if len(word) > 2 and not all(unicodedata.category(sign) == "Nd" for sign in word):
            return any(other.startswith(word) for other in known)
        return word in known

    def says(texts):
        known = {word for text in texts for word in plain_words(text)}
        return bool(asked) and all(is_in(word, known) for word in asked)

    return {key for key, texts in rows.items() if says(texts)}


def some_prompts(project, rng, number):
    """Prompts of random pieces in every text that search looks in; {id: texts}."""
    pieces = [piece for text in TEXTS for piece in text.split()] + list(TEXTS)

    def piece():
        return " ".join(rng.choices(pieces, k=rng.randint(0, 6)))

    rows = {}
    for n in range(number):
        document = factories.document(project, f"{n}", title=piece(), locator=piece()[:500]) if n % 3 else None
        answer = piece() if n % 2 else None
        prompt = factories.prompt(
            project,
            "to_review" if n % 2 else "to_collect",
            answer=answer,
            user_prompt=f"{n}: {piece()}",
            context=piece(),
        )
        prompt.document = document
        prompt.save(update_fields=["document"])
        texts = [prompt.user_prompt, prompt.context, answer or ""]
        rows[prompt.pk] = texts + ([document.title, document.locator] if document else [])
    return rows


def found(project, query):
    """Ids that search finds, asked in the three ways that the product asks."""
    prompts, everything = project.prompts.all(), set(project.prompts.values_list("pk", flat=True))
    ids = set(searching.matching(prompts, query).values_list("pk", flat=True))
    if query.strip():
        assert searching.found_ids(project, query, 1000) == ids, query
        assert searching.found_among(project, everything, query) == ids, query
    return ids


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_search_finds_what_a_plain_reading_finds(project, seed):
    rng = random.Random(seed)
    rows = some_prompts(project, rng, 40)
    some_prompts(factories.project(), rng, 5)
    pieces = [piece for text in TEXTS for piece in text.split()]
    queries = [*QUERIES, *(" ".join(rng.choices(pieces, k=rng.randint(1, 3))) for _ in range(40))]
    queries += [piece[: rng.randint(1, 5)] for piece in rng.choices(pieces, k=30)]
    for indexed in (False, True):
        if indexed:
            searching.catch_up()
        for query in queries:
            assert found(project, query) == plainly_found(rows, query), query
    assert any(plainly_found(rows, query) for query in queries[len(QUERIES) :])


@pytest.mark.parametrize("text", [*TEXTS, *QUERIES])
def test_words_are_cut_as_defined(text):
    assert searching.words(text) == list(dict.fromkeys(plain_words(text)))


@pytest.mark.django_db
def test_the_beginning_of_a_key_finds_its_prompt(project):
    prompt, _ = factories.prompt(project), factories.prompt(project)
    for key in (prompt.key, prompt.key[:8], prompt.key[:20].upper()):
        assert found(project, key) == {prompt.pk}
    assert prompt.pk not in found(project, prompt.key[:7])


@pytest.mark.django_db
def test_more_than_asked_for_are_told_from_few(project):
    factories.many_prompts(project, [f"zinc {n}" for n in range(5)])
    searching.catch_up()
    assert searching.found_ids(project, "zinc", 4) is None
    assert len(searching.found_ids(project, "zinc", 5)) == 5
    assert searching.found_ids(factories.project(), "zinc", 4) == set()


@pytest.mark.django_db
def test_a_text_with_more_words_than_an_entry_takes_is_found_by_those_that_fit(project):
    prompt = factories.prompt(project, context=" ".join(f"word{n:030}" for n in range(40_000)))
    searching.catch_up()
    assert found(project, f"word{5:030}") == {prompt.pk}


@pytest.mark.django_db
def test_what_was_found_is_shown_with_its_words_marked(project):
    prompt = factories.prompt(
        project, "to_review", context="Dust. " * 30 + "Then <b>ZnO</b> and Co₃O₄ grew.", answer="Snow."
    )
    pieces = searching.places([prompt.pk], "co3o4 zno")[prompt.pk]
    assert [piece for piece, searched in pieces if searched] == ["ZnO", "Co₃O₄"]
    assert "".join(piece for piece, _ in pieces).startswith("…")
    assert searching.places([prompt.pk], "absent") == {}
    assert [p for p, searched in searching.places([prompt.pk], "snow")[prompt.pk] if searched] == ["Snow"]
