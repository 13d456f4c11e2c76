"""Evidence: which claims hold, on which disputes the year's estimate depends, what is covered, and every fact used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.facts.claims import ABOUT, VERDICTS, judged
from analysis.facts.quantity import LEVEL, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Band, Estimates, estimates
from analysis.model.market import PERCENTILES, TooLittleKnown

FLOORS, CEILINGS = ("more than", "just over"), ("less than", "up to")  # a bound that is kept is no contradiction
SITE = r"://(?:www\.)?([^/]+)"  # of an address: it stands for a publisher who is not named
MOST = 5  # disputes that are worked out
KNOWN = ("reported", "inferred", "unknown")  # how the model has a month of a market, the best first
NOTHING = 0.002  # of the year's GMV: what moves it by less moves nothing


def opening(report: Report) -> dict:
    """What the report rests on, and how far it can be trusted."""
    facts = _facts(report)
    inferred = int((facts["known_on_basis"] == "inferred").sum())
    return _verdicts(judged(report)) | {
        "facts": Quantity.counted(len(facts), "fact", "rows of facts.csv public by the report’s date"),
        "sources": Quantity.counted(facts["source"].nunique(), "source", "that these facts were read in"),
        "inferred": Quantity.counted(inferred, "", "facts whose known_on_basis is inferred"),
        "trackers": _bias(estimates(report), "tracker"),
    }


def disputes(report: Report) -> dict:
    """The unlike figures that move the year's estimate most, if they were decided the other way."""
    rows = pd.DataFrame(_disputes(report))
    target, model = report.fact("Global", "gmv_target", report.year), estimates(report)
    unknown = Quantity.unknown("a year to come")
    return {
        "rows": rows,
        "worst": next(rows.itertuples(), None),
        "chance": unknown if report.year_is_over else model.chance("Global", target),
    }


def claims(report: Report) -> dict:
    """Each claim once: first those that do not hold, then the others."""
    found = judged(report)
    failed = found["verdict"].isin(["self", "contradicted"])
    return _verdicts(found) | {"wrong": found[failed], "others": found[~failed]}


def coverage(report: Report) -> dict:
    """How each market was known in each quarter of the report's year and the year before, once it was open."""
    model, end, rows = estimates(report).market, report.quarter.end, []
    quarters = [Span.months_of(year, month, 3) for year in (end.year - 1, end.year) for month in (1, 4, 7, 10)]
    for quarter in (quarter for quarter in quarters if model and quarter.end <= end):
        for market in (market for market in model.grid.markets if market in report.ledger.vocabulary.names):
            known = model.status["status"][model.grid.open_days((market,), quarter.start, quarter.end) > 0]
            if known.empty:
                continue
            ranks = [KNOWN.index(status) for status in known]
            rank = min(max(ranks), 1) if min(ranks) < 2 else 2  # a quarter that is known in part is pale
            facts = model.facts[model.facts["market"] == market]
            about = int(((facts["start"] <= quarter.end) & (facts["end"] >= quarter.start)).sum())
            rows.append((report.call(market), quarter, KNOWN[rank], rank, str(about or "")))
    cells = pd.DataFrame(rows, columns=["market", "quarter", "status", "rank", "count"])
    count = {name: int((cells["status"] == name).sum()) for name in KNOWN} | {"all": len(cells)}
    return {name: Quantity.counted(n, "", f"market quarters: {name}") for name, n in count.items()} | {"cells": cells}


def facts(report: Report) -> dict:
    """Every fact about the platform and its rival, those that were withdrawn, and where they were read."""
    used, ledger = _facts(report).sort_index(), report.ledger
    withdrawn = ledger.withdrawn[ledger.withdrawn["platform"].isin([report.platform, report.rival])]
    cited = ledger.sources[ledger.sources.index.isin([*used["source"], *withdrawn["source"]])]
    publisher = cited["publisher"].where(cited["publisher"] != "", cited["url"].str.extract(SITE, expand=False))
    return {
        "used": _listed(report, used),
        "withdrawn": _listed(report, withdrawn.sort_index()),
        "sources": cited.assign(publisher=publisher.fillna("")).sort_index().reset_index(names="source"),
    }


def _facts(report: Report) -> pd.DataFrame:
    facts = report.ledger.facts
    return facts[facts["platform"].isin([report.platform, report.rival])]


def _listed(report: Report, facts: pd.DataFrame) -> pd.DataFrame:
    """Facts as a table lists them: `what`, `figure` and who counted are words of the data folder."""
    qualifier = facts["qualifier"].where(facts["qualifier"] != "exact", "")
    figure = (qualifier + " " + facts["value"]).str.strip()
    what = [report.ledger.cell_name(fact) for _, fact in facts.iterrows()]
    return facts.assign(what=what, figure=figure).reset_index(names="id")


def _verdicts(found: pd.DataFrame) -> dict[str, Quantity]:
    """How many claims there are of each verdict."""
    of = found["verdict"].value_counts().reindex(VERDICTS, fill_value=0)
    count = of.rename({"self": "itself"}).to_dict() | {"claims": len(found), "hold": of["holds"] + of["loosely"]}
    count["checked"] = len(found) - of["uncheckable"]
    units = dict.fromkeys(("claims", "checked"), "claim")
    return {name: Quantity.counted(int(n), units.get(name, ""), f"claims: {name}") for name, n in count.items()}


def _bias(model: Estimates, basis: str) -> Band:
    """What a way of counting shows of what the company counts, per cent."""
    found = model.market.bias(basis) if model.market else None
    if found is None:
        return Band.unknown(f"figures of the basis {basis}")
    draws, facts = found
    origins = model.report.by_ids(facts)
    formula = f"market model, {{}} of what the basis {basis} counts of the company’s count"
    return Band.of(np.quantile(draws, PERCENTILES), lambda v, name: Quantity(v, "%", formula.format(name), origins))


def _disputes(report: Report) -> Iterator[dict]:
    """What is in dispute and moves the year, the heaviest first: what, the figures, what it moves and the chance."""
    model, year = estimates(report), report.year
    try:
        influence = model.market.influence("Global", year) if model.market else pd.Series(dtype=float)
    except TooLittleKnown:
        return
    found = [*_unlike(report, influence.index), *_misfits(model)]
    found = list({(dispute["market"], dispute["span"]): dispute for dispute in reversed(found)}.values())  # each once
    found.sort(key=lambda dispute: -abs(influence[dispute["facts"]].sum()))
    target, median = report.fact("Global", "gmv_target", year), model.gmv("Global", year).median
    rows = []
    for dispute in found[:MOST]:
        rest = model.without(dispute["facts"]).market
        ratio = rest.total_at_mode("Global", year) / model.market.total_at_mode("Global", year) if rest else 1.0
        ratio = rounded(ratio)  # before one is taken off, which would leave the digits that differ by machine
        if abs(ratio - 1) > NOTHING:
            formula = f"market model fitted without {', '.join(dispute['facts'])}: change of the median of {year.short}"
            moves = Quantity(median.value * (ratio - 1), median.unit, formula, report.by_ids(dispute["facts"]))
            # As many draws reach the target after they moved as reach it now, moved the other way.
            rows.append(dispute | {"moves": moves, "chance": model.chance("Global", target / ratio)})
    yield from sorted(rows, key=lambda row: -abs(row["moves"].value))


def _unlike(report: Report, used: pd.Index) -> Iterator[dict]:
    """Cells of which sources give unlike figures; `facts` are those that side with the leading one."""
    facts = report.ledger.facts
    facts = facts[facts.index.isin(used) & ~facts["qualifier"].isin(FLOORS + CEILINGS)]
    for _, rows in facts.groupby(["market", "metric", "span"], sort=False):
        if rows["source"].nunique() < 2:
            continue
        figures = {fact: report.quantity(row) for fact, row in rows.iterrows()}
        lead, *_ = figures.values()
        low, high = (pick(figures.values(), key=lambda figure: figure.value) for pick in (min, max))
        alike = ABOUT if low.hedge or high.hedge else LEVEL
        if low.value > 0 and high.value > low.value * (1 + alike):
            other = low if lead.value / low.value > high.value / lead.value else high
            side = [f for f, q in figures.items() if _apart(q, lead) < _apart(q, other)]
            yield _cell(report, rows.iloc[0]) | {"facts": side, "leads": lead, "low": low, "high": high}


def _apart(a: Quantity, b: Quantity) -> float:
    return abs(float(np.log(a.value / b.value)))


def _misfits(model: Estimates) -> Iterator[dict]:
    """Facts that the market model cannot make fit with the others."""
    report, residuals = model.report, model.market.residuals() if model.market else None
    for row in () if residuals is None else residuals[residuals["conflict"]].itertuples():
        published = report.by_id(row.Index)
        # The model speaks of ratios: a growth of 5 % is 1.05 times the year before.
        one = 1.0 if row.measure == "growth" and published.unit == "%" else 0.0
        value = rounded((published.value + one) * row.expected / row.published) - one
        expected = Quantity(value, published.unit, f"market model, as the others have {row.Index}", published.origins)
        fact, over = report.ledger.facts.loc[row.Index], expected.value > published.value
        if fact["qualifier"] in (FLOORS if over else CEILINGS):
            continue
        yield _cell(report, fact) | {"facts": [row.Index], "leads": published, "expected": expected}


def _cell(report: Report, fact: pd.Series) -> dict:
    measure = report.ledger.vocabulary.call_metric(fact["metric"])
    return {"market": report.call(fact["market"]), "measure": measure, "span": fact["span"]} | dict.fromkeys(
        ("low", "high", "expected"), Quantity.unknown("figures of this kind")
    )
