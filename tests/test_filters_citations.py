"""Citations in all their shapes, and what only looks like one."""

import pytest

from pipeline.filters import RULES, Answer


def measure(text):
    return RULES["ban_citations"].measure(Answer(text))


CITATIONS = """
As shown before [1], the rate falls.
As shown before [1,2].
As shown before [1, 2] in cells.
As shown in [1-3] and elsewhere.
As shown in [1–3].
Found by many [4, 7, 12-15].
Found before.[3]
As shown[1].
As reported [1][2].
A known effect (ref. 3).
A known effect (refs. 3, 4).
A known effect (see ref. 12).
A known effect, ref. 12.
See doi: 10.1000/182 for more.
See doi: 10… for more.
DOI 10.1038/nature12373
https://doi.org/10.1021/ja00001a001
https://dx.doi.org/10.1021/ja00001a001
As in 10.1038/nature12373, the rate falls.
The rate falls (Smith et al., 2019).
The rate falls (Smith, 2019).
The rate falls (Smith 2019).
The rate falls (Smith and Jones, 2019).
The rate falls (Smith & Jones 2019; Doe et al. 2020a).
The rate falls (see Smith et al., 2019; O’Neill, 1998).
The rate falls (van der Berg et al., 2019).
The rate falls [Smith et al., 2019].
Smith et al. (2019) found that the rate falls.
Smith et al. found that the rate falls.
Smith and Jones (2019) differ.
Müller (2004) showed that the rate falls.
A rate reported by Müller (2004).
It follows from arXiv:1706.03762.
It follows from PMID: 12345678.
It follows from \\cite{smith2019}.
It follows from \\citep[see][]{smith2019}.
It follows [citation needed].
It follows.[^1]
See [1](https://example.org/paper).
""".strip().splitlines()

NO_CITATIONS = """
Take x[0] as the start.
Take arr[1] and arr[2].
Take data[1], the second row.
The root \\sqrt[3]{x} grows.
The root $\\sqrt[3]{x}$ grows.
We use `values[3]` here.
For $a[1]$ the sum is 4.
For x in [1, 2] the sum is 4.
For x ∈ [1, 2] the sum is 4.
Over the interval [1, 2] it grows.
In the range [5, 10] it grows.
Scores were scaled to [0, 1].
The mean was 3.2 (95 % CI [2, 5]).
Doses of [1, 2] mM were used.
Temperatures of [20, 37] °C were used.
Set n = [3] first.
Set shape=[4, 4] first.
A [2]rotaxane forms.
A [1,5]-sigmatropic shift.
A [2+2] cycloaddition.
[18F]FDG was injected on [day 3].
- [ ] not done, - [x] done
Samples of January (2019) and (May 2019).
The data (Figure 2, 2019 season) are old.
A ratio of 10.5/3 holds.
A value of 10.1234 is typical.
In 2019 the yield (12 %) fell.
The preference 3 of cells, refs of nothing.
Since (2019) the yield fell.
The [control] group is kept.
""".strip().splitlines()


@pytest.mark.parametrize("text", CITATIONS)
def test_a_citation_fails(text):
    measurement = measure(text)
    assert not measurement.ok
    assert measurement.value >= 1
    assert measurement.note.startswith("Cites “")


@pytest.mark.parametrize("text", NO_CITATIONS)
def test_what_only_looks_like_one_passes(text):
    measurement = measure(text)
    assert measurement.ok, measurement.note
    assert measurement.value == 0


def test_indexing_in_a_code_block_passes():
    assert measure("Then:\n\n```python\ntotal [1] = row [2]\n```\n\ndone").ok


def test_every_citation_is_counted_and_a_few_are_named():
    measurement = measure("Known [1]. Known (Smith et al., 2019). Known [2]. Known [3].")
    assert measurement.value == 4
    assert "and 1 more" in measurement.note
