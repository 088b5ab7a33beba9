"""Which sentences of a source support an answer, and where both answers name the hypothesis' variable and outcome."""

import pytest

from curation.models import TeacherResponse
from curation.reviewing import shared_words, support
from curation.reviewing.terms import pieces, terms_of

SNOW = (
    "Snow covers the field in winter. In the plots of Smith et al. (2019) dust of 10 g/m² made snow melt nine days "
    "earlier than on clean snow. Albedo fell from 0.8 to 0.5 where dust lay on the snow. The weather was mild. "
    "Cattle grazed the lower meadows during summer."
)
DUST = "In the plots of Smith et al. (2019) dust of 10 g/m² made snow melt nine days earlier than on clean snow."
ALBEDO = "Albedo fell from 0.8 to 0.5 where dust lay on the snow."


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("No full stop", 1),
        ("One. Two.", 2),
        ("Of Smith et al. (2019) one.", 1),
        ("See Fig. 3 and Eq. 4. Then go.", 2),
        ("It fell by 0.5 K. It rose by 1.2 K.", 2),
        ("“Quoted.” Then more? Yes! Done", 4),
        ("A heading\n\nA paragraph.", 2),
        ("lines\nthat are wrapped. Another.", 2),
        ("pH 7.4 was kept. coli grew.", 1),
        ("J. Smith measured it.", 1),
    ],
)
def test_sentences(text, number):
    found = shared_words.sentences(text)
    assert len(found) == number, found
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("melted", "melting"),
        ("concentrations", "concentration"),
        ("films", "film"),
        ("Albedo", "albedo"),
        ("conductivities", "conductivity"),
    ],
)
def test_forms_of_a_word_are_one_word(one, other):
    assert shared_words.content_words(one) == shared_words.content_words(other) != set()


def test_everyday_words_say_nothing():
    assert shared_words.content_words("If this were the case, then it would have been so, and of or in") == {"case"}
    assert shared_words.content_words("ZnO at 25 K") == {"zno", "25", "k"}


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ("If dust on snow is raised to 20 g/m², then the snow melts at least twelve days earlier.", [DUST]),
        ("If dust lowers the albedo of snow, then melting begins days earlier than on clean snow.", [DUST, ALBEDO]),
        ("Albedo falls further, from 0.5 to 0.3, where dust covers the snow.", [ALBEDO]),
        ("If the perovskite is annealed, then the efficiency of the cell rises.", []),
        ("The weather was mild.", []),  # two words are not enough
        ("", []),
    ],
)
def test_sentences_that_share_words_are_found(answer, sentences):
    assert shared_words.shared_sentences(answer, SNOW) == sentences


def test_no_more_than_a_few_are_found():
    source = " ".join(f"Iron film number {n} lowered the overpotential." for n in range(20))
    assert len(shared_words.shared_sentences(source, source)) == shared_words.MOST_FOUND


def response(pk, text="", **fields):
    return TeacherResponse(pk=pk, text=text, fields=fields or None)


@pytest.mark.parametrize(
    ("fields", "by_words", "texts"),
    [
        ({"support": [ALBEDO]}, False, [ALBEDO]),
        ({"support": ALBEDO}, False, [ALBEDO]),
        ({"support": ["It never happened there."]}, False, ["It never happened there."]),
        ({"support": []}, True, [ALBEDO]),
        ({"support": [" … "]}, True, [ALBEDO]),
        ({}, True, [ALBEDO]),
    ],
)
def test_words_are_looked_for_only_where_an_answer_brings_no_quotes(fields, by_words, texts):
    answer = response(7, "Albedo falls further, from 0.5 to 0.3, where dust covers the snow.", **fields)
    quotes = support.support_of(answer, SNOW, half=1, letter="M", what="methodology")
    assert [quote.text for quote in quotes] == texts
    assert {(quote.by_words, quote.half, quote.tag, quote.what) for quote in quotes} == {
        (by_words, 1, "M1", "methodology")
    }


def test_the_source_stays_complete_and_says_which_half_a_sentence_supports():
    hypothesis = support.support_of(response(1, support=[ALBEDO, DUST]), SNOW, letter="H")
    method = support.support_of(response(2, support=["albedo  fell from 0.8", "not there"]), SNOW, half=1, letter="M")
    segments = support.mark(SNOW, hypothesis + method)

    assert "".join(segment.text for segment in segments) == SNOW
    assert [quote.found for quote in hypothesis + method] == [True, True, True, False]
    marked = {segment.text: segment for segment in segments if segment.marked}
    assert list(marked) == [DUST, "Albedo fell from 0.8", " to 0.5 where dust lay on the snow."]
    assert [segment.halves for segment in marked.values()] == ["first", "both", "first"]
    assert [[quote.tag for quote in segment.ends] for segment in marked.values()] == [["H2"], ["M1"], ["H1"]]
    assert not any(segment.by_words for segment in marked.values())


@pytest.mark.parametrize(
    ("text", "terms", "marked"),
    [
        ("", {"variable": "iron"}, []),
        ("Iron rises.", {}, []),
        ("Iron in iron films; irony.", {"variable": "iron"}, ["Iron", "iron"]),
        ("The iron\ncontent rises.", {"variable": "iron content"}, ["iron\ncontent"]),
        ("Measure the overpotentials.", {"outcome": "overpotential"}, ["overpotentials"]),
        ("Vary the iron content.", {"variable": "the iron content of the electrolyte"}, ["iron content"]),
        ("Vary it in the dark.", {"variable": "iron in the electrolyte"}, []),
        ("Iron and overpotential.", {"variable": "iron", "outcome": "overpotential"}, ["Iron", "overpotential"]),
        ("Set voltage of the film.", {"variable": "film", "outcome": "set voltage of the film"}, ["film"]),
        ("pH (7.4) is kept.", {"variable": "pH (7.4)"}, ["pH (7.4)"]),
        ("A [x] + b.", {"variable": "[x] +"}, ["[x] +"]),
    ],
)
def test_the_hypothesis_terms_are_marked(text, terms, marked):
    made = pieces(text, terms)
    assert "".join(piece.text for piece in made) == text
    assert [piece.text for piece in made if piece.kind] == marked


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        (None, {}),
        ("plain", {}),
        ({"variable": "iron", "outcome": " "}, {"variable": "iron"}),
        ({"variable": ["iron"], "outcome": "mass"}, {"outcome": "mass"}),
    ],
)
def test_terms_of_odd_fields(fields, terms):
    assert terms_of(fields) == terms
