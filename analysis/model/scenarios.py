"""What a scenario does to GMV after the report's quarter, which scenarios can still happen, and how likely each is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from analysis.facts.assumptions import Lever, Scenario
from analysis.facts.parameters import BASE
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.launches import next_plan, planned_sites

US, REGION = "US", "SEA"  # where the levers us_ban_loss and price_war, and rival_entry, work


def is_offered(report: Report, what: Lever | Scenario) -> bool:
    """Whether a lever or scenario can still happen: what it needs is public, and what ends it is not."""
    platform = report.rival if what.of == "rival" else report.platform
    members = report.ledger.vocabulary.members

    def happened(kind: str) -> bool:
        markets = report.ledger.events_of(platform, kind)["market"]
        return any(not what.market or set(members(what.market)) & set(members(market)) for market in markets)

    return (not what.needs or happened(what.needs)) and not (what.until and happened(what.until))


def offered(report: Report) -> dict[str, float]:
    """Scenario -> its probability on the report's date, in the order of the file; the base has what others leave.

    It is the last judgement of the scenario's history by then, or else what the file says.
    """
    found = {}
    for name, scenario in report.ledger.assumptions.scenarios.items():
        if is_offered(report, scenario):
            judged = [judgement.probability for judgement in scenario.history if judgement.day <= report.as_of]
            found[name] = judged[-1] if judged else scenario.probability
    return found | {BASE: 1 - sum(found.values()) + found[BASE]}


def next_law_day(report: Report) -> Span | None:
    """The next date of a law that would ban the platform in the market of the lever, where one is ahead."""
    law = report.ledger.events_of(report.platform, "law")
    members = report.ledger.vocabulary.members
    return next((row.span for row in law.itertuples() if row.start > report.as_of and US in members(row.market)), None)


def ban_day(report: Report) -> date:
    """The day from which the law bans the platform, where one is ahead; otherwise as assumed by `us_ban_lead`."""
    if deadline := next_law_day(report):
        return deadline.start
    months = round(report.assumption("us_ban_lead").value)
    return (pd.Period(report.horizon.start, "M") + months).start_time.date()


def starts(report: Report, scenario: Scenario) -> Span | None:
    """Day or month from which a scenario differs from the base; None for the base itself."""
    if not scenario.settings:
        return None
    if "us_ban_loss" in scenario.settings:
        return Span(ban_day(report), ban_day(report))
    first, plan = report.horizon.start, next_plan(report)
    if "europe_ramp" in scenario.settings and plan:
        first = max(first, plan.month.start)
    return Span.months_of(first.year, first.month, 1)


def effect(report: Report, platform: str) -> Callable[[str, pd.PeriodIndex], np.ndarray]:
    """What the scenario multiplies a platform's monthly GMV by: from a market and months to factors, ones up to the end
    of the quarter. Planned sites that have not opened are no part of the model: `plan_gmv` moves them."""
    last, ban = pd.Period(report.quarter.end, "M"), ban_day(report)
    sites, members = planned_sites(report), report.ledger.vocabulary.members

    def lever(name: str) -> float:
        return report.assumption(name).value

    def factor(market: str, months: pd.PeriodIndex) -> np.ndarray:
        since = np.maximum(months.asi8 - last.ordinal, 0)
        if platform != report.platform:
            return (1 + lever("rival_growth")) ** since
        level = 1 - (since > 0) * lever("live_share") * lever("live_fade")
        if market in members(US):
            allowed = [(ban - month.start_time.date()).days / month.days_in_month for month in months]
            banned = 1 - np.clip(allowed, 0, 1)  # part of each month
            level = level * (1 - lever("price_war")) ** since * (1 - lever("us_ban_loss") * banned * (since > 0))
        if market in members(REGION):
            level = level * (1 - lever("rival_entry") * (since > 0))
        if market in sites:  # open: how they go on
            level = level * lever("europe_ramp") ** (since > 0)
        return level

    return factor
