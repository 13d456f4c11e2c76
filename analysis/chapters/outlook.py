"""Ban risk and outlook: what other futures would cost, the law and its dates, and how earlier forecasts did."""

from __future__ import annotations

import pandas as pd

from analysis.chapters.common import progress
from analysis.chapters.futures import chance, expected, futures
from analysis.facts.assumptions import SETTINGS
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.observations import WORLD
from analysis.model.track_record import earlier_quarters, scores, track_record

US = "US"


def opening(report: Report) -> dict:
    """The target over all scenarios, the year ahead, and what a ban in the US would cost."""
    world, us, found = progress(report, WORLD), progress(report, US), futures(report)
    medians = [band.median for band in found["ahead"]]
    ban = next((row for row in found.itertuples() if "us_ban_loss" in row.scenario.settings), None)
    return {
        "world": world,
        "base": next(found.itertuples(), None),
        "chance": chance(found) if world.rest and not world.claimed else None,
        "weighted": expected(found),
        "least": min(medians, default=None),
        "greatest": max(medians, default=None),
        "count": Quantity.counted(len(found), "scenario"),
        "ban": ban,
        "ban_cost": ban and medians[0] - ban.ahead.median,
        "ban_share": ban and (1 - ban.ahead.median / medians[0]).percent(),
        "spares_year": bool(ban and world.rest and ban.starts.start > report.year.end),
        "us_target_share": (us.target / world.target).percent(),
        "us_share": (us.reached.median / world.reached.median).percent(),
    }


def scenarios(report: Report) -> dict:
    """The scenarios side by side; `futures` has a row for each, the base first, unless there is no other."""
    found, levers = futures(report), report.ledger.assumptions.levers
    found = found if len(found) > 1 else found[:0]
    assumptions = [
        (lever.means, *(report.assumption(name, end) for end in SETTINGS), lever.reason)
        for name, lever in levers.items()
    ]
    return {
        "futures": found,
        "costliest": min(found.itertuples(), key=lambda future: future.on_ahead.value, default=None),
        "assumptions": pd.DataFrame(assumptions, columns=["means", "low", "base", "high", "reason"]),
    }


def law(report: Report) -> dict:
    """The dates of the law that would ban the platform in the US; `steps` are those of the report's year and after."""
    events = report.ledger.events_of(report.platform, "law")
    events = events.loc[[US in markets.split(", ") for markets in events["market"]]]
    days = [(day - report.as_of).days for day in events["start"]]
    over = Quantity.unknown("a day to come")
    until = [Quantity.counted(n, "day", f"from {report.as_of_label.label}") if n > 0 else over for n in days]
    steps = events[["span", "told"]].assign(days=until)
    ahead = next((step for step in steps.itertuples() if step.days), None)
    return {
        "steps": steps[events["start"] >= report.year.start],
        "last": steps["span"].iloc[-1] if len(steps) else None,
        "deadline": ahead and ahead.span,
        "days": ahead and ahead.days,
    }


def record(report: Report) -> dict:
    """How the forecasts of the four quarters before did, for the platform and the rival, beside the baselines."""
    table = _record(report)
    own = table[table["platform"] == report.platform]
    return {
        "record": table,
        "forecasts": Quantity.counted(float(own["forecasts"].sum()), "forecast") if len(own) else None,
        "inside": Quantity.counted(float(own["inside"].sum()), "", "figures inside the band"),
    }


def _record(report: Report) -> pd.DataFrame:
    """A row for each platform and part, the world or single markets: forecasts, figures in the band, mean scores."""
    quarters = earlier_quarters(report.quarter)
    found = [track_record(report.ledger, platform, quarters) for platform in (report.platform, report.rival)]
    forecasts = pd.concat([table for table in found if len(table)] or found[:1])
    forecasts = forecasts.assign(part=forecasts["market"].where(forecasts["market"] == WORLD, "markets"))
    return scores(forecasts, ["platform", "part"])
