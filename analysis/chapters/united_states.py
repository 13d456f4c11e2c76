"""United States: the largest single target, how far it is away, and what new rules ask of its sellers."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from analysis.chapters import seller
from analysis.chapters.common import disputed_by, progress
from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity, level
from analysis.facts.report import Reading, Report
from analysis.facts.span import Span
from analysis.model.estimates import estimates

MARKET = "US"
# What is known of the two livestream programmes, the contest and the ranking.
PRIZES = {
    "winners": "top5_winners",
    "prize": "top5_prize",
    "asked": "top5_gmv_required",
    "ranked": "top50_winners",
    "ranking_prize": "top50_prize",
}


def opening(report: Report) -> dict:
    """How far the target is, what the rest of the year would take, and what is left to sellers."""
    us, scenario = progress(report, MARKET), report.scenario
    return {
        "us": us,
        "growth": estimates(report).growth(MARKET, report.quarter.to_date).median,
        "estimate": us.published and estimates(report).gmv(MARKET, us.published.span),
        "scenario": "" if scenario.id == BASE or us.rest is None else scenario.means,
        "order": seller.orders(report)[0] if seller.change(report, "referral_fee", report.year).day else None,
    }


def months(report: Report) -> dict:
    """The year month by month; `path` has a row for each month."""
    us, model = progress(report, MARKET), estimates(report)
    first, second, month = report.quarter.each_month
    mean = model.gmv(MARKET, Span(first.start, second.end)).median / 2
    path = _path(report, us)
    multiple = report.fact(MARKET, "target_multiple_of_prior_year", report.year)
    targets = report.ledger.targets(report.platform, MARKET, report.year, "target_multiple_of_prior_year")
    stood = report.quantity(targets.iloc[0]) if len(targets) else us.target  # when the multiple was published
    return {
        "us": us,
        "month": month,
        "latest": model.gmv(MARKET, month),
        "multiple": model.gmv(MARKET, month).median / mean,
        "disputed_by": disputed_by(report, MARKET),
        "target_multiple": multiple if level(us.target, stood) else None,
        "path": path,
        "last": path.iloc[-1],
    }


def streams(report: Report) -> dict:
    """The record livestreams of the year, and what one a day would be worth against what the target lacks."""
    us, records = progress(report, MARKET), []
    for span, gmv in seller.steps(report, "single_livestream_gmv", report.year):
        if not gmv.is_bound and not (records and gmv < records[-1].gmv):
            records.append(Reading(span, gmv))
    record, span = records[-1] if records else None, us.rest or report.year
    daily = record and record.gmv * Quantity.counted(span.days, "", f"days of {span.label}")
    return {
        "us": us,
        "first": records[0] if len(records) > 1 else None,
        "record": record,
        "share": record and (record.gmv / us.achieved.amount).percent(),
        "span": span,
        "daily": daily,
        "of_gap": (daily / us.gap).percent() if record and us.gap > 0 else None,
    }


def rules(report: Report) -> dict:
    """What a new shop has to reach before its review, before and after the rule changed."""
    orders, days, reviews, observed = (
        seller.change(report, f"new_shop_{what}")
        for what in ("orders_required", "minimum_days", "negative_review_rate_max", "observation_days")
    )
    return {
        "orders": orders,
        "days": days,
        "reviews": reviews,
        "day": max((change.day for change in (orders, days, reviews) if change.day), default=None),
        "bad_before": orders.before * reviews.before,
        "bad_after": orders.after * reviews.after,
        "observed": observed.after,
        "domestic": seller.change(report, "new_domestic_shop_minimum_days"),
    }


def orders(report: Report) -> dict:
    """What an order leaves its seller before and after the last changes of fee and shipping, by its value."""
    shown, co_fund = seller.orders(report), seller.steps(report, "shipping_co_fund_per_order")
    fee, shipping = seller.change(report, "referral_fee"), seller.change(report, "seller_shipping_margin_per_order")
    kept, (span, paid) = seller.kept(report, fee.after, "high"), co_fund[-1] if co_fund else (None, None)
    even = (report.assumption(seller.HANDLING, "high") - shipping.after) / kept
    return {
        "orders": pd.DataFrame(shown),
        "small": shown[0],
        "large": shown[-1],
        "fees": [(span.each_month[0], fee) for span, fee in seller.steps(report, "referral_fee")],
        "fee": fee,
        "shipping": shipping,
        "threshold": seller.change(report, "free_shipping_threshold").after,
        "co_fund": paid,
        "co_fund_end": span and Span(span.end, span.end),
        "claimed_cut": seller.change(report, "seller_profit_cut").after,
        "even": even.amount if kept > 0 else Quantity.unknown("an order value that breaks even"),
        "assumed": {name: seller.assumed(report, name, shown[0].value) for name in (*seller.SHARES, seller.HANDLING)},
    }


def prizes(report: Report) -> dict:
    """The livestream programmes of the year, against the fee that the platform takes."""
    month, fee = report.quarter.each_month[-1], seller.change(report, "referral_fee")
    found = {
        name: seller.change(report, f"live_contest_{metric}", report.year).after for name, metric in PRIZES.items()
    }
    contest, ranking = found["winners"] * found["prize"], found["ranked"] * found["ranking_prize"]
    spans, step = [span for span, _ in seller.steps(report, "live_contest_top5_prize")], fee.after - fee.before
    return found | {
        "over": bool(spans) and spans[-1].end < report.as_of,
        "contest": contest,
        "share": (found["prize"] / found["asked"]).percent(),
        "ranking": ranking,
        "cost": contest + ranking,
        "fee": fee,
        "month": month,
        "income": estimates(report).gmv(MARKET, month).median * step if step > 0 else None,
    }


def _path(report: Report, us: SimpleNamespace) -> pd.DataFrame:
    """Each month as published and estimated; `asked` is the path that meets the target.

    It grows from the quarter's last month on at the median of what is needed; in a year that is over, it is the target
    in twelve even parts.
    """
    model, asked, rows = estimates(report), Quantity.unknown("growth that meets the target"), []
    for span in report.year.each_month:
        estimate, published = model.gmv(MARKET, span), report.gmv(MARKET, span)
        if us.rest is None:
            asked = (us.target / Quantity.counted(12, "month")).amount
        elif us.gap > 0 and span.end == report.quarter.end:
            asked = estimate.median
        elif asked:
            asked = asked * (1 + us.growth.median)
        if published.is_bound:
            published = Quantity.unknown(f"GMV in {span.short} as a value")
        rows.append((span, published, estimate, asked, span.start > report.quarter.end))
    return pd.DataFrame(rows, columns=["span", "published", "estimate", "asked", "ahead"])
