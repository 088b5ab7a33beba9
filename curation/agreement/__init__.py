"""How far people agree with each other and judges with people: reports for pages, and the statistics behind them."""

from .reviewers import ACTIONS, ALL_EQUAL, AgreementReport, PairAgreement, ReviewerCounts, agreement_report
from .statistics import (
    LEVELS,
    cohen_kappa,
    kendall,
    krippendorff_alpha,
    mean_absolute_error,
    mean_interval,
    percent_agreement,
    spearman,
    wilson,
)

__all__ = [
    "ACTIONS",
    "ALL_EQUAL",
    "LEVELS",
    "AgreementReport",
    "PairAgreement",
    "ReviewerCounts",
    "agreement_report",
    "cohen_kappa",
    "kendall",
    "krippendorff_alpha",
    "mean_absolute_error",
    "mean_interval",
    "percent_agreement",
    "spearman",
    "wilson",
]
