"""--push-to-hub: what leaves the server and when, against a stand-in that speaks the hub's HTTP on loopback."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import CommandError, call_command

from curation.models import Release, State
from pipeline.releasing import pushing
from tests import factories
from tests.withdrawals import withdraw

pytestmark = pytest.mark.django_db
OID = "1" * 40


class Hub(BaseHTTPRequestHandler):
    """As much of a dataset hub as an upload asks for; notes what it was told."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def _read(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(length)

    def _answer(self, said, status=200):
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _handle(self):
        body, hub, path = self._read(), self.server.hub, self.path.partition("?")[0]
        hub.asked.append((self.command, path, self.headers.get("Authorization")))
        if hub.refuses:
            return self._answer({"error": "Forbidden: this token may not write."}, 403)
        if path.endswith("/repos/create"):
            hub.created.append(json.loads(body))
            return self._answer({"url": f"{hub.url}/datasets/lab/oxides", "id": "1", "name": "lab/oxides"})
        if "/preupload/" in path:
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                for each in json.loads(body)["files"]
            ]
            return self._answer({"files": files})
        if "/commit/" in path:
            hub.commits.append([json.loads(line) for line in body.decode().splitlines()])
            return self._answer(
                {"success": True, "commitOid": OID, "commitUrl": f"{hub.url}/datasets/lab/oxides/commit/{OID}"}
            )
        if "/tag/" in path:
            hub.tags.append((path, json.loads(body)))
            return self._answer({})
        if "/tree/" in path:
            return self._answer([{"type": "file", "path": name, "size": 1, "oid": OID} for name in hub.there])
        return self._answer({"id": "lab/oxides", "sha": OID, "siblings": [{"rfilename": name} for name in hub.there]})

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _handle


class StandIn:
    def __init__(self):
        self.asked, self.created, self.commits, self.tags, self.there, self.refuses = [], [], [], [], [], False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        self.server.hub, self.url = self, f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hub(monkeypatch):
    stand_in = StandIn()
    monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_the_test")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    yield stand_in
    stand_in.server.shutdown()
    stand_in.server.server_close()


@pytest.fixture
def project():
    project = factories.project("Films", split_seed="a seed")
    for number in range(12):
        document = factories.document(project, locator=f"10.1000/{number}")
        prompt = factories.prompt(project, State.ACCEPTED, document=document)
        factories.resolution(prompt.current_response, text=f"{prompt.current_response.text} {number}")
    return project


def export(project, **options):
    call_command("export_sft", project=project.slug, inline=True, **options)


def pushed(commit):
    """{path: bytes} of the files in a commit."""
    files = [line["value"] for line in commit if line["key"] == "file"]
    return {file["path"]: base64.b64decode(file["content"]) for file in files}


def test_without_being_asked_for_nothing_leaves(project, hub):
    export(project)
    assert Release.objects.get().state == "published"
    assert hub.asked == []


def test_the_very_files_arrive_as_one_commit_with_a_tag_and_private(project, hub, capsys):
    hub.there = ["README.md", "old/train.parquet"]
    export(project, push_to_hub="lab/oxides")
    release = Release.objects.get()
    assert hub.created[0]["name"] == "oxides"
    assert hub.created[0].get("private", hub.created[0].get("visibility")) in (True, "private")
    assert hub.created[0]["type"] == "dataset"
    (commit,) = hub.commits
    there = {
        p.relative_to(release.directory).as_posix(): p.read_bytes() for p in release.directory.rglob("*") if p.is_file()
    }
    assert pushed(commit) == there
    assert [line["value"]["path"] for line in commit if line["key"] == "deletedFile"] == ["old/train.parquet"]
    assert hub.tags[0][1]["tag"] == "v1.0.0"
    assert {token for *_, token in hub.asked} == {"Bearer hf_secret_of_the_test"}
    said = capsys.readouterr()
    assert "pushed to" in said.out
    assert hub.url in said.err
    assert "hf_secret" not in said.out + said.err


def test_for_everybody_only_when_that_is_said(project, hub):
    export(project, push_to_hub="lab/oxides", public=True)
    assert hub.created[0].get("private", False) is False


@pytest.mark.parametrize(
    ("repo", "token", "said"),
    [
        ("oxides", "t", "say OWNER/NAME"),
        ("lab/../x", "t", "say OWNER/NAME"),
        ("https://hub/lab/oxides", "t", "say OWNER/NAME"),
        ("lab/oxides.git", "t", "say OWNER/NAME"),
        ("lab/oxides-", "t", "say OWNER/NAME"),
        ("lab/" + "x" * 97, "t", "say OWNER/NAME"),
        ("la--b/oxides", "t", "say OWNER/NAME"),
        ("lab/oxides", "", "Set HF_TOKEN"),
    ],
)
def test_what_cannot_be_pushed_is_refused_before_anything_is_built(project, hub, monkeypatch, repo, token, said):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(CommandError, match=said):
        export(project, push_to_hub=repo)
    assert not Release.objects.exists()
    assert hub.asked == []


def test_a_hub_that_refuses_leaves_the_release_as_it_is(project, hub):
    hub.refuses = True
    with pytest.raises(CommandError, match="did not take it.*The release itself is made") as refused:
        export(project, push_to_hub="lab/oxides")
    assert "hf_secret" not in str(refused.value)
    assert Release.objects.get().state == "published"


def test_a_hub_that_is_not_there_leaves_the_release_as_it_is(project, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens
    with pytest.raises(CommandError, match="did not take it.*The release itself is made") as refused:
        export(project, push_to_hub="lab/oxides")
    assert "hf_secret" not in str(refused.value)
    assert Release.objects.get().state == "published"


def test_withdrawn_rows_drafts_and_changed_files_stay_here(project, hub):
    export(project)
    release = Release.objects.get()
    draft = factories.release(project, version=9, state="draft")
    with pytest.raises(pushing.CannotPush, match="is not published"):
        pushing.push(draft, "lab/oxides")
    readme = release.directory / "README.md"
    readme.write_text(readme.read_text() + "more\n")
    with pytest.raises(pushing.CannotPush, match="are not what was published: README.md"):
        pushing.push(release, "lab/oxides")
    withdraw(project, "source", "10.1000/3")
    with pytest.raises(pushing.CannotPush, match="1 rows of release 1 were withdrawn: push its patch"):
        pushing.push(release, "lab/oxides")
    assert hub.asked == []
    assert pushing.push(Release.objects.get(base=release), "lab/oxides")
