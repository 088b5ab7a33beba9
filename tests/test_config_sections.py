"""A section whose keys are all commented out is as good as none; what is no section is refused in plain words."""

import pytest

from pipeline.config import load_config
from pipeline.config_errors import ConfigError

SECTIONS = ("defaults", "collection", "storage", "judging", "generation", "data", "tracking")


@pytest.mark.parametrize("section", SECTIONS)
def test_an_empty_section_is_none(tmp_path, section):
    path = tmp_path / "c.yaml"
    path.write_text(f"{section}:\n  # all: commented out\nproject: mine\n")

    config = load_config(path)

    assert config.project == "mine"
    assert getattr(config, section) == getattr(load_config_of(tmp_path, "project: mine\n"), section)


def load_config_of(folder, text):
    path = folder / "other.yaml"
    path.write_text(text)
    return load_config(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "storage: data/x.parquet\n",
            "storage: 'data/x.parquet' is not right: keys with values below it are expected.",
        ),
        ("defaults: []\n", "defaults: [] is not right: keys with values below it are expected."),
        ("storge:\n", "storge is not a known key; known here: chunking, collection,"),
    ],
)
def test_what_is_no_section_is_refused(tmp_path, text, said):
    with pytest.raises(ConfigError) as wrong:
        load_config_of(tmp_path, text)

    assert said in str(wrong.value)
