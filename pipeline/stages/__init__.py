"""The stages in flow order. A stage is three verbs: select what waits, work on a batch, save and send on."""

from . import collect, judge, package, regenerate
from . import filter as filtering

PLANS = {
    "collect": [collect],
    "filter": [filtering],
    "judge": [judge],
    "regenerate": [regenerate],
    "pipeline": [collect, filtering, judge],
}

__all__ = ["PLANS", "collect", "filtering", "judge", "package", "regenerate"]
