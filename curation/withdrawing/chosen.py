"""Which prompts a source, a licence or a row stands for, and which releases hold them."""

import hashlib
import re
from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Lower

from ..models import Pair, Release, ReleaseRow, SourceDocument, State, Withdrawal
from ..models.document import IN_METADATA

DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
BEFORE_A_DOI = (
    *("", "doi:", "doi: "),
    *("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "http://dx.doi.org/"),
)
HOLDING = (Release.State.PUBLISHED, Release.State.DRAFT)  # releases that have files
LEAST_ROW = 12  # characters that may stand for a whole row id
UNKNOWN = "(not stated)"  # in place of a licence: every prompt of which nobody knows one, as cards and pages call it
SHOWN = 20  # prompts that a preview names
Kind = Withdrawal.Kind


class WrongWish(ValueError):
    """A withdrawal that cannot be made as it was asked for; the message says what would be right."""


@dataclass(frozen=True)
class Preview:
    """What a withdrawal would come to.

    `states` are (state, number) of the prompts it takes, `releases` (release, rows of it) the newest first, `some` the
    keys of the first of its prompts.
    """

    prompts: int
    withdrawn: int  # of them, that are withdrawn already
    partners: int  # of them, that go as the other half of a pair
    states: tuple
    releases: tuple
    some: tuple = ()

    @property
    def left(self):
        """Prompts that are not withdrawn yet."""
        return self.prompts - self.withdrawn


def same_source(locator):
    """A locator as it is compared: of a DOI its bare form, however it is written; anything else as it stands."""
    locator = locator.strip()
    doi = DOI.fullmatch(locator)
    return doi[1].lower() if doi else locator


def spelled(project, kind, value):
    """`value` as a withdrawal keeps it, a row id in full; raises WrongWish where the project has nothing of it."""
    value = value.strip()
    if kind not in Kind.values:
        raise WrongWish(f"{kind!r} cannot be withdrawn: say {', '.join(Kind.values)}.")
    if not value:
        raise WrongWish("Say which: a locator such as a DOI, a licence, or a row id.")
    if kind == Kind.ROW:
        return _row_id(project, value)
    if kind == Kind.LICENCE and value.casefold() == UNKNOWN:
        value = UNKNOWN
    if not chosen(project, kind, value).exists():
        raise WrongWish(_nothing(project, kind, value))
    return value


def _row_id(project, value):
    value = value.lower()
    rows = ReleaseRow.objects.filter(release__project=project, row_id__startswith=value).order_by()
    found = list(rows.values_list("row_id", flat=True).distinct()[:2]) if len(value) >= LEAST_ROW else []
    if len(value) < LEAST_ROW:
        raise WrongWish(f"Give at least the first {LEAST_ROW} characters of the row id.")
    if len(found) > 1:
        raise WrongWish(f"Several rows begin with {value}: give the whole row id.")
    if not found:
        raise WrongWish(f"No release of this project holds a row {value}: row ids stand in its files, as `id`.")
    return found[0]


def _nothing(project, kind, value):
    if kind == Kind.LICENCE:
        there = ", ".join(licences(project)) or "none"
        unknown = without_licence(project).count()
        more = f" Of {unknown:,} prompts none is known: {UNKNOWN} takes those." if unknown else ""
        return f"No prompt of this project is under the licence {value!r}; there are: {there}.{more}"
    example = project.documents.exclude(locator="").values_list("locator", flat=True).first()
    return f"No prompt of this project is about {value!r}" + (f"; locators look like {example}." if example else ".")


def chosen(project, kind, value):
    """The prompts of `project` that a withdrawal takes, the other halves of pairs included."""
    return _with_partners(project, _named(project, kind, value))


def _with_partners(project, named):
    if not project.paired:
        return named
    ids = named.values("pk")
    pairs = Pair.objects.filter(project=project)
    wanted = Q(pk__in=ids) | Q(pk__in=pairs.filter(hypothesis__in=ids).values("methodology"))
    return project.prompts.filter(wanted | Q(pk__in=pairs.filter(methodology__in=ids).values("hypothesis")))


def _named(project, kind, value):
    if kind == Kind.ROW:
        rows = ReleaseRow.objects.filter(release__project=project, row_id=value)
        return project.prompts.filter(pk__in=rows.values("prompt"))
    if kind == Kind.LICENCE and value == UNKNOWN:
        return without_licence(project)
    named = Q(document__in=documents(project, kind, value).values("pk"))
    beside = _by_metadata(value) if kind == Kind.LICENCE else _by_group(kind, value)
    return project.prompts.filter(named | beside)


def documents(project, kind, value):
    """The source documents that a withdrawal speaks of; none for a row, nor where no licence is known."""
    rows = SourceDocument.objects.filter(project=project)
    if kind == Kind.LICENCE and value == UNKNOWN:
        return rows.none()
    if kind == Kind.LICENCE:
        return rows.filter(licence__iexact=value)
    if kind == Kind.ROW:
        return rows.none()
    if not DOI.fullmatch(value.strip()):
        return rows.filter(locator=value.strip())
    spellings = [before + same_source(value) for before in BEFORE_A_DOI]
    return rows.alias(as_lower=Lower("locator")).filter(as_lower__in=spellings)


def _by_group(kind, value):
    """Prompts that came without a source text keep the locator as their group alone."""
    return Q(document=None, group_key__in=groups_of(value)) if kind == Kind.SOURCE else Q(pk__in=())


def _by_metadata(value):
    """Prompts whose source has no licence of its own, or that have no source text, keep what their row said."""
    said = Q()
    for name in IN_METADATA["licence"]:
        said |= Q(**{f"metadata__{name}__iexact": value})
    return (Q(document=None) | Q(document__licence="")) & said


def without_licence(project):
    """The prompts of a project of which nobody knows the licence."""
    rows = project.prompts.filter(Q(document=None) | Q(document__licence=""))
    for name in IN_METADATA["licence"]:
        path = f"metadata__{name}"
        rows = rows.filter(Q(**{f"{path}__isnull": True}) | Q(**{path: None}) | Q(**{path: ""}))
    return rows


def licences(project, most=20):
    """The licences that prompts of a project are under, sorted; at most so many of each kind of place."""
    found = set(project.documents.exclude(licence="").order_by().values_list("licence", flat=True).distinct()[:most])
    for name in IN_METADATA["licence"]:
        rows = project.prompts.filter(
            Q(document=None) | Q(document__licence=""), **{f"metadata__{name}__isnull": False}
        )
        said = rows.order_by().values_list(f"metadata__{name}", flat=True).distinct()[:most]
        found |= {each for each in said if isinstance(each, str) and each}
    return sorted(found)


def groups_of(value):
    """The group keys that prompts about this locator may have, however it was written."""
    doi = DOI.fullmatch(value.strip())
    bare = {doi[1], doi[1].lower()} if doi else ()
    spellings = {value.strip(), *(before + each for before in BEFORE_A_DOI for each in bare)}
    return {hashlib.sha256(each.encode()).hexdigest() for each in spellings}


def preview(project, kind, value):
    """The Preview of a withdrawal of `value`, as `spelled` gives it."""
    return _preview(project, _named(project, kind, value))


def preview_of(project, ids):
    """The Preview of withdrawing the prompts with these ids."""
    return _preview(project, project.prompts.filter(pk__among=frozenset(ids)))


def _preview(project, named):
    prompts = _with_partners(project, named)
    states = dict(prompts.order_by().values_list("state").annotate(n=Count("pk")))
    total = sum(states.values())
    return Preview(
        prompts=total,
        withdrawn=prompts.exclude(withdrawal=None).count(),
        partners=total - named.count(),
        states=tuple((label, states[state]) for state, label in State.choices if states.get(state)),
        releases=holding(project, prompts),
        some=tuple(prompts.order_by("pk").values_list("key", flat=True)[:SHOWN]),
    )


def holding(project, prompts):
    """((release, how many rows of `prompts` it holds), …), the newest release first."""
    rows = ReleaseRow.objects.filter(release__project=project, release__state__in=HOLDING, prompt__in=prompts)
    numbers = dict(rows.order_by().values_list("release").annotate(n=Count("pk")))
    releases = Release.objects.filter(pk__in=numbers).defer("manifest", "files")
    return tuple((release, numbers[release.pk]) for release in releases.order_by("-version"))


def names(withdrawals):
    """{(kind, value as it is compared): withdrawal} of sources and licences."""
    return {
        (row.kind, same_source(row.value) if row.kind == Kind.SOURCE else row.value.strip().casefold()): row
        for row in withdrawals
        if row.kind != Kind.ROW
    }
