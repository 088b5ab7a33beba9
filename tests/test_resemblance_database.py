"""Fingerprints and clusters in the database: made once, kept up to date behind runs, whatever is killed."""

import pytest
from django.core.management import call_command

from curation.models import Fingerprint, Prompt, Run, State
from pipeline import jobs
from pipeline.resemblance import clusters, fingerprints, minhash
from pipeline.stages import deduplicate
from tests import factories
from tests.test_resemblance_clusters import changed, text_of

pytestmark = pytest.mark.django_db
RESPONSE, PROMPT = Fingerprint.Kind.RESPONSE, Fingerprint.Kind.PROMPT
BASE = text_of(250)


@pytest.fixture
def project(db):
    return factories.project(paired=False, near_duplicate_percent=80)


def answered(project, *texts, state=State.TO_REVIEW, **fields):
    return [factories.prompt(project, state, answer=text, **fields) for text in texts]


def look(project):
    return deduplicate.bring_up_to_date(project)


def found(project, kind=RESPONSE):
    """The clusters as sets of prompt ids."""
    gathered = {}
    rows = Fingerprint.objects.filter(project=project, kind=kind, cluster__isnull=False)
    for cluster, prompt in rows.values_list("cluster", "prompt"):
        gathered.setdefault(cluster, set()).add(prompt)
    return sorted(gathered.values(), key=min)


def ids(prompts):
    return {prompt.pk for prompt in prompts}


def test_answers_and_sources_are_clustered_apart(project):
    one, two = (answered(project, changed(BASE, 1, n), context=text_of(100, n))[0] for n in range(2))
    (other,) = answered(project, text_of(250, 1), context=changed(text_of(250, 5), 1))
    (same_source,) = answered(project, text_of(250, 2), context=text_of(250, 5))
    look(project)
    assert found(project) == [ids([one, two])]
    assert found(project, PROMPT) == [ids([other, same_source])]


@pytest.mark.parametrize("state", sorted(set(State.values) - set(fingerprints.PAST_THE_GATE)))
def test_only_answers_past_the_gate_are_read(project, state):
    answered(project, BASE, state=state)
    look(project)
    assert not Fingerprint.objects.filter(kind=RESPONSE).exists()


def test_a_text_is_read_once(project, monkeypatch):
    answered(project, BASE, changed(BASE, 1))
    look(project)
    read = []
    made = minhash.signatures
    monkeypatch.setattr(minhash, "signatures", lambda texts: read.extend(texts) or made(texts))
    assert look(project) == {"leaks": 0}
    assert read == []
    (new,) = answered(project, changed(BASE, 1, 4))
    look(project)
    assert read == [new.context, changed(BASE, 1, 4)]
    assert len(found(project)[0]) == 3


def test_a_cluster_keeps_the_id_of_its_first_and_takes_in_what_it_meets(project, monkeypatch):
    answered(project, BASE, changed(BASE, 1), text_of(250, 7), changed(text_of(250, 7), 1))
    look(project)
    first, second = (
        Fingerprint.objects.filter(kind=RESPONSE).values_list("cluster", flat=True).distinct().order_by("cluster")
    )
    assert Fingerprint.objects.get(pk=first).cluster == first
    bridge = [(second, first)]
    assert fingerprints._write(project, 80, bridge)
    assert set(Fingerprint.objects.filter(kind=RESPONSE).values_list("cluster", flat=True)) == {first}


def test_another_threshold_joins_the_same_signatures_anew(project, monkeypatch):
    answered(project, BASE, changed(BASE, 6), changed(BASE, 1))
    look(project)
    assert len(found(project)[0]) == 3
    monkeypatch.setattr(minhash, "signatures", None)
    for percent, number in ((95, 2), (80, 3)):
        type(project).objects.update(near_duplicate_percent=percent)
        look(project)
        assert len(found(project)[0]) == number
        assert set(Fingerprint.objects.values_list("joined", flat=True)) == {percent}


def test_another_way_of_signing_makes_every_signature_anew(project):
    answered(project, BASE, changed(BASE, 1))
    look(project)
    Fingerprint.objects.update(method="another", signature=b"x")
    look(project)
    assert len(found(project)[0]) == 2
    assert set(Fingerprint.objects.values_list("method", flat=True)) == {minhash.METHOD}


def test_a_text_without_a_word_is_nobodys_near_duplicate(project):
    answered(project, "…", "!!", BASE)
    look(project)
    assert found(project) == []
    assert look(project) == {"leaks": 0}


def test_what_was_killed_between_reading_and_joining_is_joined_by_the_next(project):
    answered(project, BASE, changed(BASE, 1))
    for kind, prompts in fingerprints.missing(project).items():
        list(fingerprints.take(project, kind, prompts))
    assert found(project) == []
    assert fingerprints.to_join(project, RESPONSE).count() == 2
    look(project)
    assert len(found(project)[0]) == 2
    assert not fingerprints.to_join(project, RESPONSE).exists()


def test_a_stop_between_batches_keeps_what_was_read(project, monkeypatch):
    monkeypatch.setattr(fingerprints, "BATCH", 2)
    answered(project, *[changed(BASE, 1, n) for n in range(5)])
    asked = []
    with pytest.raises(deduplicate.Stopped):
        deduplicate.bring_up_to_date(project, lambda: asked.append(1) or len(asked) > 2)
    assert 0 < Fingerprint.objects.count() < 10
    look(project)
    assert Fingerprint.objects.count() == 10
    assert len(found(project)[0]) == 5


def test_order_is_by_the_newest_gate_and_follows_it(project):
    one, other = answered(project, BASE, changed(BASE, 1))
    factories.gate_result(one.current_response, score=70)
    look(project)
    orders = lambda: dict(Fingerprint.objects.filter(kind=RESPONSE).values_list("prompt", "score"))  # noqa: E731
    assert orders() == {one.pk: 70, other.pk: -1}
    newer = factories.ruleset(project, "gate", {"judge_f_threshold": 60, "judge_r_threshold": 60})
    factories.gate_result(one.current_response, score=60, ruleset=newer)
    factories.gate_result(other.current_response, score=90, ruleset=newer)
    look(project)
    assert orders() == {one.pk: 60, other.pk: 90}
    lengths = dict(Fingerprint.objects.filter(kind=RESPONSE).values_list("prompt", "length"))
    assert lengths == {prompt.pk: len(prompt.current_response.text) for prompt in (one, other)}


def test_a_pair_has_one_place_for_both_halves(db):
    project = factories.project(paired=True, near_duplicate_percent=80)
    pairs = [factories.pair(project, State.TO_REVIEW) for _ in range(2)]
    for pair in pairs:
        factories.gate_result(pair.hypothesis.current_response, score=90)
        factories.gate_result(pair.methodology.current_response, score=70)
    look(project)
    rows = Fingerprint.objects.filter(kind=RESPONSE).values_list("unit", "score").distinct().order_by("unit")
    assert sorted(rows) == [(pair.hypothesis_id, 80) for pair in pairs]


# -- runs -----------------------------------------------------------------------------------------------------------


def ready(project, *texts):
    factories.ruleset(project, body={})
    return answered(project, *texts, state=State.TO_FILTER)


def test_a_filter_run_ends_with_clusters(project):
    prompts = ready(project, BASE, changed(BASE, 1))
    run = jobs.prepare(project, "filter")
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED
    assert found(project) == [ids(prompts)]


def test_what_goes_wrong_behind_a_run_is_said_and_leaves_the_run_as_it_ended(project, monkeypatch, caplog):
    ready(project, BASE)

    def broken(*args, **options):
        raise ValueError("no room")

    monkeypatch.setattr(clusters, "links", broken)
    run = jobs.prepare(project, "filter")
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED
    assert "Near-duplicates were not looked for: ValueError: no room" in run.notice
    assert "no room" in caplog.text


def test_nothing_is_looked_for_at_0_per_cent(project):
    type(project).objects.update(near_duplicate_percent=0)
    project.refresh_from_db()
    ready(project, BASE, changed(BASE, 1))
    jobs.carry_out(jobs.prepare(project, "filter"))
    assert not Fingerprint.objects.exists()
    with pytest.raises(jobs.CannotStart, match="settings"):
        jobs.prepare(project, "deduplicate")


def test_a_run_of_its_own_counts_and_tells(project):
    answered(project, BASE, changed(BASE, 1), text_of(250, 3))
    run = jobs.prepare(project, "deduplicate")
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert (run.state, run.total, run.done) == (Run.State.FINISHED, 6, 6)
    assert run.counters == {"prompts_read": 3, "responses_read": 3}
    assert run.notice == "1 cluster of answers that share at least 80 %: 1 answer stands behind a better one."


def test_a_run_stops_when_asked_and_goes_on(project, monkeypatch):
    monkeypatch.setattr(fingerprints, "BATCH", 1)
    answered(project, BASE, changed(BASE, 1))
    run = jobs.prepare(project, "deduplicate")
    asked = []
    assert jobs.carry_out(run, lambda: asked.append(1) or len(asked) > 2) == "stopped"
    assert jobs.carry_out(run) == "ended"
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED
    assert len(found(project)[0]) == 2


def test_a_run_is_cancelled(project, monkeypatch):
    monkeypatch.setattr(fingerprints, "BATCH", 1)
    answered(project, BASE, changed(BASE, 1))
    run = jobs.prepare(project, "deduplicate")
    assert jobs.carry_out(run, lambda: jobs.cancel(run) and False) == "ended"
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED


def test_the_command(project, capsys):
    answered(project, BASE, changed(BASE, 1))
    call_command("find_duplicates", project=project.slug, inline=True)
    out = capsys.readouterr().out
    assert "answers: 1 cluster of 2" in out
    assert "held back in review: 1" in out
    call_command("find_duplicates", project=project.slug, dry_run=True)
    assert "Would read 0 prompts and 0 responses." in capsys.readouterr().out


def test_states_do_not_move(project):
    answered(project, BASE, changed(BASE, 1))
    before = list(Prompt.objects.order_by("pk").values())
    look(project)
    assert list(Prompt.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("number", range(1, 9))
def test_texts_decide_where_signatures_leave_it_open(project, number):
    """Pairs around the threshold: joined exactly where the texts share as much."""
    texts = [text_of(150, 40 + number), changed(text_of(150, 40 + number), number)]
    one, other = map(minhash.shingles, texts)
    answered(project, *texts)
    look(project)
    assert bool(found(project)) == minhash.share_at_least(one, other, 80)


@pytest.mark.parametrize("border", [20, 60])
@pytest.mark.parametrize("shorter", [1, 2])
def test_near_duplicates_are_found_across_the_borders_of_length(project, border, shorter):
    """Texts of a border's length and beyond are cut otherwise than those that are a word or two shorter."""
    text = text_of(border + 1).split()
    answered(project, " ".join(text), " ".join(text[:-shorter]), " ".join(text[shorter:]), text_of(border, 1))
    look(project)
    assert [len(cluster) for cluster in found(project)] == [3]
