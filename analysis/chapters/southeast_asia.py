"""Southeast Asia: its markets in size and growth, the leader in Vietnam, Indonesia's closure, and who else has come."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import BOUNDS, Quantity, level
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.progress import progress
from analysis.model.scenarios import is_offered

REGION, WORLD = "SEA", "Global"
INDONESIA, THAILAND, VIETNAM = "Indonesia", "Thailand", "Vietnam"
BUYER, BOUGHT = "TikTok", "Tokopedia"  # the company, under whose name the ledger has what it paid, and for what
A_DAY = timedelta(days=1)


def opening(report: Report) -> dict:
    """The region's part of the platform and of its target, then the two markets with a story of their own."""
    region, world = progress(report, REGION), progress(report, WORLD)
    others, found = world.year.median - region.year.median, indonesia(report)
    closed = found["closed"]
    return {
        "region": region,
        "world": world,
        "growth": estimates(report).growth(REGION, report.quarter.to_date),
        "part": (region.reached.median / world.reached.median).percent(),
        "carried": (region.year.median / world.target).percent(),
        "others": others,
        "left": world.target - others,
        "vietnam": vietnam(report),
        "closed": closed if closed and closed["span"].end.year >= report.year.end.year - 1 else None,
        "shut_since": found["shut_since"],
    }


def markets(report: Report) -> dict:
    """A row for each market of the region, the largest first, then one for the region itself."""
    ahead = report.horizon if report.year_is_over else report.year
    members = [_market(report, name, ahead) for name in report.ledger.vocabulary.regions[REGION]]
    members.sort(key=lambda row: -row["so_far"].median.value if row["so_far"] else 0.0)
    return {
        "markets": pd.DataFrame([*members, _market(report, REGION, ahead)]),
        "ahead": ahead,
    }


def _market(report: Report, market: str, ahead: Span) -> dict:
    model, found = estimates(report), progress(report, market)
    reading = found.published or report.latest_month(market)
    span, stated = _growth(report, market)
    # Without a figure of its own a market's size is a guess, with a band that says so; its growth would be one of two.
    two_years = Span(report.year.year_earlier().start, report.year.end)
    known = market == REGION or model.has_own_figure(market, two_years)
    return {
        "name": report.call(market),
        "gmv": reading.gmv if reading else Quantity.unknown("GMV"),
        "span": reading and reading.span,
        "so_far": found.reached,
        "ahead": model.gmv(market, ahead),
        "growth": model.growth(market, report.quarter.to_date) if known else Band.unknown("a figure of the market"),
        "stated": stated,
        "stated_span": span,
        "target": found.target,
        "attained": found.attained,
    }


def _growth(report: Report, market: str, platform: str | None = None) -> tuple[Span | None, Quantity]:
    """Span and leading figure of the latest growth of the year over a year earlier."""
    stated = [
        (row["span"], report.quantity(row) if metric == "gmv_growth_yoy" else report.quantity(row).growth())
        for metric in ("gmv_growth_yoy", "gmv_multiple_of_prior_year")
        for _, row in report.rows(market, metric, platform, within=report.quarter.to_date).iterrows()
    ]
    unknown = None, Quantity.unknown("growth over a year earlier")
    return max(stated, key=lambda found: (found[0].end, found[0].days), default=unknown)  # the first of equals leads


# Vietnam ----------------------------------------------------------------------------------------------


def vietnam(report: Report) -> dict:
    """The platform beside the largest of the others: growth, and size over the same months by one counter."""
    platforms, (grown, _) = [report.platform, *_others(report)], _growth(report, VIETNAM)
    pair = platforms[:2] if len(platforms) > 1 else [report.platform, report.platform]
    published = report.rows(VIETNAM, "gmv", pair[1]), report.rows(VIETNAM, "share_of_market_gmv", pair[1])
    spans = {report.quarter.to_date, grown or report.quarter, *(s for rows in published for s in rows["span"])}
    counted = sorted(
        (s for s in spans if s in report.quarter.to_date and _sizes(report, pair, s)[0]), key=lambda s: (s.end, s.days)
    )
    span = grown if grown in counted or not counted else counted[-1]
    sizes = _sizes(report, pair, span)
    own, leader = (_contender(report, *each, span) for each in zip(pair, sizes, strict=True))
    bars = [(span.year_earlier(), each["platform"], each["before"]) for each in (own, leader)] if span else []
    bars += [(span, each["platform"], each["gmv"]) for each in (own, leader)]
    rates = [(name, report.fact(VIETNAM, "gmv_growth_yoy", grown, name)) for name in platforms if grown]
    return {
        "own": own,
        "leader": leader,
        "span": span,
        "multiple": leader["gmv"] / own["gmv"],
        "gap_before": leader["before"] - own["before"],
        "gap": leader["gmv"] - own["gmv"],
        "grown": grown,
        "rates": [(name, rate) for name, rate in rates if rate],
        "sizes": pd.DataFrame(bars if all(bar[2] for bar in bars) else bars[2:], columns=["span", "platform", "gmv"]),
    }


def _contender(report: Report, platform: str, size: Quantity, span: Span | None) -> dict:
    growth = report.fact(VIETNAM, "gmv_growth_yoy", span, platform) if span else Quantity.unknown("growth in Vietnam")
    before = size / (1 + growth)
    return {"platform": platform, "growth": growth, "gmv": size, "before": before, "added": size - before}


def _others(report: Report) -> list[str]:
    """Other platforms of which a share of the region's market is published, the largest of the last period first."""
    facts = report.ledger.facts
    rows = facts[(facts["market"] == REGION) & (facts["metric"] == "share_of_market_gmv")]
    latest = rows[rows["platform"] != report.platform].sort_values(["end", "number"], ascending=False, kind="stable")
    return list(latest.drop_duplicates("platform")["platform"])


def _sizes(report: Report, platforms: list[str], span: Span | None) -> tuple[Quantity, Quantity]:
    """GMV of two platforms over a span as one counter has it, in amounts or as shares of a market; else unknown."""
    for size in (report.gmv, lambda *asked: _by_share(report, *asked)) if span else ():
        own, other = (size(VIETNAM, span, platform) for platform in platforms)
        counters = [{o.counter for o in figure.origins} - {"", "unstated"} for figure in (own, other)]
        bounded = any(o.printed.startswith(tuple(BOUNDS)) for figure in (own, other) for o in figure.origins)
        if own and other and counters[0] and counters[0] == counters[1] and not bounded:
            return own, other
    return (Quantity.unknown("GMV in Vietnam of both platforms by one counter"),) * 2


def _by_share(report: Report, market: str, span: Span, platform: str) -> Quantity:
    """A published share of the market, of the market's GMV by the same counter."""
    facts = report.ledger.facts
    whole = facts[(facts["span"] == span) & (facts["market"] == market) & (facts["metric"] == "gmv")]
    whole = whole[whole["platform"].str.endswith(" platforms")]
    for _, share in report.ledger.cell(platform, market, "share_of_market_gmv", span).iterrows():
        for _, row in whole[whole["counter"] == share["counter"]].iterrows():
            return report.quantity(share) * report.quantity(row)
    return Quantity.unknown(f"share of {platform} in {market}, {span.short}")


# Indonesia --------------------------------------------------------------------------------------------


def indonesia(report: Report) -> dict:
    """What the closure cost, how sales came back, and the merger that was the way back."""
    ledger, model, closed = report.ledger, estimates(report), _closure(report)
    closure, merger = (ledger.event(report.platform, INDONESIA, kind) for kind in ("closure", "merger"))
    price, (bought, bought_span) = Quantity.unknown("a merger"), (Quantity.unknown("a merger"), None)
    if merger is not None:
        price, _ = _latest(report, INDONESIA, "acquisition_price", BUYER)
        bought, bought_span = _latest(report, INDONESIA, "gmv", BOUGHT)
    first = closed["span"].year.start if closed else report.year.start
    path = [(m.start, model.gmv(INDONESIA, m)) for m in Span(first, report.quarter.end).each_month]
    return {
        "closed": closed,
        "shut_since": closure["span"] if closure is not None and closed is None else None,
        "price": price,
        "joined": BOUGHT,
        "bought": bought,
        "bought_span": bought_span,
        "path": pd.DataFrame(path, columns=["day", "gmv"]),
    }


def _closure(report: Report) -> dict | None:
    """The closure, once the market was open again: its cost at the pace of the last whole quarter before it."""
    model = estimates(report)
    closure, reopening = (report.ledger.event(report.platform, INDONESIA, kind) for kind in ("closure", "reopening"))
    if closure is None or reopening is None:
        return None
    span = Span(closure["start"], reopening["start"] - A_DAY)
    before, after = (
        Span.parse(str(pd.Period(day, "Q") + step)) for day, step in ((span.start, -1), (reopening["start"], 1))
    )
    days = Quantity.counted(span.days, "day", "closure to reopening")
    part = days / Quantity.counted(before.days, "day", f"of {before.label}")
    stated, stated_span = _latest(report, INDONESIA, "gmv_lost_to_closure", during=span)
    grown, rate = _growth(report, INDONESIA)
    lacking = span.overlap(grown.year_earlier()) if grown else 0
    return {
        "span": span,
        "days": days,
        "reopened": Span(reopening["start"], reopening["start"]),
        "before": before,
        "lost": Band(*(end * part for end in model.gmv(INDONESIA, before))),
        "stated": stated,
        "stated_span": stated_span,
        "after": after if after.end <= report.quarter.end else None,
        "again": model.growth(INDONESIA, after, before),
        "later": report.quarter if report.quarter.start > after.end else None,
        "now": model.growth(INDONESIA, report.quarter, before),
        "flattered": rate if lacking else None,
        "grown": grown,
        "lacking": Quantity.counted(lacking, "day", "of the closure"),
    }


def _latest(
    report: Report, market: str, metric: str, platform: str | None = None, during: Span | None = None
) -> tuple[Quantity, Span | None]:
    """The figure of the last period that had begun by the end of the quarter, or of one that touches `during`."""
    rows = report.rows(market, metric, platform)
    rows = rows[[during.overlap(span) > 0 if during else span.start <= report.quarter.end for span in rows["span"]]]
    if rows.empty:
        return Quantity.unknown(f"{metric} in {market}"), None
    row = rows.sort_values("end", ascending=False, kind="stable").iloc[0]
    return report.quantity(row), row["span"]


# Livestreams, Thailand, the rival -----------------------------------------------------------------------


def streams(report: Report) -> dict:
    """The year's record livestreams with every figure published of each, beside a mean month of their market."""
    found = []
    for market in report.ledger.vocabulary.regions[REGION]:
        rows = report.rows(market, "single_livestream_gmv").sort_values("start", kind="stable")
        found += [_stream(report, row) for _, row in rows.iterrows() if row["span"].overlap(report.quarter.to_date)]
    held = [stream for stream in found if stream["share"]]
    return {"streams": pd.DataFrame(found), "largest": max(held, key=lambda stream: stream["gmv"].value, default=None)}


def _stream(report: Report, row: pd.Series) -> dict:
    """One figure of a stream; without a day or month, or as a bound, it is not held against its market."""
    market, span, gmv = row["market"], row["span"], report.quantity(row)
    quarter = Span.parse(str(pd.Period(row["end"], "Q")))
    month = estimates(report).gmv(market, quarter).median / Quantity.counted(3, "month")
    dated = span.days <= 31 and not gmv.is_bound
    return {
        "place": report.call(market),
        "span": span,
        "printed": report.ledger.printed(row),
        "gmv": gmv,
        "share": (gmv / month.amount).percent() if dated else Quantity.unknown("a figure of a dated stream"),
        "hours": report.fact(market, "livestream_duration", span),
    }


def thailand(report: Report) -> dict:
    """The latest month with a figure, checked in its own currency, so that no exchange rate enters."""
    month = report.latest_month(THAILAND)
    span = month.span if month else report.quarter
    cells = [report.ledger.cell(report.platform, THAILAND, name, span) for name in ("gmv", "gmv_daily_average")]
    gmv, daily = (report.ledger.printed(c.iloc[0]) if len(c) else Quantity.unknown("a figure") for c in cells)
    by_days = daily * Quantity.counted(span.days, "day", f"of {span.label}")
    if by_days.unit != gmv.unit:
        by_days = Quantity.unknown("a daily figure in the same currency")
    growth, before = report.fact(THAILAND, "gmv_growth_mom", span), span.start - A_DAY
    return {
        "month": span,
        "before": Span.months_of(before.year, before.month, 1),
        "gmv": gmv,
        "daily": daily,
        "by_days": by_days,
        "agree": level(by_days, gmv),
        "growth": growth,
        "gmv_before": gmv / (1 + growth),
    }


def entry(report: Report) -> dict:
    """Where the rival is open, and what it would cost there at the cautious end of our assumption."""
    members, ahead = report.ledger.vocabulary.members(REGION), report.quarter.rest_of_year or report.horizon
    launches = report.ledger.events_of(report.rival, "launch").itertuples()
    opened = {m: e.span for e in launches for m in report.ledger.vocabulary.members(e.market) if m in members}
    # The scenario's own loss to the rival is in its estimates already.
    assumed = report.assumption("rival_entry")
    model = estimates(report.under(BASE) if assumed > 0 else report)
    expected = model.gmv(", ".join(opened), ahead).median if opened else Quantity.unknown("a launch")
    # Once the rival is where the lever says, its entry is part of past sales.
    ahead_of_us = is_offered(report, report.ledger.assumptions.levers["rival_entry"])
    loss = report.assumption("rival_entry", "high") if ahead_of_us else Quantity.unknown("an entry ahead")
    gmv, span = _latest(report, REGION, "gmv", report.rival)
    return {
        "opened": [(report.call(market), day) for market, day in opened.items()],
        "ahead": ahead,
        "expected": expected,
        "loss": loss,
        "at_risk": expected * loss,
        "assumed": assumed if assumed > 0 else None,
        "gmv": gmv,
        "span": span,
        "own": estimates(report).gmv(REGION, span).median if span else None,
    }
