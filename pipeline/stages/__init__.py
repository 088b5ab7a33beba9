"""The stages in flow order. A stage is three verbs: select what waits, work on a batch, save and send on."""

from . import bulk, collect, decontaminate, deduplicate, importing, judge, package, regenerate, reparse
from . import filter as filtering

PLANS = {
    "collect": [collect],
    "filter": [filtering],
    "judge": [judge],
    "regenerate": [regenerate],
    "pipeline": [collect, filtering, judge],
}

# Runs that enlist no prompts: one job does the whole of it, and begins again or goes on after a kill.
WHOLE = {
    "import": importing.work,
    "reparse": reparse.work,
    "deduplicate": deduplicate.work,
    "decontaminate": decontaminate.work,
    "package": package.work,
    "bulk": bulk.work,
}

__all__ = ["PLANS", "WHOLE", "collect", "filtering", "judge", "package", "regenerate"]
