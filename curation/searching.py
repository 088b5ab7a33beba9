"""Search in the words of prompts: question, source, title, locator, current answer.

The database holds an index (FTS5 on SQLite, tsvector on PostgreSQL) of words cut here, so that both find the same.
Triggers mark every prompt whose words change; `catch_up` takes the marks up. Until then a search reads the texts of the
marked prompts themselves: what is found is never out of step with what is stored.
"""

import json
import re
import time
import unicodedata
from contextlib import nullcontext

from django.db import connection, transaction
from django.db.models import Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Left

from .models import Prompt

LONGEST = 40  # characters of a word that count
MOST_BYTES = 900_000  # of one prompt's words; a tsvector takes a million
READ_AT_MOST = 1_000  # marked prompts whose texts one search reads
AT_ONCE = 250  # prompts that one transaction brings into the index
KEY_FROM = 8  # characters from which a word may be the beginning of a key
BEFORE, AFTER, LOOKED_IN = 40, 120, 20_000  # characters around the first word found; characters of a text looked in
_LOCK = 7_340_001  # PostgreSQL's number for "somebody brings the index up to date"

# Chinese and Japanese set no spaces: each sign is a word. Elsewhere, runs of letters and digits.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_SIGNS}]|[^\\W_{_SIGNS}]+")
_TEXTS = ("user_prompt", "context", "document__title", "document__locator", "current_response__text")


def folded(text):
    """`text` as words are compared: compatible forms (ﬁ, ₂, full width) as plain ones, without case."""
    return (
        text.lower()
        if text.isascii()
        else unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    )


def words(text):
    """The words of `text` in their order, each once; a word is a run of letters and digits, `LONGEST` at most."""
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(folded(text))))


def begins(word):
    """Whether a searched word finds all that begin with it; short ones and numbers find only themselves."""
    return len(word) > 2 and not word.isdecimal()


def says(texts, asked):
    """Whether each word of `asked` is in `texts`, as the index would find it. No words are in nothing."""
    known = {word for text in texts if text for word in words(text)}
    return bool(asked) and all(
        any(other.startswith(word) for other in known) if begins(word) else word in known for word in asked
    )


def matching(queryset, text, *, read_at_most=None):
    """Those of `queryset` (prompts) whose texts contain every word of `text`; all where `text` is blank.

    Exact, but for marked prompts beyond `read_at_most` (None: all are read); `unread` says how many those are.
    """
    if not text.strip():
        return queryset
    asked = words(text)
    if not asked:
        return queryset.none()
    marked = _marked(read_at_most)
    own = [*_read(marked, asked), *_by_key(queryset, text)]
    return queryset.filter(Q(pk__in=_indexed(asked)) & ~Q(pk__among=marked) | Q(pk__among=own))


def found_ids(project, text, most):
    """Ids of the prompts of `project` that contain every word of `text`, or None where they are more than `most`."""
    asked = words(text)
    if not asked:
        return set()
    found = _at_most(most, *_statement(asked, project))
    if len(found) > most:
        return None
    marked = _marked(READ_AT_MOST)
    return found - set(marked) | set(_read(marked, asked, project)) | set(_by_key(project.prompts.all(), text))


def found_among(project, ids, text):
    """Those of `ids` (prompts of `project`, some thousands) that contain every word of `text`."""
    asked = words(text)
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(*_said_by(asked, ids))
        found = {row[0] for row in cursor.fetchall()}
    marked = _marked(READ_AT_MOST)
    found = found - set(marked) | set(_read(marked, asked, project))
    return (found | set(_by_key(project.prompts.all(), text))) & set(ids)


def unread():
    """How many marks a search on a page leaves out, because more came in than it can read; 0 in ordinary times."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM (SELECT 1 FROM curation_search_mark LIMIT 1000001) AS marks")
        return max(0, cursor.fetchone()[0] - READ_AT_MOST)


def catch_up(most=None, pause=0.0):
    """Bring up to `most` marked prompts into the index (None: all), waiting `pause` seconds between portions.

    Returns how many marks were taken up. One process at a time does it; another returns at once.
    """
    done = 0
    while most is None or done < most:
        taken = _portion(AT_ONCE if most is None else min(AT_ONCE, most - done))
        done += taken
        if not taken:
            break
        time.sleep(pause)
    return done


@transaction.atomic
def _portion(size):
    """Take up some marks. Reading and writing under one lock: an older text can never replace a newer one."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        cursor.execute("SELECT id, prompt_id FROM curation_search_mark ORDER BY id LIMIT %s", [size])
        marks = cursor.fetchall()
        if not marks:
            return 0
        ids = list({prompt for _, prompt in marks})
        _forget(cursor, ids)
        _enter(cursor, _texts(Prompt.objects.filter(pk__among=ids)))
        # By id: a mark that another process committed in between may have a lower one than the last.
        cursor.execute(f"DELETE FROM curation_search_mark WHERE id {_in()}", [_ids(mark for mark, _ in marks)])
    return len(marks)


def _forget(cursor, ids):
    cursor.execute(f"DELETE FROM curation_search WHERE {_key()} {_in()}", [_ids(ids)])


def _enter(cursor, texts):
    rows = [(pk, [_project_word(project), *_bounded(said)]) for pk, project, *said in texts]
    if connection.vendor == "postgresql":
        words_of = "array_to_tsvector(string_to_array(%s, ' '))"  # a list as parameter takes longer than all the rest
        statement = f"INSERT INTO curation_search (prompt_id, words) VALUES (%s, {words_of})"
    else:
        statement = "INSERT INTO curation_search (rowid, words) VALUES (%s, %s)"
    cursor.executemany(statement, [(pk, " ".join(found)) for pk, found in rows])


def _bounded(texts):
    """The words of one prompt's texts, as many as an entry of the index takes."""
    found = words(" ".join(text for text in texts if text))
    if len(found) * LONGEST * 4 <= MOST_BYTES:
        return found
    taken, size = [], 0
    for word in found:
        size += len(word.encode())
        if size > MOST_BYTES:
            break
        taken.append(word)
    return taken


def _texts(prompts):
    return prompts.order_by().values_list("pk", "project_id", *_TEXTS)


def _marked(most):
    """Ids of the prompts that are marked, the newest marks first; `most` marks are looked at."""
    limit = "" if most is None else f"LIMIT {int(most)}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT prompt_id FROM curation_search_mark ORDER BY id DESC {limit}")
        return list({row[0] for row in cursor.fetchall()})


def _read(marked, asked, project=None):
    """Ids of those of the marked prompts whose texts contain every word of `asked`."""
    found = []
    for start in range(0, len(marked), 1000):
        prompts = Prompt.objects.filter(pk__among=marked[start : start + 1000])
        prompts = prompts.filter(project=project) if project else prompts
        found += [pk for pk, _, *said in _texts(prompts) if says(said, asked)]
    return found


def _at_most(most, sql, values):
    """Ids that the statement finds, `most` + 1 of them where they are more."""
    postgresql = connection.vendor == "postgresql"
    with transaction.atomic() if postgresql else nullcontext(), connection.cursor() as cursor:
        if postgresql:
            # Words that are each in many prompts may be together in few: it must not try one prompt after another.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{sql} LIMIT {most + 1}", values)
        return {row[0] for row in cursor.fetchall()}


def _by_key(queryset, text):
    """Ids of the prompts whose key begins with `text`, if that can be a key's beginning."""
    beginning = text.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{KEY_FROM},64}}", beginning):
        return []
    keyed = queryset.filter(key__gte=beginning, key__lt=beginning + "g", key__startswith=beginning)
    return list(keyed.order_by().values_list("pk", flat=True)[:1000])


def _project_word(project):
    return f"§{project}"  # no word of a text has this sign


def _indexed(asked):
    return RawSQL(*_statement(asked))  # noqa: S611 - a fixed statement; what was typed is a parameter


def _statement(asked, project=None):
    """(SQL, values) of the ids that the index has for all the words."""
    mine = [_project_word(project.pk)] if project else []
    if connection.vendor == "postgresql":
        terms = [f"'{word}'" for word in mine] + [f"'{word}'{':*' if begins(word) else ''}" for word in asked]
        return "SELECT prompt_id FROM curation_search WHERE words @@ %s::tsquery", [" & ".join(terms)]
    terms = [f'"{word}"' for word in mine] + [f'"{word}"{"*" if begins(word) else ""}' for word in asked]
    return "SELECT rowid FROM curation_search WHERE curation_search MATCH %s", [" AND ".join(terms)]


def _said_by(asked, ids):
    """(SQL, values) of those of `ids` whose entries have all the words, without a look into the index of words."""
    among = f"{_key()} {_in()}"
    if connection.vendor == "postgresql":
        _, query = _statement(asked)
        return f"SELECT prompt_id FROM curation_search WHERE {among} AND words @@ %s::tsquery", [_ids(ids), *query]
    held = " AND ".join(["instr(' ' || words || ' ', %s)"] * len(asked))
    values = [f" {word}" if begins(word) else f" {word} " for word in asked]
    return f"SELECT rowid FROM curation_search WHERE {among} AND {held}", [_ids(ids), *values]


def _key():
    return "prompt_id" if connection.vendor == "postgresql" else "rowid"


def _in():
    return "= ANY(%s)" if connection.vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"


def _ids(values):
    return list(values) if connection.vendor == "postgresql" else json.dumps(list(values))


def places(ids, text):
    """{id: [(piece, whether it was searched for)]}: where the words were found, for those of `ids` that show it."""
    asked = words(text)
    names = [f"text_{n}" for n in range(len(_TEXTS))]
    cut = {as_name: Left(Coalesce(name, Value("")), LOOKED_IN) for as_name, name in zip(names, _TEXTS, strict=True)}
    found = {}
    for pk, *texts in Prompt.objects.filter(pk__among=ids).order_by().annotate(**cut).values_list("pk", *names):
        hits = [(_hits(said, asked), said) for said in texts]
        hit, said = max(hits, key=lambda each: len({word for *_, word in each[0]}))
        if hit:
            found[pk] = _pieces(said, hit)
    return found


def _hits(text, asked):
    """[(start, end, word asked for)] of the words of `text` that were searched for."""
    hits = []
    for match in _WORD.finditer(text):
        inner = words(match.group())
        word = next((w for w in asked if any(i.startswith(w) if begins(w) else i == w for i in inner)), None)
        if word:
            hits.append((*match.span(), word))
    return hits


def _pieces(text, hits):
    """The text around the first hit, cut where a hit begins and ends."""
    start = max(0, hits[0][0] - BEFORE)
    end = hits[0][1] + AFTER
    pieces, done = [("…", False)] if start else [], start
    for begin, stop, _ in hits:
        if begin >= end:
            break
        pieces += [(text[done:begin], False), (text[begin:stop], True)]
        done = stop
    return [*pieces, (text[done : max(done, end)], False)]
