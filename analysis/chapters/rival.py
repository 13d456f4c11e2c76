"""The rival: both platforms over the same months, whether their lines cross, and the disputed share of the US."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.chapters.common import latest
from analysis.chapters.crossing import Pair, crossing, pair, ratio_band
from analysis.facts.quantity import LEVEL, Band, Quantity, level, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates

WORLD, MARKET = "Global", "US"  # on whose share of the rival's sales sources disagree
LIKELY = 0.65  # the probability from which a text says so
SEMI_MANAGED = "semi-managed"  # how events name the model in which merchants hold stock of their own


def opening(report: Report) -> dict:
    """The report's quarter side by side, the last published figures beside it, and where the lines go."""
    now, before = (pair(report, span) for span in (report.quarter, report.quarter.year_earlier()))
    last = next((row for row in _periods(report)[::-1].itertuples() if row.own and row.rival), None)
    shares = _shares(report)
    return {
        "now": now,
        "order": _order(now),
        "before": before if before.ratio.median > 0 else None,
        "since": now.since(before),
        "published": last,
        "unlike": bool(last) and last.own.bases.isdisjoint(last.rival.bases),
        "crossing": crossing(report),
        "market": report.call(MARKET),
        "shares": shares[shares["this_year"].astype(bool)],
    }


def side_by_side(report: Report) -> dict:
    """Both platforms by quarter, a year ahead; `periods` has what is published beside what is estimated."""
    own, rival, quarter = estimates(report), estimates(report, report.rival), report.quarter
    now, whole, targets = pair(report, quarter), pair(report, report.year), _targets(report)
    target = targets[-1] if targets else Quantity.unknown(f"a target of {report.rival}")
    return {
        "order": _order(now),
        "growth": rival.growth(WORLD, quarter, quarter.previous_quarter).median,
        "own_growth": own.growth(WORLD, quarter, quarter.previous_quarter).median,
        "whole": whole,
        "catch_up": catch_up(now.ratio.median),
        "crossing": crossing(report),
        "targets": targets,
        "target": target,
        "attained": (whole.rival.median / target).percent(),
        "chance": Quantity.unknown("a year to come") if report.year_is_over else rival.chance(WORLD, target),
        "lines": _lines(report),
        "periods": _periods(report),
    }


def us_share(report: Report) -> dict:
    """What each source says of the share of the US, and what it makes of the rival's estimated sales there."""
    shares, (stated, span) = _shares(report), _stated(report)
    both = pair(report, span, MARKET)
    before_span, before = latest(report, stated[stated["end"] < span.year.start])
    alone = report.rows(MARKET, "gmv", report.rival, report.quarter.to_date)  # where no share of it is known
    alone_span, alone = latest(report, alone if stated.empty else alone[:0])
    return {
        "market": report.call(MARKET),
        "span": span,
        "shares": shares,
        "disputed": len(shares) > 1,
        "most": next(shares.itertuples(), None),
        "least": next(shares[::-1].itertuples(), None),
        "modelled": _modelled(report, span),
        "monthly": _a_month(both.rival.median, span),
        "both": both,
        "before": before,
        "before_span": before_span,
        "alone": alone,
        "alone_span": alone_span,
        "alone_own": alone_span and estimates(report).gmv(MARKET, alone_span),
    }


def merchants(report: Report) -> dict:
    """Since when merchants may keep stock of their own, and how much of the rival's sales they bring."""
    events = report.ledger.events_of(report.rival, "announcement")
    events = events[(events["market"] == MARKET) & events["event"].str.contains(SEMI_MANAGED, regex=False)]
    span, part = latest(report, report.rows(MARKET, "semi_managed_share_of_gmv", report.rival))
    _, quarter = _stated(report)
    both = pair(report, quarter, MARKET)
    return {
        "market": report.call(MARKET),
        "started": next(iter(events["span"]), None),
        "part": part,
        "span": span,
        "quarter_of_sales": quarter,
        "sold": part * _a_month(both.rival.median, quarter),
        "own": _a_month(both.own.median, quarter),
    }


def _order(both: Pair) -> str:
    """Whether the rival sold `more` or `less`: `probably` if the band leaves it open, `open` if the draws do."""
    if not both.ratio:
        return ""
    if both.ratio.low > 1 or both.ratio.high < 1:
        return "more" if both.ratio.low > 1 else "less"
    more = np.mean(both.ratios > 1)
    return "probably more" if more > LIKELY else "probably less" if more < 1 - LIKELY else "open"


def _periods(report: Report) -> pd.DataFrame:
    """The year before and each quarter of this one, with the halves and the year that somebody published."""
    year, rows = report.year.end.year, []
    spans = [report.year.year_earlier()]
    spans += [Span.months_of(year, first, length) for length in (3, 6, 12) for first in range(1, 13, length)]
    for span in sorted(spans, key=lambda span: (span.end, span.days)):
        own, rival = (published(report, span, name) for name in (report.platform, report.rival))
        if span.end <= report.quarter.end and (span.months != 6 or own or rival):
            rows.append((span, own, rival, pair(report, span)))
    return pd.DataFrame(rows, columns=["span", "own", "rival", "estimate"])


def _lines(report: Report) -> pd.DataFrame:
    """Both platforms by quarter, from the first in which both sold anything to a year after the report's."""
    months = Span(report.year.year_earlier().start, report.horizon.end).each_month[::3]
    found = [pair(report, Span.months_of(month.start.year, month.start.month, 3)) for month in months]
    rows = [
        (both.span.end, name, *getattr(both, side), both.span.end > report.quarter.end)
        for name, side in ((report.platform, "own"), (report.rival, "rival"))
        for both in found
        if both.ratio.median > 0
    ]
    return pd.DataFrame(rows, columns=["x", "series", "value", "low", "high", "projected"])


def _targets(report: Report) -> list[Quantity]:
    """The rival's targets for the year, in the order in which they became known, each once."""
    rows, found = report.rows(WORLD, "gmv_target", report.rival, report.year), []
    for _, row in rows.sort_values("known_on", kind="stable").iterrows():
        if not (found and level(found[-1], report.quantity(row))):
            found.append(report.quantity(row))
    return found


def _stated(report: Report) -> tuple[pd.DataFrame, Span]:
    """What is published of the market's share, and the quarter that the last of it is about, or the report's own."""
    rows = report.rows(MARKET, "share_of_platform_gmv", report.rival).sort_values("end", kind="stable")
    last = max(rows["end"], default=report.quarter.end)
    return rows, min(Span.parse(str(pd.Period(last, "Q"))), report.quarter)


def _shares(report: Report) -> pd.DataFrame:
    """What sources say of the last year that they speak of, largest first, and what each makes of the estimates."""
    (rows, span), found = _stated(report), []
    whole, own = pair(report, span).rival.median, pair(report, span, MARKET).own.median
    for _, row in rows[[at.year == rows["span"].iloc[-1].year for at in rows["span"]]].iterrows():
        at, stated = row["span"], report.quantity(row)
        found.append((at, stated, _a_month(stated * whole, span), stated * whole / own, at.year == report.year))
    found.sort(key=lambda row: -row[1].value)
    return pd.DataFrame(found, columns=["span", "share", "implied", "multiple", "this_year"])


def _a_month(gmv: Quantity, span: Span) -> Quantity:
    return gmv / Quantity.counted(span.months, "month")


def _modelled(report: Report, span: Span) -> Band:
    """Share of the market in the rival's estimated GMV, per cent."""
    rival = estimates(report, report.rival)
    ratio = (rival.gmv(MARKET, span).median / rival.gmv(WORLD, span).median).percent()
    ratios = rival.draws(MARKET, span) / rival.draws(WORLD, span) if ratio else np.empty(0)
    what = f"GMV of {rival.platform} in {report.call(MARKET)} ÷ in the world, {span.short}"
    return ratio_band(ratio, ratios, what)


def catch_up(ratio: Quantity) -> Quantity:
    """What the smaller must gain on the larger each month to be level after twelve, per cent: ratio^(1/12) − 1."""
    if not ratio > 0 or abs(ratio.value - 1) <= LEVEL:
        return Quantity.unknown("two platforms apart")
    multiple = max(ratio.value, 1 / ratio.value)
    formula = f"({multiple:.3g})^(1 ÷ 12 months) − 1, of: {ratio.formula}"
    return replace(ratio, value=rounded(multiple ** (1 / 12) - 1), unit="%", formula=formula)


def published(report: Report, span: Span, platform: str) -> Quantity:
    """GMV of the world that is no bound; what a half-year leaves for a quarter is no figure if the two contradict."""
    gmv = report.gmv(WORLD, span, platform)
    return gmv if gmv > 0 and not gmv.is_bound else Quantity.unknown(f"GMV of {platform} in {span.short}")
