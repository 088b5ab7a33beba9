"""verify_release recomputes a release from its folder and names the first difference, whatever was done to it."""

import json
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from pipeline import formats
from pipeline.formats import row_id
from pipeline.formats.files import text_lines
from pipeline.releasing import proof
from pipeline.releasing.verifying import Different, verify
from tests import released

SOME = released.records()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "v1"
    released.write(folder)
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copied elsewhere")


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def difference(folder):
    with pytest.raises(Different) as found:
        verify(folder)
    return str(found.value)


def test_what_nobody_touched_is_what_its_manifest_says(folder):
    told = []
    verify(folder, told=told.append)
    assert [said for said in told if "no group is in two splits" in said] == [
        "24 rows in 12 groups; no group is in two splits"
    ]
    assert "messages 24, prompt_completion 24, pairs 12" in told[-2]


# -- bytes ----------------------------------------------------------------------------------------------------------


def test_a_changed_byte_in_any_file_is_named(folder):
    for name in files_of(folder):
        path = folder / name
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        assert name in difference(folder)
        path.write_bytes(before)
    verify(folder)


def test_a_file_cut_short_or_made_longer_is_named(folder):
    for name in files_of(folder):
        path = folder / name
        before = path.read_bytes()
        for changed in (before[:-1], before + b"\n", b""):
            path.write_bytes(changed)
            assert name in difference(folder)
        path.write_bytes(before)


def test_a_missing_file_is_named(folder):
    for name in files_of(folder):
        path = folder / name
        before = path.read_bytes()
        path.unlink()
        assert difference(folder).startswith(f"{name} is missing")
        path.write_bytes(before)


def test_a_file_that_the_manifest_does_not_know_is_named(folder):
    (folder / "jsonl" / "more.jsonl").write_text("{}\n")
    assert difference(folder) == "jsonl/more.jsonl is not in the manifest."


def _linked(folder, name):
    elsewhere = folder.parent / "elsewhere"
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)


@pytest.mark.parametrize("name", ["manifest.json", "README.md", "rows.parquet", "data", "jsonl/messages/train.jsonl"])
def test_a_link_in_place_of_a_file_or_folder_is_named(folder, name):
    """What it points at may change, or stay behind when the folder is copied."""
    _linked(folder, name)
    assert difference(folder).startswith(f"{name} is a link to ")


@pytest.mark.parametrize("target", [".", "/nowhere", "README.md"])
def test_a_link_that_the_manifest_does_not_know_is_named(folder, target):
    (folder / "data" / "more").symlink_to(target)
    assert difference(folder) == "data/more is not in the manifest."


def test_what_is_no_file_at_all_is_named(folder):
    os.mkfifo(folder / "data" / "pipe")
    assert difference(folder) == "data/pipe is not in the manifest."


def test_hidden_files_of_a_download_are_no_difference(folder):
    (folder / ".gitattributes").write_text("")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "x.metadata").write_text("")
    verify(folder)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{}", b'{"schema_version": "9"}', b"\xff\xfe", b"{", b"[" * 100_000]
)
def test_what_is_no_manifest_is_said(folder, content):
    (folder / "manifest.json").write_bytes(content)
    assert difference(folder).startswith("manifest.json ")


def test_what_is_no_release_is_said(tmp_path):
    assert "no folder" in difference(tmp_path / "nowhere")
    assert difference(tmp_path).startswith("manifest.json is missing")


@pytest.mark.parametrize("words", ['"seed": NaN', r'"seed": "\ud800"', '"seed": "a seed", "seed": "a seed"'])
def test_what_no_manifest_is_written_with_is_said(folder, words):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"seed": "a seed"', words))
    assert difference(folder).startswith("manifest.json ")


# -- what the manifest says, made to fit itself ---------------------------------------------------------------------


def _set(**values):
    return lambda said: said.update(values)


def _count(name, value):
    return lambda said: said["counts"].update({name: value})


def _entry(index, **values):
    return lambda said: said["files"][index].update(values)


def _rows_of(path, rows):
    def change(said):
        next(entry for entry in said["files"] if entry["path"] == path)["rows"] = rows

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: said.pop("recipe"), "does not say recipe"),
        (lambda said: said.pop("files"), "does not say files"),
        (_set(row_count=23), "row_count: 24 by the files, 23 by the manifest"),
        (_set(source_hash="0" * 64), "source_hash"),
        (_set(unreviewed=3), "unreviewed: 0 by the files, 3"),
        (_set(content_hash="0" * 64), "content_hash"),
        (_set(schema_version="3.0.0"), "schema_version '3.0.0'"),
        (_set(files=[{"path": "data"}]), "no path, bytes or sha256"),
        (_set(files="many"), "files"),
        (_set(counts=None), "counts"),
        (_count("groups", 11), "counts.groups: 12"),
        (_count("splits", {"train": 24}), "counts.splits"),
        (_count("statuses", {"accepted": 24}), "counts.statuses"),
        (_count("domains", {"chemistry": 24}), "counts.domains"),
        (_count("teachers", {"somebody": 24}), "counts.teachers"),
        (_count("formats", {"messages": {"train": 12}}), "counts.formats"),
        (_count("unreviewed", 1), "counts.unreviewed"),
        (_count("leaks", 1), "rows left out: {}"),
        (_count("withdrawn", 1), "counts.withdrawn: null"),
        (_set(seed="another"), 'seed: "a seed"'),
        (_set(version="one"), "version 'one'"),
        (_set(base="0.9.0"), "base 0.9.0, and names no tombstones.json"),
        (_set(withdrawn=2), "withdrawn: null"),
        (_set(versions={"filters": []}), "versions.filters"),
        (_set(versions={"filters": "none"}), "cannot be read: AttributeError"),
        (_set(versions={"filters": [{"version": 1, "sha256": "f" * 64, "rows": 24}]}), "versions.templates"),
        (_entry(0, path="./README.md"), "which is README.md"),
        (_entry(0, path="../outside"), "outside the release"),
        (_entry(0, path="/etc/hostname"), "outside the release"),
        (_entry(0, bytes="many"), "bytes"),
        (_rows_of("data/train-00000-of-00001.parquet", 3), "data/train-00000-of-00001.parquet has 12 rows"),
        (_rows_of("jsonl/messages/train.jsonl", 3), "jsonl/messages/train.jsonl has 12 lines"),
    ],
)
def test_a_manifest_that_fits_itself_but_not_the_files(folder, change, said):
    released.seal_again(folder, change)
    assert said in difference(folder)


def test_a_word_changed_in_the_manifest_is_seen_though_no_file_contradicts_it(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"seed": "a seed"', '"seed": "b seed"'))
    assert "manifest.json was changed" in difference(folder)


# -- files and manifest made to fit each other ----------------------------------------------------------------------


def edit_rows(folder, name, change):
    """Let `change(rows)` work on the rows of a Parquet file, which is then sealed again."""
    table = pq.read_table(folder / name)
    rows = table.to_pylist()
    rows = change(rows) or rows
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / name)
    released.seal_again(folder)


def edit_lines(folder, name, change):
    lines = (folder / name).read_text().split("\n")[:-1]
    (folder / name).write_text("".join(f"{line}\n" for line in change(lines) or lines))
    released.seal_again(folder)


TRAIN = "data/train-00000-of-00001.parquet"


def _other_text(row):
    row["messages"][-1]["content"] += " And more."


def _other_text_and_id(row):
    _other_text(row)
    row["id"] = row_id(row["prompt_key"], row["messages"][-1]["content"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_other_text, "does not hold the text"),
        (_other_text_and_id, "stands on"),
        (lambda row: row.update(split="test"), "says split 'test'"),
        (lambda row: row.update(group="another"), "group is 'another'"),
        (lambda row: row.update(prompt_key="0" * 64), "its prompt key and its text make"),
        (lambda row: row.update(licence="secret"), "licence is 'secret'"),
        (lambda row: row.update(edited=not row["edited"]), "edited is"),
        (lambda row: row.update(domain="other"), "jsonl/messages/train.meta.jsonl, line 4"),
    ],
)
def test_a_row_of_the_main_file_that_is_another(folder, change, said):
    name = "jsonl/messages/train.jsonl"

    def both(rows):
        change(rows[3])
        # Whoever changes a row can write the lines anew as well.
        text = [json.dumps({"messages": row["messages"]}, ensure_ascii=False, separators=(",", ":")) for row in rows]
        (folder / name).write_text("".join(f"{line}\n" for line in text))

    edit_rows(folder, TRAIN, both)
    assert said in difference(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[:-1], "row_count: 23"),
        (lambda rows: [*rows, rows[0]], "is there twice"),
        (lambda rows: rows[0].update(split="elsewhere"), "in a split 'elsewhere'"),
        (lambda rows: rows[0].update(split="test" if rows[0]["split"] == "train" else "train"), "is in"),
        (lambda rows: rows[0].update(group=rows[-1]["group"]), "is in"),
        (lambda rows: rows[0].update(id="0" * 64), "does not have in train"),
        (lambda rows: rows[0].update(text_sha256="0" * 64), "does not hold the text"),
        (lambda rows: rows[0].update(attempt=7), "attempt is 2"),
        (lambda rows: rows[0].update(source_sha256="0" * 64), "source_hash"),
        (lambda rows: rows[0].update(status="unreviewed"), "counts.statuses"),
        (lambda rows: rows[0].update(filters_sha256="0" * 64), "versions.filters"),
        (lambda rows: rows[0].update(gate_sha256="0" * 64), "versions.gate"),
        (lambda rows: rows[0]["templates"][0].update(version=2), "versions.templates"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "row 2 is not in its place"),
    ],
)
def test_a_changed_row_of_the_proof(folder, change, said):
    edit_rows(folder, proof.NAME, change)
    assert said in difference(folder)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("prompt_completion", lambda row: row["completion"][0].update(content="Another answer.")),
        ("pairs", lambda row: row["messages"][1].update(content="Another hypothesis.")),
        ("pairs", lambda row: row["messages"][3].update(content="Another method.")),
        ("pairs", lambda row: row.update(methodology_id=row["hypothesis_id"])),
        ("sharegpt", lambda row: row["conversations"][-1].update(value="Another answer.")),
        ("alpaca", lambda row: row.update(output="Another answer.")),
        ("preference", lambda row: row.update(chosen=row["rejected"], rejected=row["chosen"])),
        ("kto", lambda row: row.update(label=True)),
        ("kto", lambda row: row.update(split="test")),
        ("preference", lambda row: row.update(group="another")),
        ("preference", lambda row: row.update(row_id="0" * 64)),
    ],
)
def test_a_changed_row_of_another_format(folder, name, change):
    def all_rows(rows):
        change(next(row for row in rows if not row.get("label")))

    edit_rows(folder, f"{name}/train-00000-of-00001.parquet", all_rows)
    said = difference(folder)
    assert said.startswith((f"{name}/train-00000-of-00001.parquet, row", f"jsonl/{name}/"))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[0]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0].replace("source", "sauce"), *lines[1:]],
        lambda lines: ["\ufeff" + lines[0], *lines[1:]],
        lambda lines: [lines[0].replace('":', '": ', 1), *lines[1:]],
    ],
    ids=["shorter", "longer", "swapped", "reworded", "with a mark", "with a blank"],
)
def test_lines_that_parquet_does_not_make_in_any_jsonl_file(original, tmp_path, change):
    for number, name in enumerate(name for name in files_of(original) if name.endswith(".jsonl")):
        folder = shutil.copytree(original, tmp_path / str(number))
        edit_lines(folder, name, change)
        if (folder / name).read_bytes() != (original / name).read_bytes():
            assert difference(folder).startswith(name)


def test_another_schema_is_named(folder):
    table = pq.read_table(folder / TRAIN)
    pq.write_table(table.append_column("more", pa.array([1] * table.num_rows)), folder / TRAIN)
    released.seal_again(folder)
    assert difference(folder).startswith(f"{TRAIN} has other columns than its schema: more (int64)")


def test_a_split_that_is_left_out_whole_is_missed(folder):
    """Its files and its entries are gone, and the numbers of the manifest fit: the proof still knows its rows."""

    def without_test(said):
        for entry in [entry for entry in said["files"] if entry.get("split") == "test"]:
            (folder / entry["path"]).unlink()
            said["files"].remove(entry)

    released.seal_again(folder, without_test)
    released.seal_again(folder)
    assert "counts rows of test, and names no file of messages for it" in difference(folder)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("messages", lambda row: row["messages"][0].update(role="system")),
        ("messages", lambda row: row["messages"].insert(0, {"role": "user", "content": "First this."})),
        ("messages", lambda row: row["messages"].pop(0)),
        ("prompt_completion", lambda row: row["prompt"][0].update(content="Another question.")),
        ("prompt_completion", lambda row: row.update(domain="another")),
        ("pairs", lambda row: row["messages"][0].update(content="Another question.")),
        ("pairs", lambda row: row["messages"][2].update(content="Another question.")),
        ("pairs", lambda row: row.update(methodology_edited=not row["methodology_edited"])),
        ("pairs", lambda row: row.update(id="0" * 64)),
        ("sharegpt", lambda row: row["conversations"][0].update({"from": "system"})),
        ("alpaca", lambda row: row.update(system="You are careless.")),
        ("alpaca", lambda row: row.update(licence="another")),
        ("preference", lambda row: row["prompt"][0].update(content="Another question.")),
        ("preference", lambda row: row["rejected"][0].update(content="Another refused answer.")),
        ("preference", lambda row: row.update(rejected=row["chosen"])),
        ("preference", lambda row: row.update(teacher="another")),
        ("kto", lambda row: row["prompt"][0].update(content="Another question.")),
        ("kto", lambda row: row.update(id="0" * 64)),
        ("kto", lambda row: row["completion"][0].update(content="Another refused answer.")),
    ],
)
def test_a_row_that_its_format_does_not_make_of_the_accepted_row(folder, name, change):
    """Though its JSON Lines were made anew too: the other formats are views of the rows of `messages`."""
    path = f"{'data' if name == 'messages' else name}/train-00000-of-00001.parquet"

    def one(rows):
        place = next(place for place, row in enumerate(rows) if not row.get("label"))
        change(rows[place])

    edit_format(folder, name, path, one)
    assert difference(folder).startswith((f"{path}, row ", "A file cannot be read: ValueError: the user message"))


@pytest.mark.parametrize("name", formats.FORMATS)
def test_rows_that_are_there_twice_or_elsewhere(original, tmp_path, name):
    path = f"{'data' if name == 'messages' else name}/train-00000-of-00001.parquet"
    for number, change in enumerate((lambda rows: [*rows, rows[-1]], lambda rows: rows[::-1])):
        folder = shutil.copytree(original, tmp_path / str(number))
        edit_format(folder, name, path, change)
        assert "is there twice, or not in its place" in difference(folder)


def edit_format(folder, name, path, change):
    """As somebody would who knows how a release is made: Parquet, JSON Lines, numbers and manifest fit each other."""
    edit_rows(folder, path, change)
    columns, kind = pq.read_table(folder / path).to_pydict(), formats.FORMATS[name]
    for suffix in ("", *kind.beside):
        lines = (kind.beside[suffix] if suffix else kind.lines)(columns)
        (folder / f"jsonl/{name}/train{suffix and '.'}{suffix}.jsonl").write_bytes(text_lines(lines))

    def count(said):
        said["counts"]["formats"][name]["train"] = len(columns["id"])
        for entry in said["files"]:
            if (entry.get("format"), entry.get("split")) == (name, "train"):
                entry["rows"] = len(columns["id"])

    released.seal_again(folder, count)


# -- names of files -------------------------------------------------------------------------------------------------


def _taken_out(folder, *names):
    def change(said):
        said["files"] = [entry for entry in said["files"] if entry["path"] not in names]

    for name in names:
        (folder / name).unlink()
    released.seal_again(folder, change)
    released.seal_again(folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("README.md", "does not name README.md"),
        ("dataset_info.json", "does not name dataset_info.json"),
        ("jsonl/messages/train.meta.jsonl", "does not name jsonl/messages/train.meta.jsonl"),
        ("jsonl/alpaca/test.jsonl", "does not name jsonl/alpaca/test.jsonl"),
        ("jsonl/kto/train.llama_factory.jsonl", "does not name jsonl/kto/train.llama_factory.jsonl"),
    ],
)
def test_a_file_that_is_missing_in_the_manifest_too(folder, name, said):
    _taken_out(folder, name)
    assert said in difference(folder)


def test_a_format_that_is_missing_in_the_manifest_too(folder):
    _taken_out(folder, *(name for name in files_of(folder) if "alpaca/" in name))
    assert difference(folder).startswith("counts.formats")


@pytest.mark.parametrize("name", ["README.md", TRAIN, "jsonl/alpaca/test.jsonl"])
def test_a_file_that_has_another_name_in_the_manifest_too(folder, name):
    other = f"{name.rpartition('/')[0] or 'data'}/other.{name.rpartition('.')[2]}"
    (folder / name).rename(folder / other)

    def change(said):
        next(entry for entry in said["files"] if entry["path"] == name).update(path=other)
        said["files"].sort(key=lambda entry: entry["path"])

    released.seal_again(folder, change)
    released.seal_again(folder)
    assert "manifest.json " in difference(folder)


def _no_split(said):
    next(entry for entry in said["files"] if entry["path"] == "jsonl/alpaca/test.jsonl").pop("split")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_split, "does not name jsonl/alpaca/test.jsonl"),
        (lambda said: said["files"].append(said["files"][0]), "twice"),
        (lambda said: said["files"].reverse(), "not in their order"),
    ],
)
def test_entries_that_no_manifest_has(folder, change, said):
    released.seal_again(folder, change)
    assert said in difference(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("README.md", "pairs/train", "pairs/test", "README.md names pairs/test"),
        ("README.md", "split: validation", "split: test", "README.md names alpaca/validation"),
        ("README.md", "---\n", "", "README.md does not name"),
        ("README.md", "configs:", "configs: [", "has no head that can be read"),
        ("dataset_info.json", "jsonl/alpaca/train", "jsonl/alpaca/test", "jsonl/alpaca/train.jsonl is in one of them"),
        ("dataset_info.json", "{", "[{", "A file cannot be read"),
    ],
)
def test_descriptions_that_lead_readers_elsewhere(folder, name, old, new, said):
    (folder / name).write_text((folder / name).read_text().replace(old, new))
    released.seal_again(folder)
    assert said in difference(folder)


# -- what is listed -------------------------------------------------------------------------------------------------


LISTED = {"row_id": "0" * 64, "prompt_key": "", "why": "leaks"}


def _list(folder, name, content, **counts):
    (folder / name).write_text(json.dumps(content) + "\n")

    def change(said):
        said["files"] = sorted(
            [*said["files"], {"path": name, "bytes": 0, "sha256": ""}], key=lambda entry: entry["path"]
        )
        said["counts"] |= counts
        if name == "tombstones.json":
            said |= {"base": "1.0.0", "withdrawn": 1}

    released.seal_again(folder, change)
    released.seal_again(folder)


@pytest.mark.parametrize(
    ("name", "content", "counts", "said"),
    [
        ("left_out.jsonl", LISTED | {"row_id": SOME[0].id}, {"leaks": 1}, "is left out, and is in"),
        ("tombstones.json", {"base": "1.0.0", "rows": [{"row_id": SOME[0].id}]}, {"withdrawn": 1}, "is withdrawn, and"),
        ("left_out.jsonl", {"row": "0"}, {"leaks": 1}, "cannot be read: KeyError"),
        ("tombstones.json", [], {"withdrawn": 1}, "cannot be read: TypeError"),
        ("left_out.jsonl", LISTED, {"leaks": 1}, ""),
        ("left_out.jsonl", LISTED, {"leaks": 2}, 'rows left out: {"leaks": 1}'),
        ("left_out.jsonl", LISTED, {"over_cap": 1}, 'rows left out: {"leaks": 1}'),
        ("tombstones.json", {"base": "1.0.0", "rows": [{"row_id": "0" * 64}]}, {"withdrawn": 1}, ""),
        ("tombstones.json", {"base": "1.0.0", "rows": [{"row_id": "0" * 64}]}, {"withdrawn": 2}, "counts.withdrawn: 1"),
        ("tombstones.json", {"base": "0.9.0", "rows": [{"row_id": "0" * 64}]}, {"withdrawn": 1}, "base of tombstones"),
    ],
)
def test_what_is_left_out_or_withdrawn_is_counted_and_in_no_file(folder, name, content, counts, said):
    _list(folder, name, content, **counts)
    if said:
        assert said in difference(folder)
    else:
        verify(folder)


@pytest.mark.parametrize("name", ["rows.parquet", TRAIN])
def test_what_is_no_parquet_file_is_said(folder, name):
    (folder / name).write_bytes(b"PAR1 and nothing more PAR1")
    released.seal_again(folder)
    assert difference(folder).startswith("A file cannot be read")


# -- releases of the first schema -----------------------------------------------------------------------------------


@pytest.fixture
def first(tmp_path):
    """A release as the first version of the product wrote it."""
    return released.write_first(tmp_path / "v1")


def test_a_release_of_the_first_schema_holds_too(first):
    verify(first)


@pytest.mark.parametrize("name", ["data/train-00000-of-00001.parquet", "jsonl/train.jsonl", "jsonl/test.jsonl"])
def test_a_changed_file_of_the_first_schema_is_named(first, name):
    (first / name).write_bytes((first / name).read_bytes()[:-1])
    assert name in difference(first)


def test_a_changed_text_of_the_first_schema_is_named(first):
    def change(rows):
        rows[2]["messages"][-1]["content"] += " And more."

    edit_rows(first, TRAIN, change)
    assert difference(first).startswith(f"{TRAIN}, row 3: its id is")


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_what_holds_without_a_database(folder, capsys):
    call_command("verify_release", str(folder))
    assert "is what its manifest says" in capsys.readouterr().out


def test_the_command_ends_with_the_first_difference(folder):
    (folder / "README.md").write_text("Better words")
    with pytest.raises(CommandError, match=r"DIFFERENT: README.md has 12 bytes"):
        call_command("verify_release", str(folder))


def test_the_command_holds_the_manifest_to_the_number_of_the_page(folder):
    with pytest.raises(CommandError, match="asked for was"):
        call_command("verify_release", str(folder), manifest_sha256="0" * 64)
