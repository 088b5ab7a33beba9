"""A release goes to a dataset hub, when somebody asks for it by name. The key comes from the environment alone."""

import os
import re

from curation import withdrawing
from curation.models import Release

from . import verifying

TOKEN = "HF_TOKEN"
ENDPOINT = "HF_ENDPOINT"
HUB = "https://huggingface.co"
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class CannotPush(Exception):
    """The release does not leave this server; the message says why, and what is right."""


def endpoint():
    """Where it would go."""
    return os.environ.get(ENDPOINT, "").rstrip("/") or HUB


def refuse_wrong(repo):
    """Raise CannotPush where a push could not begin: looked at before anything is built."""
    if not REPO.fullmatch(repo):
        raise CannotPush(f"{repo!r} names no dataset: say OWNER/NAME, such as lab/oxide-hypotheses.")
    _refuse_by_the_hubs_rules(repo)
    if not os.environ.get(TOKEN):
        raise CannotPush(f"Set {TOKEN} in the environment to a token that may write; it is never stored or printed.")


def _refuse_by_the_hubs_rules(repo):
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as wrong:
        raise CannotPush(f"{repo!r} names no dataset: say OWNER/NAME. {_first_line(wrong)}") from None


def push(release, repo, *, public=False):
    """Upload the files of a published release as one commit with its version as tag; returns the address.

    A repository that is made for it is private unless `public`; one that is there stays what it is. Its main branch
    holds this release alone; earlier ones stay under their tags. Raises CannotPush.
    """
    refuse_wrong(repo)
    _refuse_unfit(release)
    # Imported here: it takes a second, and nobody else needs it.
    from httpx2 import HTTPError
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    hub = HfApi(endpoint=endpoint(), token=os.environ[TOKEN], library_name="nexa-distill")
    said = {"repo_id": repo, "repo_type": "dataset"}
    try:
        made = hub.create_repo(**said, private=not public, exist_ok=True)
        message = f"Release {release.semver}"
        paths = sorted(path for path in release.directory.rglob("*") if path.is_file())
        files = {path.relative_to(release.directory).as_posix(): path for path in paths}
        old = [name for name in hub.list_repo_files(**said) if name not in files and name != ".gitattributes"]
        wanted = [CommitOperationAdd(name, path) for name, path in files.items()]
        wanted += [CommitOperationDelete(name) for name in old]
        commit = hub.create_commit(**said, operations=wanted, commit_message=message)
        hub.create_tag(**said, tag=f"v{release.semver}", revision=commit.oid, exist_ok=True)
    except (HTTPError, OSError) as error:  # a hub's refusal, a hub that is not there, a file that cannot be read
        raise CannotPush(f"{endpoint()} did not take it: {_first_line(error)}") from error
    return str(made)


def _refuse_unfit(release):
    if release.state != Release.State.PUBLISHED:
        raise CannotPush(f"Release {release.version} is not published: {release.get_state_display().lower()}.")
    notice = withdrawing.notice_of(release)
    if notice:
        raise CannotPush(f"{notice.rows:,} rows of release {release.version} were withdrawn: push its patch instead.")
    try:
        verifying.verify(release.directory)
    except verifying.Different as difference:
        raise CannotPush(f"The files of release {release.version} are not what was published: {difference}") from None


def _first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
