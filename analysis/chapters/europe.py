"""Europe: what was planned and what opened, how launches ramp up, what the new sites add, and who meets them there."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analysis.chapters.common import progress
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Band, Quantity, total
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model import launches
from analysis.model.estimates import estimates
from analysis.model.scenarios import is_offered

REGION, UNION, WORLD = "Europe", "EU", "Global"
BAN = "us_ban"  # the scenario whose cost the new sites are held against
LEVERS = ("europe_ramp", "new_sites_market")  # both at one end make the range of what planned sites add
YEAR_ON = 12  # months since launch at which a launch is judged
# Kinds of events that bear on all who sell there; the platform's own launches have a table of their own.
RULES = ("rule", "law", "proceeding", "announcement", "fee")


def opening(report: Report) -> dict:
    """What became of the plan, what the new sites add, and what that changes."""
    europe, world, added = progress(report, REGION), progress(report, WORLD), adds(report)
    shares = {
        "part": (europe.reached.median / world.reached.median).percent(),
        "year_part": (added["by_end"].median / world.year.median).percent(),
    }
    return _launch(report) | added | ban(report) | shares | {"europe": europe, "users": rivals(report)["users"]}


def sites(report: Report) -> dict:
    """A row for each market that was planned or has opened, the oldest first."""
    planned, opened, rows = {m: plan for plan in launches.plans(report) for m in plan.markets}, _opened(report), []
    for market in report.ledger.vocabulary.regions[REGION]:
        if market in planned or market in opened:
            plan, day = planned.get(market), opened.get(market)
            overdue = day is None and report.as_of > plan.month.end
            year = estimates(report).gmv(market, report.year) if day else Band.unknown("an opening")
            rows.append((report.call(market), plan and plan.month, day, _late(plan, day), overdue, year))
    rows.sort(key=lambda row: (row[2] or row[1]).start)
    columns = ["name", "planned", "opened", "late", "overdue", "year"]
    return {"state": _launch(report)["state"], "rows": pd.DataFrame(rows, columns=columns)}


def _opened(report: Report) -> dict[str, Span]:
    """Market -> when it opened."""
    days = {market: launches.opening(report, market) for market in report.ledger.vocabulary.regions[REGION]}
    return {market: day for market, day in days.items() if day}


def _late(plan: launches.Plan | None, opened: Span | None) -> Quantity:
    """Months from a plan to an opening of which the month is known."""
    if not plan or not opened or opened.days > 31:
        return Quantity.unknown("a plan and an opening")
    years, months = opened.start.year - plan.month.start.year, opened.start.month - plan.month.start.month
    late = Quantity.counted(12 * years + months, "month", "from the plan to the opening")
    return replace(late, origins=plan.figure.origins)


def _launch(report: Report) -> dict:
    """The earliest plan for a month of the report's year or after it, and every opening of the year."""
    plan = launches.next_plan(report)
    markets, days = plan.markets if plan else (), _opened(report)
    opened = [market for market in markets if market in days]
    missed = plan and report.as_of > plan.month.end
    recent = sorted({day for day in days.values() if day.start >= report.year.start})
    return {
        "state": "none" if plan is None else "open" if opened else "lapsed" if missed else "ahead",
        "names": report.call(", ".join(opened or markets)) if markets else None,
        "one": len(opened or markets) == 1,
        "month": plan and plan.month,
        "late": _late(plan, min((days[market] for market in opened), default=None)),
        "openings": [(report.call(", ".join(m for m in days if days[m] == day)), day) for day in recent],
        "present": [report.call(market) for market, day in days.items() if day.start < report.year.start],
    }


def ramp(report: Report) -> dict:
    """What every launch on record sold a year on, as a share of the online sales of its market."""
    curve, planned = launches.ramp(report, estimates(report).market), ", ".join(_pending(report))
    curve = curve if curve and len(curve.middle) > YEAR_ON else None
    low, middle, high = curve.spread(YEAR_ON) if curve else [Quantity.unknown("a launch on record")] * 3
    rows = [
        (report.call(launch.market), curve.of(number, YEAR_ON), len(launch.shares) <= YEAR_ON)
        for number, launch in enumerate(curve.launches if curve else ())
    ]
    rows.sort(key=lambda row: -row[1].value)
    table = pd.DataFrame(rows, columns=["name", "share", "continued"])
    planned = report.call(planned) if planned else None
    return {"launches": table, "planned": planned, "low": low, "middle": middle, "high": high}


def _pending(report: Report) -> list[str]:
    """Markets that are planned and have not opened."""
    return [market for plan in launches.pending(report) for market in plan.markets]


def adds(report: Report) -> dict:
    """What the new sites add by the year's end and in the twelve months after the quarter, against the gap."""
    world, new = progress(report, WORLD), ", ".join(_new(report))
    gap = world.gap if world.gap > 0 else Quantity.unknown("a gap to the target")
    by_end, ahead = _added(report, report.year), _added(report, report.horizon)
    by_end = by_end if by_end.high > 0 else Band.unknown("an opening within the year")
    return {
        "gap": gap,
        "by_end": by_end,
        "ahead": ahead,
        "of_gap": (by_end.median / gap).percent(),
        "ahead_of_gap": (ahead.median / gap).percent(),
        "new": report.call(new) if new else None,
        "pending": bool(_pending(report)) and _launch(report)["state"] != "open",
    }


def _new(report: Report) -> list[str]:
    """Sites that are planned, or have opened since the beginning of the year before."""
    since, opened, pending = report.year.year_earlier().start, _opened(report), _pending(report)
    recent = [market for market, day in opened.items() if day.start >= since]
    return [market for market in report.ledger.vocabulary.regions[REGION] if market in pending or market in recent]


def _added(report: Report, span: Span) -> Band:
    """GMV of the new sites over a span: as estimated where they are open, else as the ramp has it.

    The ramp's ends take both of its levers at their low and both at their high end.
    """
    model, pending = estimates(report), _pending(report)
    curve = launches.ramp(report, model.market)
    ends = [None, *(dict.fromkeys(LEVERS, end) for end in ("low", "high"))]
    ahead = launches.pending(report)
    found = [Band(*(launches.plan_gmv(report, curve, plan, span, settings) for settings in ends)) for plan in ahead]
    if opened := [market for market in _new(report) if market not in pending]:
        found.append(model.gmv(", ".join(opened), span))
    found = [band for band in found if band]
    return Band(*map(total, zip(*found, strict=True))) if found else Band.unknown("new sites")


def rivals(report: Report) -> dict:
    """Who is in the EU already, what comes in from abroad, and the rules that all of them meet."""
    ledger, facts = report.ledger, report.ledger.facts
    users = facts[(facts["market"] == UNION) & (facts["metric"] == "average_monthly_active_users")]
    users = users[users["platform"] != report.platform].sort_values("end", ascending=False, kind="stable")
    latest = users.drop_duplicates("platform").iterrows()
    users = [(row["platform"], report.quantity(row), row["span"]) for _, row in latest]
    parcels = report.rows(UNION, "duty_free_parcels_below_150_eur", "All platforms").sort_values("start")
    parcels = [(row["span"], report.quantity(row)) for _, row in parcels.iterrows()]
    (first, before), *_, (last, after) = parcels if len(parcels) > 1 else [(None, Quantity.unknown("parcels"))] * 2
    places = {*ledger.vocabulary.regions[REGION], UNION, REGION}
    events = ledger.events.loc[[not places.isdisjoint(names.split(", ")) for names in ledger.events["market"]]]
    own = (events["platform"] == report.platform) & ~events["kind"].isin(RULES)
    return {
        "users": sorted(users, key=lambda row: -row[1].value),
        "table": pd.DataFrame(users, columns=["platform", "users", "span"]),
        "events": events[~own],
        "first": first,
        "before": before,
        "last": last,
        "after": after,
        "change": (after / before).growth(),
    }


def ban(report: Report) -> dict:
    """What a ban in the US takes of the twelve months after the quarter, with and without the new sites."""
    span, base, lost = report.horizon, report.under(BASE), Quantity.unknown("a law that would ban the platform")
    whole, new = estimates(base).gmv(WORLD, span).median, _added(base, span).median
    if is_offered(report, report.ledger.assumptions.scenarios[BAN]):
        lost = whole - estimates(report.under(BAN)).gmv(WORLD, span).median
    return {
        "lost": lost if lost.value > 0 else Quantity.unknown("a ban within a year"),
        "lost_part": (lost / whole).percent(),
        "lost_without": (lost / (whole - new)).percent(),
        "made_up": (new / lost).percent(),
    }
