"""What a scenario does to GMV after the report's quarter, and what all scenarios together come to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.launches import planned_sites

US, REGION = "US", "SEA"  # where the levers us_ban and price_war, and rival_entry, work


def next_law_day(report: Report) -> Span | None:
    """The next date of a law that would ban the platform, where one is ahead."""
    law = report.ledger.events_of(report.platform, "law")
    ahead = law[law["start"] > report.as_of]
    return ahead.iloc[0]["span"] if len(ahead) else None


def ban_day(report: Report) -> date:
    """The day from which the law bans the platform, where one is ahead; otherwise as assumed by `us_ban_lead`."""
    if deadline := next_law_day(report):
        return deadline.start
    after = report.quarter.end + timedelta(days=1)
    months = round(report.assumption("us_ban_lead").value)
    return (pd.Period(after, "M") + months).start_time.date()


def effect(report: Report, platform: str) -> Callable[[str, pd.PeriodIndex], np.ndarray]:
    """What the report's scenario multiplies a platform's monthly GMV by.

    New sites that the ramp tells, open or not, are no part of the model: only the levers of the ramp, of its delay and
    of the size of their market move them (`launches.plan_gmv`); fading livestreams, say, leave them alone.

    Returns
    -------
    callable
        From a market and months to factors, shape (months,): ones up to the end of the quarter.
    """
    last = pd.Period(report.quarter.end, "M")
    ban = ban_day(report)
    sites = planned_sites(report)

    def lever(name: str) -> float:
        return report.assumption(name).value

    def factor(market: str, months: pd.PeriodIndex) -> np.ndarray:
        since = np.maximum(months.asi8 - last.ordinal, 0)
        if platform != report.platform:
            return (1 + lever("rival_growth")) ** since
        level = 1 - (since > 0) * lever("live_share") * lever("live_fade")
        if market in report.ledger.vocabulary.members(US):
            banned = np.array([_days_from(ban, month) / month.days_in_month for month in months])
            level = level * (1 - lever("price_war")) ** since * (1 - lever("us_ban_loss") * banned * (since > 0))
        if market in report.ledger.vocabulary.members(REGION):
            level = level * (1 - lever("rival_entry") * (since > 0))
        if market in sites:  # open, with a figure of their own: how they go on
            level = level * lever("europe_ramp") ** (since > 0)
        return level

    return factor


def _days_from(day: date, month: pd.Period) -> int:
    """Days of a month from a day on."""
    span = Span.months_of(month.year, month.month, 1)
    return span.days if day <= span.start else max((span.end - day).days + 1, 0)
