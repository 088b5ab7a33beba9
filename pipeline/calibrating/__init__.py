"""Judges held to people: how far their scores agree with decisions, and for which answers they are off."""

from .drawing import MOST, Answer, Read, decided_of
from .figures import ENOUGH, Bias, Confusion, Figures, Reliability, Spread, figures
from .report import Calibration, Judge, calibration_of, confusions_of

__all__ = [
    "ENOUGH",
    "MOST",
    "Answer",
    "Bias",
    "Calibration",
    "Confusion",
    "Figures",
    "Judge",
    "Read",
    "Reliability",
    "Spread",
    "calibration_of",
    "confusions_of",
    "decided_of",
    "figures",
]
