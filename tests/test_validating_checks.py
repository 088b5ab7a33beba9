"""What a data set is held to: the limits of the earlier script, as a table of counts and outcomes."""

import pytest

from pipeline.validating import Counts, Limits, Share, passes, validate

CELLS = {
    (domain, task): 120 for domain in ("biology", "materials", "physics") for task in ("hypothesis", "methodology")
}
GOOD = {
    "prompts": 800,
    "answered": 720,
    "cells": CELLS,
    "falsifiable": Share(300, 360),
    "method": Share(200, 360),
    "form": Share(700, 720),
}


def outcome(id, limits=None, **changes):
    checks = {check.id: check for check in validate(Counts(**(GOOD | changes)), limits)}
    return checks[id].outcome, checks[id].found, checks[id].says


def test_good_data_pass_in_everything():
    checks = validate(Counts(**GOOD))
    assert [check.outcome for check in checks] == ["pass"] * 10
    assert passes(checks)


@pytest.mark.parametrize(
    ("id", "changes", "expected", "found", "words"),
    [
        ("answers", {}, "pass", "720 of 800", "90.0 % of the prompts have an answer."),
        ("answers", {"answered": 0}, "fail", "0 of 800", "No prompt has an answer yet: collect first."),
        ("answers", {"answered": None}, "warn", "800 prompts", "the prompts alone were looked at"),
        ("answers", {"unreadable": 3}, "fail", "720 of 800", "3 rows could not be read."),
        ("answers", {"answered": None, "unreadable": 3}, "fail", "800 prompts", "3 rows could not be read."),
        ("answers", {"prompts": 0, "answered": 0, "cells": {}}, "fail", "0 of 0", "There is no prompt"),
        ("domains", {}, "pass", "3", "biology, materials, physics."),
        ("domains", {"cells": {("a", "h"): 1, ("b", "h"): 1}}, "fail", "2", "Only a, b; at least 3 are wanted."),
        ("domains", {"cells": {("a", "h"): 1, ("b", "h"): 1, ("", "h"): 9, ("c", "h"): 0}}, "fail", "2", "Only a, b;"),
        ("domains", {"cells": {}}, "fail", "0", "Only none with a name; at least 3 are wanted."),
        ("domains", {"cells": {(f"d{n}", "h"): 1 for n in range(7)}}, "pass", "7", "d0, d1, d2, d3, d4, …."),
        ("templates", {"cells": {("a", "h"): 1}}, "fail", "1", "Only h; at least 2 are wanted."),
        ("cells", {}, "pass", "6 of 6", "Every one has 100 or more."),
        ("cells", {"cells": CELLS | {("physics", "hypothesis"): 99}}, "warn", "5 of 6", "physics × hypothesis 99."),
        ("cells", {"cells": {("a", "h"): 100, ("b", "m"): 100}}, "warn", "2 of 4", "100: a × m 0, b × h 0."),
        ("cells", {"cells": {(f"d{n}", "h"): n for n in range(1, 9)}}, "warn", "0 of 8", "d5 × h 5 and 3 more."),
        ("cells", {"cells": {}}, "warn", "0 of 0", ""),
        ("empty", {"empty": 1}, "fail", "1", "fewer than ten characters"),
        ("duplicates", {"duplicates": 2}, "fail", "2", "The same prompt stands in the data again."),
        ("repeated", {"repeated": 5}, "warn", "5", "The same text answers another prompt too."),
        ("falsifiable", {"falsifiable": Share(60, 100)}, "pass", "60.0 % of 100", ""),
        (
            "falsifiable",
            {"falsifiable": Share(59, 100)},
            "fail",
            "59.0 % of 100",
            "59 of 100: 60 % or more are wanted.",
        ),
        ("falsifiable", {"falsifiable": Share(599, 1000)}, "fail", "59.9 % of 1,000", "60 % or more"),
        ("falsifiable", {"falsifiable": Share(0, 0)}, "warn", "none to look at", "There is no hypothesis to look at."),
        ("method", {"method": Share(50, 100)}, "pass", "50.0 % of 100", ""),
        ("method", {"method": Share(49, 100)}, "fail", "49.0 % of 100", "50 % or more are wanted."),
        ("form", {"form": Share(90, 100)}, "pass", "90.0 % of 100", ""),
        ("form", {"form": Share(89, 100)}, "fail", "89.0 % of 100", "90 % or more are wanted."),
    ],
)
def test_what_is_held_to_what(id, changes, expected, found, words):
    result = outcome(id, **changes)
    assert result[:2] == (expected, found)
    assert words in result[2]


@pytest.mark.parametrize(
    ("limits", "id"),
    [
        ({"min_domains": 4}, "domains"),
        ({"min_templates": 3}, "templates"),
        ({"min_falsifiable": 83.4}, "falsifiable"),
        ({"min_method": 56}, "method"),
        ({"min_format": 97.5}, "form"),
    ],
)
def test_limits_can_be_moved(limits, id):
    assert outcome(id)[0] == "pass"
    assert outcome(id, Limits(**limits))[0] == "fail"
    assert not passes(validate(Counts(**GOOD), Limits(**limits)))


def test_warnings_do_not_fail():
    checks = validate(Counts(**(GOOD | {"repeated": 3})), Limits(min_per_cell=1000))
    assert {check.id for check in checks if check.outcome == "warn"} == {"repeated", "cells"}
    assert passes(checks)
