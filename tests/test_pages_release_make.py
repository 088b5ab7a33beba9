"""A release is made by a recipe: the form, what would be in, and recipes that are kept."""

import re

import pytest

from curation.models import Release, ReleaseRecipe, Run
from pipeline import jobs
from pipeline.forms_releases import RecipeForm
from pipeline.releasing import expecting
from pipeline.releasing import recipe as recipes
from tests import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db):
    return factories.project("Films", paired=False, split_seed="a seed")


@pytest.fixture
def manager(people):
    return people["manager"]


PLAIN = {"include": "accepted", "formats": ["messages", "prompt_completion", "preference"]}


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ({}, {}),
        ({"include": "filtered", "include_leaks": "on"}, {"include": "filtered", "include_leaks": True}),
        ({"formats": ["alpaca"]}, {"formats": ["messages", "alpaca"]}),
        ({"formats": []}, {"formats": ["messages"]}),
        ({"min_score": "0.5", "min_agreement": "75"}, {"min_score": 0.5, "min_agreement": 0.75}),
        ({"domains": "optics\n optics \n\nsoft matter"}, {"domains": ["optics", "optics", "soft matter"]}),
        ({"not_domains": "biology", "task_types": "hypothesis"}, None),
        ({"domain_caps": "optics: 5\nD: E: 1,000"}, {"domain_caps": {"optics": 5, "D: E": 1000}}),
        ({"train": "90", "test": "10"}, {"shares": {"train": 0.9, "validation": 0, "test": 0.1}}),
        ({"seed": "s", "system": "on", "targets": "small: 2048"}, None),
        ({"cap_per_domain": "3", "shard_mb": "20"}, {"cap_per_domain": 3, "shard_bytes": 20_000_000}),
    ],
)
def test_the_form_says_a_recipe(project, said, body):
    form = RecipeForm(PLAIN | said, project=project)
    assert form.is_valid(), form.errors
    if body is not None:
        assert form.body == {"include": "accepted"} | body
    again = RecipeForm(project=project, recipe=form.recipe)  # what the form begins with says the same recipe
    data = {name: again[name].value() for name in again.fields}
    data = {name: again.fields[name].prepare_value(value) for name, value in data.items()}
    repeated = RecipeForm({name: value for name, value in data.items() if value}, project=project)
    assert repeated.is_valid(), repeated.errors
    assert repeated.recipe == form.recipe


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({"include": "everything"}, "include", "Select a valid choice"),
        ({"formats": ["xml"]}, "formats", "Select a valid choice"),
        ({"min_score": "101"}, "min_score", "less than or equal to 100"),
        ({"train": "50"}, "train", "sum to 50 per cent; they must sum to 100"),
        ({"domain_caps": "optics"}, "domain_caps", "“optics” is no name with a whole number"),
        ({"domain_caps": "optics: many"}, "domain_caps", "write it as in “physics: 500”"),
        ({"targets": "a: 1\na: 2"}, "targets", "a is there twice"),
        ({"targets": "a: 0"}, "__all__", "targets.a: Input should be greater than or equal to 1"),
        ({"domains": "x" * 300}, "__all__", "at most 200 characters"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(project, said, field, words):
    form = RecipeForm(PLAIN | said, project=project)
    assert not form.is_valid()
    assert words in " ".join(form.errors[field])


def test_what_is_said_begins_open(project):
    form = RecipeForm(project=project, recipe=recipes.read({"cap_per_domain": 5, "targets": {"a": 9}}))
    assert [heading for heading, _, is_open in form.folds if is_open] == ["How many of a domain", "Files"]
    wrong = RecipeForm(PLAIN | {"train": "50"}, project=project)
    wrong.is_valid()
    assert [heading for heading, _, is_open in wrong.folds if is_open] == ["Splits"]


def test_a_release_is_built_by_the_recipe_of_the_form(manager, project, a_worker):
    for domain in ("optics", "optics", "biology"):
        factories.accepted(project, domain=domain)
    said = PLAIN | {"domains": "optics", "note": "for ada"}
    address = manager.post(f"/p/{project.slug}/releases/new/", said).url
    run = Run.objects.get()
    assert address == f"/p/{project.slug}/runs/{run.pk}/"
    assert run.parameters == {"recipe": {"include": "accepted", "domains": ["optics"]}, "note": "for ada"}
    jobs.carry_out(run)
    assert Release.objects.get().counts["domains"] == {"optics": 2}


def test_what_is_wrong_starts_nothing_and_stays_typed(manager, project, a_worker):
    factories.accepted(project)
    refused = manager.post(f"/p/{project.slug}/releases/new/", PLAIN | {"train": "50", "domains": "optics"})
    assert refused.status_code == 422
    assert "they must sum to 100" in text(refused)
    assert ">\noptics</textarea>" in refused.content.decode()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "3 rows :"),
        ({"domains": "optics"}, "2 rows :"),
        ({"cap_per_domain": "1"}, "Left out: 1 over their domain&#x27;s cap."),
        ({"domains": "nothing"}, "Nothing that is accepted has the task types and domains of the recipe"),
        ({"train": "1"}, "Train, per cent: The shares sum to 1 per cent"),
    ],
)
def test_what_would_be_in_is_counted_live(manager, project, said, words):
    for domain in ("optics", "optics", "biology"):
        factories.accepted(project, domain=domain)
    assert words in text(manager.get(f"/p/{project.slug}/releases/new/count/", PLAIN | said))


def test_the_same_is_counted_without_a_script(manager, project, valkey):
    for domain in ("optics", "biology"):
        factories.accepted(project, domain=domain)
    assert "1 row :" in text(manager.get(f"/p/{project.slug}/releases/new/", PLAIN | {"domains": "optics"}))


def test_the_count_is_what_the_release_then_holds(project):
    for domain in ("optics", "biology", "biology"):
        factories.accepted(project, domain=domain)
    before = expecting.expected(project, recipes.Recipe())
    run = jobs.prepare(project, "package")
    jobs.carry_out(run)
    counts = Release.objects.get().counts
    assert (before.rows, before.splits) == (counts["rows"], counts["splits"])
    assert {domain: rows for domain, rows, _ in before.domains} == counts["domains"]


def test_many_are_counted_at_most(project, monkeypatch):
    monkeypatch.setattr(expecting, "QUICK", 2)
    for domain in ("optics", "biology", "biology"):
        factories.accepted(project, domain=domain)
    found = expecting.expected(project, recipes.read({"domain_caps": {"biology": 1}}))
    assert (found.rows, found.is_exact) == (2, False)
    assert found.domains == [("biology", 1, {}), ("optics", 1, {})]


def test_a_recipe_is_kept_without_building_and_begun_with(manager, project, a_worker):
    said = PLAIN | {"domains": "optics", "save_as": "Optics only"}
    kept = manager.post(f"/p/{project.slug}/releases/new/?keep=1", said, follow=True)
    recipe = ReleaseRecipe.objects.get()
    assert (recipe.name, recipe.body) == ("Optics only", {"include": "accepted", "domains": ["optics"]})
    assert "Begun from the recipe Optics only." in text(kept)
    assert ">\noptics</textarea>" in kept.content.decode()
    assert not Run.objects.exists()
    manager.post(f"/p/{project.slug}/releases/new/?keep=1", PLAIN | {"domains": "biology", "save_as": "Optics only"})
    recipe.refresh_from_db()
    assert recipe.body["domains"] == ["biology"]


def test_a_recipe_is_kept_by_a_name(manager, project, a_worker):
    refused = manager.post(f"/p/{project.slug}/releases/new/?keep=1", PLAIN)
    assert refused.status_code == 422
    assert "Give the recipe a name to keep it by." in text(refused)


def test_a_kept_recipe_is_forgotten(manager, project, a_worker):
    recipe = project.release_recipes.create(name="Optics", body={"domains": ["optics"]})
    done = manager.post(f"/p/{project.slug}/releases/recipes/{recipe.pk}/remove/", follow=True)
    assert "The recipe Optics is forgotten." in text(done)
    assert not ReleaseRecipe.objects.exists()


def test_one_like_an_old_release_is_begun_with(manager, project, a_worker):
    factories.release(project, recipe={"include": "filtered", "format": "messages", "near_duplicate_percent": 80})
    page = manager.get(f"/p/{project.slug}/releases/new/?like=1").content.decode()
    assert "Begun from release v1." in page
    assert re.search(r'value="filtered"[^>]* checked', page)


def test_a_kept_recipe_that_cannot_be_followed_says_so(manager, project, a_worker):
    recipe = project.release_recipes.create(name="Old", body={"formats": ["xml"]})
    page = text(manager.get(f"/p/{project.slug}/releases/new/?recipe={recipe.pk}"))
    assert "the recipe Old cannot be followed any more: formats: xml: unknown" in page


def test_an_audit_that_comes_first_is_said_before(manager, project, a_worker):
    project.audit_sample, project.audit_allowed = 59, 0
    project.save()
    for _ in range(3):
        factories.accepted(project)
    assert "59 rows are drawn and looked at first; at most 0 may be bad." in text(
        manager.get(f"/p/{project.slug}/releases/new/")
    )
