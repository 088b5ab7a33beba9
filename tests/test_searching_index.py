"""The search index is never out of step with the texts: whoever writes, and however far the index is behind."""

import importlib
import threading

import pytest
from django.db import connection

from curation import searching
from curation.importing import import_file
from curation.models import Prompt, SourceDocument, TeacherResponse
from tests import factories

MIGRATION = importlib.import_module("curation.migrations.0006_search_index")


def found(project, query):
    return set(searching.matching(project.prompts.all(), query).values_list("pk", flat=True))


@pytest.fixture(params=["marked", "indexed"])
def settled(request):
    """What to do after a change: nothing, so that the search reads what is marked; or bring the index up to date."""
    return searching.catch_up if request.param == "indexed" else lambda: None


@pytest.mark.django_db
def test_every_change_of_a_text_is_found_at_once(project, settled):
    document = factories.document(project, title="Oxides")
    prompt = factories.prompt(project, "to_review", context="zinc", document=document, answer="copper")
    settled()
    assert found(project, "zinc copper oxides") == {prompt.pk}
    Prompt.objects.filter(pk=prompt.pk).update(context="iron")
    settled()
    assert (found(project, "zinc"), found(project, "iron copper")) == (set(), {prompt.pk})
    SourceDocument.objects.filter(pk=document.pk).update(title="Halides", locator="doi:10.1/abc")
    settled()
    assert (found(project, "oxides"), found(project, "halides abc iron")) == (set(), {prompt.pk})
    TeacherResponse.objects.filter(prompt=prompt).update(text="nickel")
    settled()
    assert (found(project, "copper"), found(project, "nickel")) == (set(), {prompt.pk})
    prompt.refresh_from_db()
    prompt.context = "cobalt"
    prompt.save()
    settled()
    assert (found(project, "iron"), found(project, "cobalt nickel")) == (set(), {prompt.pk})


@pytest.mark.django_db
def test_a_new_attempt_takes_the_place_of_the_earlier_one(project, settled):
    prompt = factories.prompt(project, "to_review", answer="first attempt")
    settled()
    factories.response(prompt, "second trial")
    settled()
    assert (found(project, "first"), found(project, "second trial")) == (set(), {prompt.pk})
    factories.response(prompt, "another candidate", current=False)
    settled()
    assert found(project, "candidate") == set()


@pytest.mark.django_db
def test_what_is_deleted_is_gone_from_the_index_too(project, settled):
    kept, gone = factories.prompt(project, context="zinc"), factories.prompt(project, context="zinc oxide")
    settled()
    gone_id = gone.pk
    gone.delete()
    settled()
    assert found(project, "zinc") == {kept.pk}
    other = factories.project()
    factories.prompt(other, context="zinc")
    other.delete()
    searching.catch_up()
    assert entries() == {kept.pk}
    assert gone_id not in entries()


@pytest.mark.django_db
def test_an_import_and_its_repetition_are_found(project, tmp_path, settled):
    path = tmp_path / "rows.jsonl"
    rows = [f'{{"user_prompt": "State number {n}", "context": "Source {n} of lactate"}}\n' for n in range(30)]
    path.write_text("".join(rows))
    for _ in range(2):
        import_file(project, path, task_types=["hypothesis"])
        settled()
        assert len(found(project, "lactate source")) == 30
    assert len(found(project, "number 7")) == 1


@pytest.mark.django_db
def test_what_changes_nothing_that_is_searched_marks_nothing(project):
    prompt = factories.prompt(project, "to_review")
    searching.catch_up()
    Prompt.objects.filter(pk=prompt.pk).move("accepted", "accepted")
    prompt.refresh_from_db()
    prompt.save()
    TeacherResponse.objects.filter(prompt=prompt).update(thinking="hm")
    assert searching.catch_up() == 0


@pytest.mark.django_db
def test_what_a_rolled_back_writer_wrote_is_not_found(project):
    from django.db import transaction

    prompt = factories.prompt(project, context="zinc")
    searching.catch_up()
    with transaction.atomic():
        Prompt.objects.filter(pk=prompt.pk).update(context="iron")
        searching.catch_up()
        transaction.set_rollback(True)
    assert found(project, "zinc") == {prompt.pk}
    searching.catch_up()
    assert (found(project, "zinc"), found(project, "iron")) == ({prompt.pk}, set())


@pytest.mark.django_db
def test_catching_up_goes_on_where_it_was_left(project):
    factories.many_prompts(project, [f"source {n} of zinc" for n in range(30)])
    assert searching.catch_up(12) == 12
    assert len(entries()) == 12
    assert len(found(project, "zinc")) == 30
    assert searching.catch_up() == 18
    assert searching.catch_up() == 0
    assert len(found(project, "zinc")) == 30


@pytest.mark.django_db
def test_a_page_reads_some_marked_prompts_and_says_how_many_are_left(project, monkeypatch):
    monkeypatch.setattr(searching, "READ_AT_MOST", 10)
    factories.many_prompts(project, [f"source {n} of zinc" for n in range(25)])
    assert len(searching.found_ids(project, "zinc", 100)) == 10
    assert searching.unread() == 15
    assert len(found(project, "zinc")) == 25  # whoever acts on all of them gets all
    searching.catch_up()
    assert (len(searching.found_ids(project, "zinc", 100)), searching.unread()) == (25, 0)


@pytest.mark.django_db(transaction=True)
def test_writers_and_those_who_catch_up_do_not_miss_each_other(project):
    searching.catch_up()
    factories.many_prompts(project, [f"source {n}" for n in range(40)])
    ids = list(project.prompts.order_by("pk").values_list("pk", flat=True))
    over, wrong = threading.Event(), []

    def write(mine):
        try:
            for turn in range(10):
                for pk in mine:
                    Prompt.objects.filter(pk=pk).update(context=f"turn{turn}a of {pk}")
        finally:
            connection.close()

    def catch_up():
        try:
            while not over.is_set():
                searching.catch_up(7)
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(ids[n::2],)) for n in range(2)]
    others = [threading.Thread(target=catch_up) for _ in range(2)]
    for thread in writers + others:
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in others:
        thread.join()
    assert not wrong
    assert found(project, "turn9a") == set(ids)
    searching.catch_up()
    assert (found(project, "turn9a"), found(project, "turn8a")) == (set(ids), set())


@pytest.mark.django_db
def test_the_triggers_are_there():
    """A migration that makes one of the tables anew on SQLite loses its triggers: see 0006_search_index.py."""
    sql = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    with connection.cursor() as cursor:
        cursor.execute(sql[connection.vendor])
        assert set(MIGRATION.TRIGGERS) <= {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_filled_before_is_marked_as_a_whole(project):
    prompts = {factories.prompt(project, context=f"zinc {n}").pk for n in range(3)}
    searching.catch_up()
    with connection.schema_editor() as editor:
        MIGRATION.drop_index(None, editor)
        MIGRATION.make_index(None, editor)
    assert found(project, "zinc") == prompts
    assert searching.catch_up() == 3
    assert found(project, "zinc") == prompts


def entries():
    """Ids of the prompts that the index knows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {'rowid' if connection.vendor == 'sqlite' else 'prompt_id'} FROM curation_search")
        return {row[0] for row in cursor.fetchall()}
