"""Southeast Asia: its markets in size and growth, the leader in Vietnam, Indonesia's closure, and who else has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pandas as pd

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity, level
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, estimates
from analysis.model.progress import progress
from analysis.model.scenarios import is_offered

REGION, WORLD = "SEA", "Global"
INDONESIA, THAILAND, VIETNAM = "Indonesia", "Thailand", "Vietnam"
BUYER, BOUGHT = "TikTok", "Tokopedia"  # the company, under whose name the ledger has what it paid, and for what
LARGE = Quantity.counted(1e9, "USD")  # markets that sold less so far are not held against the others' growth
DONG = "VND"  # in which growth within a year is told, so that no exchange rate enters
BOUNDS = ("more than", "less than", "up to")  # hedges of figures that are no values
A_DAY = timedelta(days=1)


def opening(report: Report) -> dict:
    """The region's part of the platform and of its target, then the two markets with a story of their own."""
    region, world = progress(report, REGION), progress(report, WORLD)
    others, found = world.year.median - region.year.median, indonesia(report)
    closed = found["closed"]
    return {
        "region": region,
        "world": world,
        "over": report.year_is_over,
        "to_date": report.quarter.to_date,
        "growth": estimates(report).growth(REGION, report.quarter.to_date),
        "part": (region.reached.median / world.reached.median).percent(),
        "carried": (region.year.median / world.target).percent(),
        "others": others,
        "left": world.target - others,
        "vietnam": vietnam(report),
        "closed": closed if closed and closed["span"].end.year >= report.year.end.year - 1 else None,
        "shut_since": found["shut_since"],
    }


# Markets ----------------------------------------------------------------------------------------------


def markets(report: Report) -> dict:
    """A row for each market of the region, the largest first, then one for the region itself."""
    ahead = report.horizon if report.year_is_over else report.year
    members = [_market(report, name, ahead) for name in report.ledger.vocabulary.regions[REGION]]
    members.sort(key=lambda row: -row["so_far"].median.value if row["so_far"] else 0.0)
    rows = [*members, _market(report, REGION, ahead)]
    return {
        "markets": pd.DataFrame(rows),
        "targets": [row for row in members if row["target"]],
        "apart": [row for row in rows if row["stated_span"] == report.quarter.to_date and _apart(row)],
        "fastest": _fastest(report, members),
        "large": report.convert(LARGE, report.quarter.to_date),
        "to_date": report.quarter.to_date,
        "ahead": ahead,
        "over": report.year_is_over,
    }


def _market(report: Report, market: str, ahead: Span) -> dict:
    model, found = estimates(report), progress(report, market)
    reading = found.published or report.latest_month(market)
    span, rates = _growth(report, market)
    # Without a figure of its own a market's size is a guess, with a band that says so; its growth would be one of two.
    two_years = Span(report.year.year_earlier().start, report.year.end)
    known = market == REGION or model.has_own_figure(market, two_years)
    return {
        "name": report.call(market),
        "gmv": reading.gmv if reading else Quantity.unknown("GMV"),
        "span": reading and reading.span,
        "counters": _counters(report, reading.gmv) if reading else [],
        "so_far": found.reached,
        "ahead": model.gmv(market, ahead),
        "growth": model.growth(market, report.quarter.to_date) if known else Band.unknown("a figure of the market"),
        "stated": rates[0] if rates else Quantity.unknown("growth over a year earlier"),
        "stated_span": span,
        "rates": rates,
        "target": found.target,
        "attained": found.attained,
    }


def _growth(report: Report, market: str, platform: str | None = None) -> tuple[Span | None, list[Quantity]]:
    """Span of the latest growth of the year over a year earlier, and all rates of it, the leading one first."""
    stated = [
        (row["span"], report.quantity(row) if metric == "gmv_growth_yoy" else report.quantity(row).growth())
        for metric in ("gmv_growth_yoy", "gmv_multiple_of_prior_year")
        for _, row in report.rows(market, metric, platform, within=report.quarter.to_date).iterrows()
    ]
    latest = max((span for span, _ in stated), key=lambda span: (span.end, span.days), default=None)
    return latest, [rate for span, rate in stated if span == latest]


def _apart(row: dict) -> bool:
    """Whether a market's published growth lies outside the band of its estimate."""
    stated, band = row["stated"], row["growth"]
    return bool(stated and band) and (stated > band.high or stated < band.low)


def _fastest(report: Report, members: list[dict]) -> dict | None:
    """The large market that grew fastest by whatever is published of any; None unless each has a growth to date."""
    large = [row for row in members if row["so_far"] and row["so_far"].median > report.convert(LARGE, report.quarter)]
    if len(large) < 2 or any(not row["rates"] or row["stated_span"] != report.quarter.to_date for row in large):
        return None
    first, *others = sorted(large, key=lambda row: -min(rate.value for rate in row["rates"]))
    most = max(rate.value for row in others for rate in row["rates"])
    return first if min(rate.value for rate in first["rates"]) > most else None


# Vietnam ----------------------------------------------------------------------------------------------


def vietnam(report: Report) -> dict:
    """The platform beside the largest of the others: growth, and size over the same months by one counter."""
    platforms = [report.platform, *_others(report)]
    grown, _ = _growth(report, VIETNAM)
    counted = _counted(report, platforms, grown)
    span = grown if grown in counted else next(reversed(counted), grown)
    local = replace(report, currency=DONG)
    quarters = (_sizes(local, platforms, quarter) for quarter in (report.quarter, report.quarter.previous_quarter))
    sizes = _sizes(report, platforms, span)
    own, leader = (
        _contender(report, platform, span, size) for platform, size in zip((*platforms, None)[:2], sizes, strict=True)
    )
    rates = [(name, report.fact(VIETNAM, "gmv_growth_yoy", grown, name)) for name in platforms if grown]
    bars = []
    if own["before"] and leader["before"]:
        bars = [(span.year_earlier(), each["platform"], each["before"]) for each in (own, leader)]
    bars += [(span, each["platform"], each["gmv"]) for each in (own, leader)]
    return {
        "own": own,
        "leader": leader,
        "span": span,
        "counters": _counters(report, own["gmv"]),
        "multiple": leader["gmv"] / own["gmv"],
        "gap_before": leader["before"] - own["before"],
        "gap": leader["gmv"] - own["gmv"],
        "grown": grown,
        "rates": [(name, rate) for name, rate in rates if rate],
        "sizes": pd.DataFrame([bar for bar in bars if bar[2]], columns=["span", "platform", "gmv"]),
        "steps": [(now / before).growth() for now, before in zip(*quarters, strict=True)],
    }


def _contender(report: Report, platform: str | None, span: Span | None, size: Quantity) -> dict:
    growth = Quantity.unknown("growth in Vietnam")
    if platform and span:
        growth = report.fact(VIETNAM, "gmv_growth_yoy", span, platform)
    before = size / (1 + growth)
    return {"platform": platform, "growth": growth, "gmv": size, "before": before, "added": size - before}


def _others(report: Report) -> list[str]:
    """Other platforms of which a share of the region's market is published, the largest of the last period first."""
    facts = report.ledger.facts
    rows = facts[(facts["market"] == REGION) & (facts["metric"] == "share_of_market_gmv")]
    rows = rows[rows["platform"] != report.platform]
    latest = rows.sort_values("end", ascending=False, kind="stable").drop_duplicates("platform")
    return list(latest.sort_values(["end", "number"], ascending=False, kind="stable")["platform"])


def _counted(report: Report, platforms: list[str], grown: Span | None) -> list[Span]:
    """Spans of the year, up to the quarter, for which one counter has the first two platforms, the latest last."""
    spans = {report.quarter.to_date, *filter(None, [grown])}
    for platform in platforms[1:2]:
        for metric in ("gmv", "share_of_market_gmv"):
            spans.update(report.rows(VIETNAM, metric, platform, report.quarter.to_date)["span"])
    return [s for s in sorted(spans, key=lambda s: (s.end, s.days)) if _sizes(report, platforms, s)[0]]


def _sizes(report: Report, platforms: list[str], span: Span | None) -> tuple[Quantity, Quantity]:
    """GMV of the first two platforms over a span as one counter has it, in amounts or as shares; else unknown."""
    if span and len(platforms) > 1:
        for size in (_amount, _by_share):
            own, other = (size(report, platform, span) for platform in platforms[:2])
            if own and other and [] != _counters(report, own) == _counters(report, other):
                return own, other
    return (Quantity.unknown("GMV in Vietnam of both platforms by one counter"),) * 2


def _amount(report: Report, platform: str, span: Span) -> Quantity:
    """Published GMV in Vietnam; unknown where a bound is all there is."""
    gmv, facts = report.gmv(VIETNAM, span, platform), report.ledger.facts
    bounded = any(facts.at[origin.id, "qualifier"] in BOUNDS for origin in gmv.origins if origin.id in facts.index)
    return Quantity.unknown("GMV that is not a bound") if bounded else gmv


def _by_share(report: Report, platform: str, span: Span) -> Quantity:
    """A published share of the market, of the market's GMV by the same counter."""
    facts = report.ledger.facts
    market = facts[(facts["span"] == span) & (facts["market"] == VIETNAM) & (facts["metric"] == "gmv")]
    market = market[market["platform"].str.endswith(" platforms")]
    for _, share in report.ledger.cell(platform, VIETNAM, "share_of_market_gmv", span).iterrows():
        whole = market[market["counter"] == share["counter"]]
        if len(whole):
            return report.quantity(share) * report.quantity(whole.iloc[0])
    return Quantity.unknown(f"share of {platform} in Vietnam, {span.short}")


def _counters(report: Report, figure: Quantity) -> list[str]:
    """Who counted the facts behind a figure, as far as it is stated."""
    facts = report.ledger.facts
    return sorted(
        {facts.at[origin.id, "counter"] for origin in figure.origins if origin.id in facts.index} - {"unstated"}
    )


# Indonesia --------------------------------------------------------------------------------------------


def indonesia(report: Report) -> dict:
    """What the closure cost, how sales came back, and the merger that was the way back."""
    ledger, model = report.ledger, estimates(report)
    closure, merger = (ledger.event(report.platform, INDONESIA, kind) for kind in ("closure", "merger"))
    closed = _closure(report)
    price, (bought, bought_span) = Quantity.unknown("a merger"), (Quantity.unknown("a merger"), None)
    if merger is not None:
        price, _ = _latest(report, INDONESIA, "acquisition_price", BUYER)
        bought, bought_span = _latest(report, INDONESIA, "gmv", BOUGHT)
    first = closed["span"].year.start if closed else report.year.start
    events = ledger.events[ledger.events["platform"].isin([report.platform, BUYER])]
    since = max(report.year.start, closed["reopened"].end + A_DAY) if closed else report.quarter.end
    events = events[(events["market"] == INDONESIA) & (events["start"] >= since)]
    path = [(m.start, model.gmv(INDONESIA, m)) for m in Span(first, report.quarter.end).each_month]
    return {
        "closed": closed,
        "shut_since": closure["span"] if closure is not None and closed is None else None,
        "price": price,
        "joined": BOUGHT,
        "bought": bought,
        "bought_span": bought_span,
        "path": pd.DataFrame(path, columns=["day", "gmv"]),
        "events": [(event.event, event.span) for event in events.itertuples()],
    }


def _closure(report: Report) -> dict | None:
    """The closure, once the market was open again: its cost at the pace of the last whole quarter before it."""
    ledger, model = report.ledger, estimates(report)
    closure, reopening = (ledger.event(report.platform, INDONESIA, kind) for kind in ("closure", "reopening"))
    if closure is None or reopening is None:
        return None
    span = Span(closure["start"], reopening["start"] - A_DAY)
    before, after = (
        Span.parse(str(pd.Period(day, "Q") + step)) for day, step in ((span.start, -1), (reopening["start"], 1))
    )
    pace = model.gmv(INDONESIA, before)
    days = Quantity.counted(span.days, "day", "closure to reopening")
    part = days / Quantity.counted(before.days, "day", f"of {before.label}")
    stated, stated_span = _latest(report, INDONESIA, "gmv_lost_to_closure", during=span)
    grown, rates = _growth(report, INDONESIA)
    lacking = span.overlap(grown.year_earlier()) if grown else 0
    return {
        "span": span,
        "days": days,
        "reopened": Span(reopening["start"], reopening["start"]),
        "before": before,
        "pace": pace,
        "lost": Band(*(end * part for end in pace)),
        "stated": stated,
        "stated_by": stated.origins[0].publisher if stated else "",
        "stated_span": stated_span,
        "after": after if after.end <= report.quarter.end else None,
        "again": model.growth(INDONESIA, after, before),
        "later": report.quarter if report.quarter.start > after.end else None,
        "now": model.growth(INDONESIA, report.quarter, before),
        "flattered": rates[0] if lacking else None,
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
    members, to_date = report.ledger.vocabulary.regions[REGION], report.quarter.to_date
    found = []
    for market in members:
        rows = report.rows(market, "single_livestream_gmv").sort_values("start", kind="stable")
        found += [_stream(report, market, row) for _, row in rows.iterrows() if row["span"].overlap(to_date)]
    held = [stream for stream in found if stream["share"]]
    return {"streams": pd.DataFrame(found), "largest": max(held, key=lambda stream: stream["gmv"].value, default=None)}


def _stream(report: Report, market: str, row: pd.Series) -> dict:
    """One figure of a stream; without a day or month, or as a bound, it is not held against its market."""
    span, gmv = row["span"], report.quantity(row)
    quarter = Span.parse(str(pd.Period(row["end"], "Q")))
    month = estimates(report).gmv(market, quarter).median / Quantity.counted(3, "month")
    dated = span.days <= 31 and gmv.hedge not in BOUNDS
    return {
        "place": report.call(market),
        "span": span,
        "printed": report.ledger.printed(row),
        "gmv": gmv,
        "share": (gmv / month.amount).percent() if dated else Quantity.unknown("a figure of a dated stream"),
        "hours": report.fact(market, "livestream_duration", span),
        "publisher": gmv.origins[0].publisher,
    }


def thailand(report: Report) -> dict:
    """The latest month with a figure, checked in its own currency, so that no exchange rate enters."""
    month = report.latest_month(THAILAND)
    span = month.span if month else report.quarter
    cells = [report.ledger.cell(report.platform, THAILAND, name, span) for name in ("gmv", "gmv_daily_average")]
    gmv, daily = (report.ledger.printed(c.iloc[0]) if len(c) else Quantity.unknown("a figure") for c in cells)
    by_days = daily * Quantity.counted(span.days, "day", f"of {span.label}")
    alike = by_days.unit == gmv.unit
    growth, before = report.fact(THAILAND, "gmv_growth_mom", span), span.start - A_DAY
    return {
        "month": span,
        "before": Span.months_of(before.year, before.month, 1),
        "gmv": gmv,
        "daily": daily,
        "by_days": by_days if alike else Quantity.unknown("a daily figure in the same currency"),
        "agree": alike and level(by_days, gmv),
        "growth": growth,
        "gmv_before": gmv / (1 + growth),
    }


def entry(report: Report) -> dict:
    """Where the rival is open, and what it would cost there at the cautious end of our assumption."""
    members = report.ledger.vocabulary.regions[REGION]
    launches = report.ledger.events_of(report.rival, "launch")
    opened = {
        m: e.span for e in launches.itertuples() for m in report.ledger.vocabulary.members(e.market) if m in members
    }
    ahead = report.quarter.rest_of_year or report.horizon
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
