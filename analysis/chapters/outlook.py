"""Ban risk and outlook: what other futures would cost, the law and its dates, and how earlier forecasts did."""

from __future__ import annotations

from datetime import date

import pandas as pd

from analysis.facts.assumptions import SETTINGS
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.model.outcomes import Outcome, expected, outcomes
from analysis.model.progress import progress
from analysis.model.track_record import earlier_quarters, score, track_record

US = "US"


# Sections ---------------------------------------------------------------------------------------------


def opening(report: Report) -> dict:
    """The target over all scenarios, the year ahead, and what a ban in the US would cost."""
    world, us, futures = progress(report, "Global"), progress(report, US), outcomes(report)
    base, medians = futures[0] if futures else None, [outcome.ahead.median for outcome in futures]
    ban = next((outcome for outcome in futures if "us_ban_loss" in outcome.scenario.settings), None)
    return {
        "world": world,
        "ahead": report.horizon,
        "base": base,
        "chance": expected([(o.weight, o.chance) for o in futures]) if world.rest else None,
        "weighted": expected([(o.weight, o.ahead.median) for o in futures]),
        "least": min(medians, default=None),
        "greatest": max(medians, default=None),
        "count": Quantity.counted(len(futures), "scenario"),
        "ban": ban,
        "ban_cost": ban and base.ahead.median - ban.ahead.median,
        "ban_share": ban and (1 - ban.ahead.median / base.ahead.median).percent(),
        "spares_year": bool(ban and world.rest and ban.starts.start > report.year.end),
        "us_target_share": (us.target / world.target).percent(),
        "us_share": (us.reached.median / world.reached.median).percent(),
    }


def scenarios(report: Report) -> dict:
    """The scenarios side by side; `futures` has a row for each, the base first."""
    found, levers = outcomes(report), report.ledger.assumptions.levers
    futures = pd.DataFrame([_future(found[0], outcome) for outcome in found[: len(found) if len(found) > 1 else 0]])
    by_chance = sorted((o for o in found if o.chance and not report.year_is_over), key=lambda o: o.chance.value)
    assumptions = [
        (lever.means, *(report.assumption(name, end) for end in SETTINGS), lever.reason)
        for name, lever in levers.items()
    ]
    return {
        "futures": futures,
        "ahead": report.horizon,
        "over": report.year_is_over,
        "costliest": min(futures.itertuples(), key=lambda future: future.on_ahead.value, default=None),
        "least_likely": by_chance[0] if len(by_chance) > 1 else None,
        "likeliest": by_chance[-1] if len(by_chance) > 1 else None,
        "assumptions": pd.DataFrame(assumptions, columns=["means", "low", "base", "high", "reason"]),
    }


def law(report: Report) -> dict:
    """The dates of the law that would ban the platform in the US, past and to come; `steps` has a row for each."""
    events = report.ledger.events_of(report.platform, "law")
    events = events[events["market"].str.split(", ").map(lambda markets: US in markets).astype(bool)]
    until = [_days_until(report, day) for day in events["start"]]
    steps = events[["span", "event"]].assign(days=until)
    ahead = [step for step in steps.itertuples() if step.days]
    return {
        "steps": steps,
        "last": steps["span"].iloc[-1] if len(steps) else None,
        "deadline": ahead[0].span if ahead else None,
        "days": ahead[0].days if ahead else None,
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


# Rows ------------------------------------------------------------------------------------------------


def _future(base: Outcome, outcome: Outcome) -> dict:
    """A scenario with what it changes against the base, money."""
    return {
        "name": outcome.scenario.name,
        "means": outcome.scenario.means,
        "weight": outcome.weight,
        "starts": outcome.starts,
        "ahead": outcome.ahead,
        "on_year": outcome.year.median - base.year.median,
        "on_ahead": outcome.ahead.median - base.ahead.median,
    }


def _days_until(report: Report, day: date) -> Quantity:
    """Days from the report's date to a day; unknown for one that is over."""
    days = (day - report.as_of).days
    return (
        Quantity.counted(days, "day", f"from {report.as_of_label.label}")
        if days > 0
        else Quantity.unknown("a day to come")
    )


# Track record -----------------------------------------------------------------------------------------


def _record(report: Report) -> pd.DataFrame:
    """A row for each platform and group of markets: forecasts, figures inside the band, mean scores, less is better."""
    rows = []
    for platform in (report.platform, report.rival):
        forecasts = track_record(report.ledger, platform, earlier_quarters(report.quarter))
        world = forecasts["market"] == "Global"
        for group, part in (("world", forecasts[world]), ("markets", forecasts[~world])):
            if len(part):
                scored = score(part)
                scores = (Quantity.counted(s, "", "mean") for s in (scored.model, scored.run_rate, scored.seasonal))
                rows.append((platform, group, len(part), scored.inside, *scores))
    return pd.DataFrame(rows, columns=["platform", "group", "forecasts", "inside", "score", "run_rate", "seasonal"])
