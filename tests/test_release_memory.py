"""What is kept of the rows of a release while it is written is small and grows with their number alone."""

import gc
import tracemalloc

import pyarrow as pa
import pytest

from pipeline import splits
from pipeline.releasing import choosing, proof, recipe
from tests.bench import release_data

pytestmark = pytest.mark.django_db
A_ROW = 140  # bytes; as objects with their texts it would be more than a thousand


def kept(work):
    """(what `work` returns, bytes that are kept for it)."""
    tracemalloc.start()
    try:
        arrow, before = pa.total_allocated_bytes(), tracemalloc.get_traced_memory()[0]
        result = work()
        gc.collect()
        return result, tracemalloc.get_traced_memory()[0] - before + pa.total_allocated_bytes() - arrow
    finally:
        tracemalloc.stop()


def chosen_of(project):
    chosen = choosing.choose(project, recipe.Recipe())
    return chosen, chosen.splits(splits.place(project, chosen.groups(), chosen.tied))


def read_by(project):
    reader, ids = proof.Reader(project), list(project.prompts.values_list("current_response_id", flat=True))
    for start in range(0, len(ids), 1000):
        reader.read(ids[start : start + 1000])
    return reader


@pytest.mark.parametrize("what", [chosen_of, read_by])
def test_a_row_that_is_chosen_or_read_leaves_few_bytes(what):
    few, many = (release_data.project_of(rows) for rows in (2000, 8000))
    what(few)  # what is made once
    (one, of_few), (other, of_many) = (kept(lambda project=project: what(project)) for project in (few, many))
    assert one is not other
    assert (of_many - of_few) / 6000 < A_ROW
