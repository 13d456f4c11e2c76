"""Southeast Asia: its markets in size and growth, the leader in Vietnam, Indonesia's closure, and who else has come."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from analysis.chapters.common import latest, progress
from analysis.facts.parameters import BASE
from analysis.facts.quantity import BOUNDS, Band, Quantity, level
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates
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
    ahead, model = report.horizon if report.year_is_over else report.year, estimates(report)
    to_date, two_years, rows = report.quarter.to_date, Span(report.year.year_earlier().start, report.year.end), []
    for market in (*report.ledger.vocabulary.regions[REGION], REGION):
        found = progress(report, market)
        published = found.published or report.latest_month(market)
        figure = (published.gmv, published.span) if published else (Quantity.unknown("GMV"), None)
        # Without a figure of its own a market's size is a guess, its band says so; its growth would be one of two.
        known = market == REGION or model.has_own_figure(market, two_years)
        growth = model.growth(market, to_date) if known else Band.unknown("a figure of the market")
        estimated = found.reached, model.gmv(market, ahead), growth
        rows.append((report.call(market), *figure, *estimated, *_growth(report, market)))
    *members, region = rows
    members.sort(key=lambda row: -row[3].median.value if row[3] else 0.0)
    columns = ["name", "gmv", "span", "so_far", "ahead", "growth", "stated_span", "stated"]
    return {"markets": pd.DataFrame([*members, region], columns=columns), "ahead": ahead}


def _growth(report: Report, market: str) -> tuple[Span | None, Quantity]:
    """Span and leading figure of the latest growth of the year over a year earlier."""
    stated = [
        (row["span"], report.quantity(row) if metric == "gmv_growth_yoy" else report.quantity(row).growth())
        for metric in ("gmv_growth_yoy", "gmv_multiple_of_prior_year")
        for _, row in report.rows(market, metric, within=report.quarter.to_date).iterrows()
    ]
    unknown = None, Quantity.unknown("growth over a year earlier")
    return max(stated, key=lambda found: (found[0].end, found[0].days), default=unknown)  # the first of equals leads


# Vietnam ----------------------------------------------------------------------------------------------


def vietnam(report: Report) -> dict:
    """The platform beside the largest of the others: growth, and size over the same months by one counter."""
    platforms, (grown, _) = [report.platform, *_others(report)], _growth(report, VIETNAM)
    pair = platforms[:2] if len(platforms) > 1 else [report.platform] * 2
    published = [report.rows(VIETNAM, metric, pair[1])["span"] for metric in ("gmv", "share_of_market_gmv")]
    spans = {report.quarter.to_date, grown or report.quarter, *published[0], *published[1]}
    within = sorted((s for s in spans if s in report.quarter.to_date), key=lambda s: (s.end, s.days))
    counted = {span: sizes for span in within if (sizes := _sizes(report, pair, span))}
    span = grown if grown in counted or not counted else [*counted][-1]
    unknown = Quantity.unknown("GMV in Vietnam of both platforms by one counter")
    own, leader = (
        _contender(report, *of, span) for of in zip(pair, counted.get(span, (unknown, unknown)), strict=True)
    )
    bars = [(span.year_earlier(), each["platform"], each["before"]) for each in (own, leader)] if span else []
    bars = bars if all(before for *_, before in bars) else []
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
        "sizes": pd.DataFrame(bars, columns=["span", "platform", "gmv"]),
    }


def _contender(report: Report, platform: str, size: Quantity, span: Span | None) -> dict:
    growth = report.fact(VIETNAM, "gmv_growth_yoy", span, platform) if span else Quantity.unknown("growth in Vietnam")
    before = size / (1 + growth)
    return {"platform": platform, "growth": growth, "gmv": size, "before": before, "added": size - before}


def _others(report: Report) -> list[str]:
    """Other platforms of which a share of the region's market is published, the largest of the last period first."""
    facts = report.ledger.facts
    rows = facts[(facts["market"] == REGION) & (facts["metric"] == "share_of_market_gmv")]
    rows = rows[rows["platform"] != report.platform].sort_values(["end", "number"], ascending=False, kind="stable")
    return list(rows["platform"].unique())


def _sizes(report: Report, platforms: list[str], span: Span) -> list[Quantity]:
    """GMV of two platforms over a span as one counter has it, in amounts or as shares of a market; empty if unknown."""
    for size in (report.gmv, lambda *asked: _by_share(report, *asked)):
        both = [size(VIETNAM, span, platform) for platform in platforms]
        counters = [{origin.counter for origin in figure.origins} - {"", "unstated"} for figure in both]
        bounded = any(origin.printed.startswith(tuple(BOUNDS)) for figure in both for origin in figure.origins)
        if all(both) and counters[0] and counters[0] == counters[1] and not bounded:
            return both
    return []


def _by_share(report: Report, market: str, span: Span, platform: str) -> Quantity:
    """A published share of the market, of the market's GMV by the same counter."""
    shares = report.ledger.counted.loc[report.ledger.cell(platform, market, "share_of_market_gmv", span).index]
    for _, share in shares.iterrows():
        for _, row in report.ledger.market_gmv(platform, market, span, share["counter"]).iterrows():
            return report.quantity(share) * report.quantity(row)
    return Quantity.unknown(f"share of {platform} in {market}, {span.short}")


# Indonesia --------------------------------------------------------------------------------------------


def indonesia(report: Report) -> dict:
    """What the closure cost, how sales came back, and the merger that was the way back."""
    model, closed = estimates(report), _closure(report)
    closure, merger = (report.ledger.event(report.platform, INDONESIA, kind) for kind in ("closure", "merger"))
    paid, sold = (_begun(report, INDONESIA, *what) for what in (("acquisition_price", BUYER), ("gmv", BOUGHT)))
    (_, price), (bought_span, bought) = (
        (paid, sold) if merger is not None else [(None, Quantity.unknown("a merger"))] * 2
    )
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


def _begun(report: Report, market: str, metric: str, platform: str) -> tuple[Span | None, Quantity]:
    """Span and figure of the last period that had begun by the end of the quarter."""
    rows = report.rows(market, metric, platform)
    return latest(report, rows[rows["start"] <= report.quarter.end])


def _closure(report: Report) -> dict | None:
    """The closure, once the market was open again: its cost at the pace of the last whole quarter before it."""
    model = estimates(report)
    closure, reopening = (report.ledger.event(report.platform, INDONESIA, kind) for kind in ("closure", "reopening"))
    if closure is None or reopening is None:
        return None
    span = Span(closure["start"], reopening["start"] - A_DAY)
    before, after = _quarter(span.start, -1), _quarter(reopening["start"], 1)
    days = Quantity.counted(span.days, "day", "closure to reopening")
    part = days / Quantity.counted(before.days, "day", f"of {before.label}")
    losses = report.rows(INDONESIA, "gmv_lost_to_closure")
    stated_span, stated = latest(report, losses[losses["span"].map(span.overlap).astype(bool)])
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


def _quarter(day: date, later: int = 0) -> Span:
    """The quarter of a day, or one so many quarters later."""
    return Span.parse(str(pd.Period(day, "Q") + later))


# Livestreams, Thailand, the rival -----------------------------------------------------------------------


def streams(report: Report) -> dict:
    """The year's record livestreams with every figure published of each, beside a mean month of their market."""
    rows = [report.rows(market, "single_livestream_gmv") for market in report.ledger.vocabulary.regions[REGION]]
    rows, found = pd.concat([each.sort_values("start", kind="stable") for each in rows]), []
    for _, row in rows[rows["span"].map(report.quarter.to_date.overlap).astype(bool)].iterrows():
        market, span, gmv, share = row["market"], row["span"], report.quantity(row), Quantity.unknown("a dated figure")
        if span.days <= 31 and not gmv.is_bound:
            month = estimates(report).gmv(market, _quarter(row["end"])).median / Quantity.counted(3, "month")
            share = (gmv / month.amount).percent()
        hours = report.fact(market, "livestream_duration", span)
        found.append((report.call(market), span, report.ledger.printed(row), gmv, share, hours))
    found = pd.DataFrame(found, columns=["place", "span", "printed", "gmv", "share", "hours"])
    held = [stream for stream in found.itertuples() if stream.share]
    return {"streams": found, "largest": max(held, key=lambda stream: stream.gmv.value, default=None)}


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
    members, ahead = report.ledger.vocabulary.members, report.quarter.rest_of_year or report.horizon
    launches = report.ledger.events_of(report.rival, "launch").itertuples()
    opened = {market: e.span for e in launches for market in members(e.market) if market in members(REGION)}
    # The scenario's own loss to the rival is in its estimates already.
    assumed = report.assumption("rival_entry")
    model = estimates(report.under(BASE) if assumed > 0 else report)
    expected = model.gmv(", ".join(opened), ahead).median if opened else Quantity.unknown("a launch")
    # Once the rival is where the lever says, its entry is part of past sales.
    to_come = is_offered(report, report.ledger.assumptions.levers["rival_entry"])
    loss = report.assumption("rival_entry", "high") if to_come else Quantity.unknown("an entry ahead")
    span, gmv = _begun(report, REGION, "gmv", report.rival)
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
