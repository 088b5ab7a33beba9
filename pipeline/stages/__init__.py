"""The stages in flow order. A stage is three verbs: select what waits, work on a batch, save and send on."""

from pipeline.releasing import purging, withdrawing

from . import (
    annotating,
    bulk,
    collect,
    decontaminate,
    deduplicate,
    importing,
    judge,
    package,
    ranking,
    regenerate,
    reparse,
)
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
    "export": annotating.export,
    "annotations": annotating.bring_in,
    "rank": ranking.work,
    "withdraw": withdrawing.work,
    "purge": purging.work,
}

__all__ = ["PLANS", "WHOLE", "collect", "filtering", "judge", "package", "regenerate"]
