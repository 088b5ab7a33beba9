"""How far people agree with each other and judges with people: reports for pages, and the statistics behind them."""

from .alpha import ALL_EQUAL, TOO_FEW, Alpha, alpha_of, alpha_of_kinds
from .dashboard import DAYS, Dashboard, dashboard_of
from .decisions import ENOUGH, MOST
from .known import gold_items
from .reviewers import ACTIONS, AgreementReport, PairAgreement, ReviewerCounts, agreement_report
from .statistics import (
    LEVELS,
    cohen_kappa,
    kendall,
    krippendorff_alpha,
    mean_absolute_error,
    mean_interval,
    percent_agreement,
    spearman,
    upper_bound,
    wilson,
)

__all__ = [
    "ACTIONS",
    "ALL_EQUAL",
    "DAYS",
    "ENOUGH",
    "LEVELS",
    "MOST",
    "TOO_FEW",
    "AgreementReport",
    "Alpha",
    "Dashboard",
    "PairAgreement",
    "ReviewerCounts",
    "agreement_report",
    "alpha_of",
    "alpha_of_kinds",
    "cohen_kappa",
    "dashboard_of",
    "gold_items",
    "kendall",
    "krippendorff_alpha",
    "mean_absolute_error",
    "mean_interval",
    "percent_agreement",
    "spearman",
    "upper_bound",
    "wilson",
]
