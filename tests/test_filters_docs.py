"""docs/filters.md lists every rule with its key, label and defaults; the shipped file writes every key out."""

from pathlib import Path

import pytest
import yaml

from pipeline.filters import RULES
from pipeline.filters.registry import known_settings

ROOT = Path(__file__).resolve().parent.parent
ROWS = {
    cells[1].strip(" `"): [cell.strip(" `") for cell in cells]
    for line in (ROOT / "docs" / "filters.md").read_text().splitlines()
    if line.startswith("| `") and len(cells := line.split("|")) == 10
}


def shown(value):
    if value is None or value is False or value == ():
        return "off"
    if value is True:
        return "on"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def test_every_rule_has_its_row_and_no_other_has():
    assert list(ROWS) == list(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_row_says_what_holds(rule):
    setting, row = rule.settings[0], ROWS[rule.id]
    assert row[2:4] == [setting.key, rule.label]
    defaults = [
        setting.default,
        *(setting.by_task.get(task, setting.default) for task in ("hypothesis", "methodology")),
    ]
    assert row[6:9] == [shown(value) for value in defaults]


def test_the_shipped_file_writes_every_key_out():
    shipped = yaml.safe_load((ROOT / "configs" / "filters.yaml").read_text())
    assert set(shipped) - {"task_types"} == set(known_settings())
