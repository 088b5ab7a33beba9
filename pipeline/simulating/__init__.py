"""What another gate would do to the answers that judges have read, and what people said of them; nothing is written.

`judged_of` draws the readings, `policy_of` what the project does with a verdict, `simulate` recounts under a gate.
"""

from .drawing import judged_of, kept, policy_of, versions
from .judged import Judged, bands
from .trial import ENOUGH, Flips, Policy, Share, Trial, Workload, simulate

__all__ = [
    "ENOUGH",
    "Flips",
    "Judged",
    "Policy",
    "Share",
    "Trial",
    "Workload",
    "bands",
    "judged_of",
    "kept",
    "policy_of",
    "simulate",
    "versions",
]
