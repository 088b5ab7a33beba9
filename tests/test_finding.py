"""What the prompt list finds and in which order, page by page, and what it keeps from whom."""

import random
import re

import pytest
from django.http import QueryDict
from django.utils import timezone

from curation import finding, searching
from curation.models import Prompt
from curation.reviewing import hidden_from
from tests import factories

pytestmark = pytest.mark.django_db
PAGE_SIZES = {"few": 20_000, "many": 3}  # beyond so many prompts the list walks along an index


@pytest.fixture(params=PAGE_SIZES)
def few(request, monkeypatch):
    """How many prompts are all looked at for a page: both ways must show the same."""
    monkeypatch.setattr(finding, "FEW", PAGE_SIZES[request.param])
    monkeypatch.setattr(finding, "PIECES", (2, 1) if request.param == "many" else (400, 19_600))
    return PAGE_SIZES[request.param]


def pages(project, user, query, size=2):
    """The ids on every page of the list, in order."""
    data, after, ids = QueryDict(query), "", []
    for _ in range(200):
        filterset = finding.filterset_of(project, user, data, finding.known_values(project))
        found = finding.find(filterset, finding.sort_of(data), after, size)
        assert len(found.ids) <= max(size, 3)
        ids += found.ids
        after = found.after
        if not after:
            return ids
    raise AssertionError("The pages never end.")


@pytest.fixture
def ada(project):
    return factories.member(project, "manager", name="ada")


@pytest.fixture
def rob(project):
    return factories.member(project, "reviewer", name="rob")


@pytest.fixture
def made(project, ada, rob):
    """Prompts that differ in what people and machines said of them, by name."""
    names = ("plain", "accepted", "edited", "flagged", "remarked", "assigned", "scored", "low", "gold", "waiting")
    states = {"plain": "to_collect", "assigned": "to_review", "flagged": "to_review", "waiting": "to_review"}
    made = {
        name: factories.prompt(project, states.get(name, "accepted"), context=f"{name} source of zinc", domain=name)
        for name in names
    }
    factories.annotation(made["accepted"].current_response, rob, action="accept", comment="Fine.")
    factories.annotation(made["edited"].current_response, ada, action="accept", edited_text="Better.")
    factories.annotation(made["waiting"].current_response, ada, action="reject", comment="No.")
    factories.annotation(made["plain"].current_response or factories.response(made["plain"]), rob, current=False)
    factories.annotation(made["low"].current_response, rob, action="reject", purpose="gold", comment="Gold.")
    factories.flag(made["flagged"], rob)
    factories.flag(made["remarked"], rob, cleared_by=ada, cleared_at=timezone.now())
    factories.comment(made["remarked"], ada)
    made["assigned"].assignments.create(reviewer=rob)
    factories.gate_result(made["scored"].current_response, score=90)
    factories.gate_result(made["low"].current_response, score=20.5)
    factories.gold(made["gold"].current_response)
    return made


def named(made, ids):
    by_id = {prompt.pk: name for name, prompt in made.items()}
    return [by_id[pk] for pk in ids]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("reviewer={rob}", ["accepted"]),
        ("reviewer={ada}", ["edited", "waiting"]),
        ("reviewer={ada}&decision=accept", ["edited"]),
        ("reviewer={rob}&edited=yes", []),
        ("decision=reject", ["waiting"]),
        ("edited=yes", ["edited"]),
        ("commented=yes", ["accepted", "remarked", "waiting"]),
        ("flagged=open", ["flagged"]),
        ("flagged=any", ["flagged", "remarked"]),
        ("assigned={rob}", ["assigned"]),
        ("assigned={ada}", []),
        ("assigned=any", ["assigned"]),
        ("score_min=50", ["scored"]),
        ("score_max=20.5", ["low"]),
        ("score_min=20.5&score_max=90", ["scored", "low"]),
        ("gold=yes", ["gold"]),
        ("teacher={teacher}&state=to_review", ["flagged", "assigned", "waiting"]),
        ("q=zinc+scored", ["scored"]),
        ("q=zinc&flagged=any&state=accepted", ["remarked"]),
        ("q=zinc&domain=low", ["low"]),
        ("q=***", []),
        ("score_min=much&domain=low", ["low"]),
        ("reviewer=999999&domain=low", ["low"]),
        ("sort=score&score_min=1", ["scored", "low"]),
        ("sort=score_up&score_min=1", ["low", "scored"]),
    ],
)
def test_filters(made, project, ada, rob, few, query, names):
    if few == 3 and "sort=" in query:
        pytest.skip("more than few are not brought into such an order")
    query = query.format(ada=ada.pk, rob=rob.pk, teacher=factories.some_teacher().pk)
    for _ in range(2):
        assert named(made, pages(project, ada, query)) == names
        assert set(named(made, finding.narrowed(project, ada, query).values_list("pk", flat=True))) == set(names)
        searching.catch_up()


def test_a_reviewer_finds_nothing_by_what_others_decided_while_people_are_to_decide(made, project, ada, rob, few):
    for query in ("decision=reject", f"reviewer={ada.pk}&decision=reject", "commented=yes&state=to_review"):
        assert pages(project, rob, query) == []
        assert not finding.narrowed(project, rob, query).exists()
    own = factories.annotation(made["assigned"].current_response, rob, action="reject", comment="Mine.")
    assert named(made, pages(project, rob, "decision=reject")) == ["assigned"]
    assert named(made, pages(project, rob, "commented=yes&state=to_review")) == ["assigned"]
    assert own.pk


def test_a_reviewer_is_not_told_what_is_gold(made, project, rob):
    assert "gold" not in finding.filterset_of(project, rob, QueryDict("gold=yes")).filters
    page = factories.client(rob).get(f"/p/{project.slug}/prompts/?gold=yes").content.decode()
    assert 'name="gold"' not in page
    assert page.count("/prompts/") >= len(made)


@pytest.mark.parametrize("sort", [name for name in finding.SORTS if finding.SORTS[name].value is None])
@pytest.mark.parametrize("filters", ["", "domain=even", "q=zinc", "q=zinc&domain=odd"])
def test_pages_follow_each_other_in_every_order_without_gap_or_repeat(project, ada, few, sort, filters):
    rng, moment = random.Random(sort), timezone.now()
    for n in range(11):
        prompt = factories.prompt(project, "to_review", context=f"zinc {n}", domain="odd" if n % 2 else "even")
        Prompt.objects.filter(pk=prompt.pk).update(
            rank=rng.choice([-1.5, 0, 0, 0.1 + 0.2]),
            pinned=rng.random() < 0.3,
            state_changed_at=moment - timezone.timedelta(seconds=rng.choice([0, 0, 1, 60])),
        )
    searching.catch_up()
    rows = list(project.prompts.all())
    if "domain" in filters:
        rows = [row for row in rows if row.domain in filters]
    keys = {
        "": lambda row: row.pk,
        "changed": lambda row: (-row.state_changed_at.timestamp(), -row.pk),
        "unchanged": lambda row: (row.state_changed_at, row.pk),
        "rank": lambda row: (not row.pinned, -row.rank, row.pk),
    }
    expected = [row.pk for row in sorted(rows, key=keys[sort])]
    assert pages(project, ada, f"sort={sort}&{filters}") == expected


def test_orders_without_an_index_are_of_few_prompts(project, ada, monkeypatch):
    answers = {factories.prompt(project, "to_review", answer="x" * n).pk: n for n in (5, 1, 9, 3)}
    none = factories.prompt(project).pk
    long = sorted(answers, key=answers.get, reverse=True)
    assert pages(project, ada, "sort=long") == [*long, none]
    assert pages(project, ada, "sort=short") == [*reversed(long), none]
    monkeypatch.setattr(finding, "FEW", 3)
    assert pages(project, ada, "sort=long") == [*answers, none]
    page = factories.client(ada).get(f"/p/{project.slug}/prompts/?sort=long").content.decode()
    assert "shown as they came in" in page


BROKEN = ("x", "~", "~~", "1~2~3", "nan~1", "2026-11-23~4", "2026-11-23T07:00:00~x", "1e999~1", "9" * 40)


@pytest.mark.parametrize("sort", finding.SORTS)
def test_a_broken_address_of_a_page_shows_the_first_one(project, ada, sort):
    prompt = factories.prompt(project, "to_review")
    client = factories.client(ada)
    for after in BROKEN:
        page = client.get(f"/p/{project.slug}/prompts/", {"sort": sort, "after": after})
        assert prompt.key in page.content.decode(), after


@pytest.mark.parametrize("role", ["manager", "reviewer", "viewer"])
@pytest.mark.parametrize("query", ["score_min=0", "score_max=100&q=zinc", "sort=score_up&score_max=99"])
def test_scores_of_the_blind_share_are_not_told_by_filters(project, role, query, few):
    project.blind_percent = 50
    project.save()
    person = factories.member(project, role)
    states = ("to_review", "accepted", "to_resolve", "to_regenerate", "rejected")
    for n in range(30):
        prompt = factories.prompt(project, states[n % 5], context=f"zinc {n}", answer=f"answer {n}")
        factories.gate_result(prompt.current_response, score=n * 3)
    prompts = list(project.prompts.all())
    mine = next(p for p in prompts if p.pk in hidden_from(person, project, prompts))
    factories.annotation(mine.current_response, person)
    hidden = hidden_from(person, project, prompts) if role != "viewer" else set()
    assert bool(hidden) == (role != "viewer")
    seen = {prompt.pk for prompt in prompts} - hidden
    assert set(pages(project, person, query)) == seen
    assert set(finding.narrowed(project, person, query).values_list("pk", flat=True)) == seen


def test_the_numbers_of_a_filter_stand_above_the_list(made, project, ada, few):
    def numbers(query):
        page = factories.client(ada).get(f"/p/{project.slug}/prompts/{query}").content.decode()
        said = re.search(r'id="prompt-count">(.*?)</p>', page, re.S).group(1)
        return " ".join(re.sub(r"<[^>]+>", " ", said).split())

    assert numbers("") == "10 prompts"
    assert numbers("?state=to_review").startswith("3 of 10 prompts, filtered by state: To review")
    assert numbers("?flagged=any").startswith("2 of 10 prompts, filtered by flag: open or cleared")
    assert ("1 of 10" in numbers("?domain=low")) == (few > 3)


def test_found_words_are_marked_and_what_is_written_stays_text(project, ada):
    factories.prompt(project, context="Before that, <b>zinc</b> & more.")
    page = factories.client(ada).get(f"/p/{project.slug}/prompts/?q=ZINC").content.decode()
    assert "Before that, &lt;b&gt;<mark>zinc</mark>&lt;/b&gt; &amp; more." in page


def test_what_is_not_searched_yet_is_said(project, ada, monkeypatch):
    monkeypatch.setattr(searching, "READ_AT_MOST", 2)
    factories.many_prompts(project, [f"zinc {n}" for n in range(5)])
    page = factories.client(ada).get(f"/p/{project.slug}/prompts/?q=zinc").content.decode()
    assert "About 3 prompts came in or changed just now and are not searched yet." in page
