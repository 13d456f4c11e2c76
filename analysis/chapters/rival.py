"""The rival: both platforms over the same months, whether their lines cross, and the disputed share of the US."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.facts.quantity import Quantity, level
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.crossing import Pair, catch_up, crossed, pair, published, share
from analysis.model.estimates import Estimates, estimates

MARKET = "US"  # on whose share of the rival's sales sources disagree
BOUNDS = ("more than", "less than", "up to")  # hedges that make a figure a bound
LIKELY = 0.65  # the probability from which a text says so
SEMI_MANAGED = "semi-managed"  # how events name the model in which merchants hold stock of their own


def opening(report: Report) -> dict:
    """The report's quarter side by side, the last published figures beside it, and where the lines go."""
    now, before = (_both(report, span) for span in (report.quarter, report.quarter.year_earlier()))
    return {
        "now": now,
        "order": _order(now),
        "leaning": _leaning(now),
        "before": before if before.ratio.median > 0 else None,
        "since": now.since(before),
        "published": _last_published(report),
        "crossing": _crossing(report),
        "market": report.call(MARKET),
        "shares": _shares(report).query("this_year"),
    }


def side_by_side(report: Report) -> dict:
    """Both platforms by quarter, a year ahead; `periods` has what is published beside what is estimated."""
    own, rival = _models(report)
    now, whole, quarter = _both(report, report.quarter), _both(report, report.year), report.quarter
    periods, targets = _periods(report), _targets(report)
    sides = _sides(report, periods)
    target = targets[-1]["target"] if targets else Quantity.unknown(f"a target of {report.rival}")
    return {
        "order": _order(now),
        "growth": rival.growth("Global", quarter, quarter.previous_quarter).median,
        "own_growth": own.growth("Global", quarter, quarter.previous_quarter).median,
        "whole": whole,
        "catch_up": catch_up(now.ratio.median),
        "crossing": _crossing(report),
        "sides": Quantity.counted(len(sides), "published figure", "with an estimate beside them"),
        "outside": sides[sides["outside"]],
        "targets": targets,
        "target": target,
        "attained": (whole.rival.median / target).percent(),
        "chance": Quantity.unknown("a year to come") if report.year_is_over else rival.chance("Global", target),
        "lines": _lines(report),
        "periods": periods,
    }


def us_share(report: Report) -> dict:
    """What each source says of the share of the US, and what it makes of the rival's estimated sales there."""
    shares, before, span = _shares(report), _share_before(report), _share_quarter(report)
    own, rival = _models(report)
    both, modelled = pair(own, rival, MARKET, span), share(rival, MARKET, span)
    alone = _alone(report)
    return {
        "market": report.call(MARKET),
        "span": span,
        "shares": shares,
        "disputed": len(shares) > 1,
        "most": next(shares.itertuples(), None),
        "least": next(shares[::-1].itertuples(), None),
        "before": before,
        "both": both,
        "modelled": modelled,
        "monthly": _a_month(both.rival.median, span),
        "alone": alone,
        "alone_own": own.gmv(MARKET, alone["span"]) if alone else None,
    }


def merchants(report: Report) -> dict:
    """Who does what in the rival's two models, and how much of its sales the younger one has."""
    rows = report.rows(MARKET, "semi_managed_share_of_gmv", report.rival)
    events = report.ledger.events_of(report.rival, "announcement")
    events = events[(events["market"] == MARKET) & events["event"].str.contains(SEMI_MANAGED, regex=False)]
    started = None if events.empty else events.iloc[0]["span"]
    part, span = Quantity.unknown("a share of the semi-managed model"), None
    if len(rows):
        part, span = report.quantity(rows.iloc[0]), rows.iloc[0]["span"]
    quarter = _share_quarter(report)
    both = pair(*_models(report), MARKET, quarter)
    return {
        "market": report.call(MARKET),
        "started": started,
        "part": part,
        "span": span,
        "who": _who(report, part),
        "quarter_of_sales": quarter,
        "sold": part * _a_month(both.rival.median, quarter),
        "own": _a_month(both.own.median, quarter),
    }


# Side by side -----------------------------------------------------------------------------------------


def _models(report: Report) -> tuple[Estimates, Estimates]:
    return estimates(report), estimates(report, report.rival)


def _both(report: Report, span: Span) -> Pair:
    return pair(*_models(report), "Global", span)


def _order(both: Pair) -> str:
    """Whether the rival was the larger: `more` or `less` if the whole band says so, `open` if not, empty if unknown."""
    if not both.ratio:
        return ""
    return "more" if both.ratio.low > 1 else "less" if both.ratio.high < 1 else "open"


def _leaning(both: Pair) -> str:
    """Which of the two is likely where the band leaves it open: the rival sold `more` or `less`; else empty."""
    if _order(both) != "open":
        return ""
    more = float(np.mean(both.ratios > 1))
    return "more" if more > LIKELY else "less" if more < 1 - LIKELY else ""


def _last_published(report: Report) -> dict | None:
    """The last period for which both are published, with who says so and whether they are counted alike."""
    rows = [row for row in _periods(report).itertuples() if row.own and row.rival]
    if not rows:
        return None
    last = max(rows, key=lambda row: (row.span.end, row.span.days))
    ours, theirs = last.own.bases, last.rival.bases
    unlike = bool(ours and theirs) and not ours & theirs
    figures = {"span": last.span, "own": last.own, "rival": last.rival}
    return figures | {"own_who": _who(report, last.own), "rival_who": _who(report, last.rival), "unlike": unlike}


def _periods(report: Report) -> pd.DataFrame:
    """The year before and each quarter of this one, with the halves and the year that somebody published."""
    year, rows = report.year.end.year, []
    spans = [report.year.year_earlier()]
    spans += [Span.months_of(year, first, length) for length in (3, 6, 12) for first in range(1, 13, length)]
    for span in sorted(spans, key=lambda span: (span.end, span.days)):
        own, rival = (published(report, span, name) for name in (report.platform, report.rival))
        if span.end <= report.quarter.end and (span.months != 6 or own or rival):
            rows.append((span, own, rival, _both(report, span)))
    return pd.DataFrame(rows, columns=["span", "own", "rival", "estimate"])


def _sides(report: Report, periods: pd.DataFrame) -> pd.DataFrame:
    """Each published figure that is no bound, with whether it lies `outside` the band of its estimate."""
    found = [
        (row.span, name, figure, not band.low.value <= figure.value <= band.high.value)
        for row in periods.itertuples()
        for name, side in ((report.platform, "own"), (report.rival, "rival"))
        for figure, band in [(getattr(row, side), getattr(row.estimate, side))]
        if figure and band and figure.hedge not in BOUNDS
    ]
    return pd.DataFrame(found, columns=["span", "name", "figure", "outside"]).astype({"outside": bool})


def _lines(report: Report) -> pd.DataFrame:
    """Both platforms by quarter, from the first in which both sold anything to a year after the report's."""
    start = report.year.year_earlier().start
    months = Span(start, report.horizon.end).each_month[::3]
    quarters = [Span.months_of(month.start.year, month.start.month, 3) for month in months]
    pairs = [both for both in (_both(report, span) for span in quarters) if both.ratio.median > 0]
    rows = [
        (both.span.end, name, *band, both.span.end > report.quarter.end)
        for name, side in ((report.platform, "own"), (report.rival, "rival"))
        for both in pairs
        for band in [getattr(both, side)]
    ]
    return pd.DataFrame(rows, columns=["x", "series", "value", "low", "high", "projected"])


def _crossing(report: Report) -> dict | None:
    """From which of the next twelve months on the order is another than now, and how likely it is at the end."""
    own, rival = _models(report)
    months = Span(report.quarter.end.replace(day=1), report.horizon.end).each_month
    first, end = (_both(report, month) for month in (months[0], months[-1]))
    if not (first.ratio and end.ratio):
        return None
    month = crossed(months, lambda span: rival.gmv("Global", span).median > own.gmv("Global", span).median)
    behind = end.ratio.median > 1
    larger, smaller = (report.rival, report.platform) if behind else (report.platform, report.rival)
    chance = float(np.mean(end.ratios > 1 if behind else end.ratios < 1))
    formula = f"share of {len(end.ratios):,} draws with {larger} ahead of {smaller} in {end.span.short}"
    chance = replace(end.ratio.median, value=chance, unit="%", formula=formula)
    return {"month": month, "end": end.span, "larger": larger, "smaller": smaller, "chance": chance}


def _targets(report: Report) -> list[dict]:
    """The rival's targets for the year, in the order in which they became known, each once."""
    rows, found = report.rows("Global", "gmv_target", report.rival, report.year), []
    for _, row in rows.sort_values("known_on", kind="stable").iterrows():
        target = report.quantity(row)
        if not (found and level(found[-1]["target"], target)):
            found.append({"target": target, "who": _who(report, target)})
    return found


# The United States ------------------------------------------------------------------------------------


def _share_rows(report: Report) -> pd.DataFrame:
    rows = report.rows(MARKET, "share_of_platform_gmv", report.rival)
    return rows.sort_values("end", kind="stable")


def _share_quarter(report: Report) -> Span:
    """The quarter that the last known shares are about, or the report's own."""
    rows = _share_rows(report)
    last = rows["span"].iloc[-1].end if len(rows) else report.quarter.end
    return min(Span.months_of(last.year, 3 * ((last.month - 1) // 3) + 1, 3), report.quarter)


def _shares(report: Report) -> pd.DataFrame:
    """What sources say of the last year that they speak of, largest first, and what each makes of the estimates."""
    rows, span = _share_rows(report), _share_quarter(report)
    both = pair(*_models(report), MARKET, span)
    whole = _both(report, span).rival.median
    found = []
    for row in (row for _, row in rows.iterrows() if row["span"].year == rows["span"].iloc[-1].year):
        stated = report.quantity(row)
        implied = stated * whole
        this_year = row["span"].year == report.year
        found.append(
            (_who(report, stated), row["span"], stated, _a_month(implied, span), implied / both.own.median, this_year)
        )
    columns = ["who", "span", "share", "implied", "multiple", "this_year"]
    return pd.DataFrame(sorted(found, key=lambda row: -row[2].value), columns=columns).astype({"this_year": bool})


def _share_before(report: Report) -> dict | None:
    """The last share that was stated for a year before."""
    rows = _share_rows(report)
    rows = rows[rows["end"] < _share_quarter(report).year.start]
    return _stated(report, rows.iloc[-1]) if len(rows) else None


def _alone(report: Report) -> dict | None:
    """The rival's last published figure of the year there, where no source gives a share."""
    rows = report.rows(MARKET, "gmv", report.rival, report.quarter.to_date).sort_values("end", kind="stable")
    return None if len(_share_rows(report)) or rows.empty else _stated(report, rows.iloc[-1])


def _stated(report: Report, row: pd.Series) -> dict:
    figure = report.quantity(row)
    return {"figure": figure, "span": row["span"], "who": _who(report, figure)}


def _a_month(gmv: Quantity, span: Span) -> Quantity:
    return gmv / Quantity.counted(span.months, "month")


def _who(report: Report, figure: Quantity) -> str:
    """The one who counted, not the page that quotes it; the page where it does not say."""
    if not figure.origins:
        return ""
    origin = figure.origins[0]
    counter = report.ledger.facts.at[origin.id, "counter"]
    return re.split(r" via | \(|;", origin.publisher)[0] if counter == "unstated" else counter
