"""Evidence: which claims hold, on which disputes the year's estimate depends, what is covered, and every fact used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.chapters.common import progress
from analysis.facts.claims import VERDICTS, judged
from analysis.facts.ledger import CELL
from analysis.facts.quantity import BOUNDS, Band, Quantity, rounded
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.estimates import Estimates, estimates
from analysis.model.market import FLOORS, PERCENTILES, TooLittleKnown

CEILINGS = ("less than", "up to")
SITE = r"://(?:www\.)?([^/]+)"  # of an address: it stands for a publisher who is not named
MOST = 5  # disputes that are worked out
KNOWN = ("reported", "inferred", "unknown")  # how the model has a month of a market, the best first
NOTHING = 0.002  # of the year's GMV: what moves it by less moves nothing


def opening(report: Report) -> dict:
    """What the report rests on, and how far it can be trusted."""
    facts = _of_both(report, report.ledger.facts)
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
    return {
        "rows": rows,
        "worst": next(rows.itertuples(), None),
        "chance": Quantity.unknown("a year to come") if report.year_is_over else progress(report, "Global").chance,
    }


def claims(report: Report) -> dict:
    """Each claim once: first those that do not hold, then the others."""
    found = judged(report)
    failed = found["verdict"].isin(["self", "contradicted"])
    return _verdicts(found) | {"wrong": found[failed], "others": found[~failed]}


def coverage(report: Report) -> dict:
    """How each market was known in each quarter of the report's year and the year before, once it was open."""
    model, year, rows = estimates(report).market, report.year.end.year, []
    quarters = [Span.months_of(at, month, 3) for at in (year - 1, year) for month in (1, 4, 7, 10)]
    for quarter in (quarter for quarter in quarters if model and quarter.end <= report.quarter.end):
        for market in (market for market in model.grid.markets if market in report.ledger.vocabulary.names):
            known = model.status["status"][model.grid.open_days((market,), quarter.start, quarter.end) > 0]
            if known.empty:
                continue
            ranks = known.map(KNOWN.index)
            rank = min(ranks.max(), 1) if ranks.min() < 2 else 2  # a quarter that is known in part is pale
            facts = model.facts[model.facts["market"] == market]
            about = int(((facts["start"] <= quarter.end) & (facts["end"] >= quarter.start)).sum())
            rows.append((report.call(market), quarter, KNOWN[rank], rank, str(about or "")))
    cells = pd.DataFrame(rows, columns=["market", "quarter", "status", "rank", "count"])
    count = cells["status"].value_counts().reindex(KNOWN, fill_value=0).to_dict() | {"all": len(cells)}
    return {name: Quantity.counted(int(n), "", f"market quarters: {name}") for name, n in count.items()} | {
        "cells": cells
    }


def facts(report: Report) -> dict:
    """Every fact about the platform and its rival, those that were withdrawn, and where they were read."""
    ledger = report.ledger
    used, withdrawn = _of_both(report, ledger.facts), _of_both(report, ledger.withdrawn)
    cited = ledger.sources[ledger.sources.index.isin([*used["source"], *withdrawn["source"]])]
    publisher = cited["publisher"].where(cited["publisher"] != "", cited["url"].str.extract(SITE, expand=False))
    sources = cited.assign(publisher=publisher.fillna("")).sort_index().reset_index(names="source")
    return {"used": _listed(report, used), "withdrawn": _listed(report, withdrawn), "sources": sources}


def _of_both(report: Report, facts: pd.DataFrame) -> pd.DataFrame:
    return facts[facts["platform"].isin([report.platform, report.rival])].sort_index()


def _listed(report: Report, facts: pd.DataFrame) -> pd.DataFrame:
    """Facts as a table lists them: `what`, `figure` and who counted are words of the data folder."""
    qualifier = facts["qualifier"].where(facts["qualifier"] != "exact", "")
    what = [report.ledger.cell_name(fact) for fact in facts[CELL].to_dict("records")]
    return facts.assign(what=what, figure=(qualifier + " " + facts["value"]).str.strip()).reset_index(names="id")


def _verdicts(found: pd.DataFrame) -> dict[str, Quantity]:
    """How many claims there are of each verdict."""
    of = found["verdict"].value_counts().reindex(VERDICTS, fill_value=0).rename({"self": "itself"})
    count = of.to_dict() | {"claims": len(found), "hold": of["holds"] + of["loosely"]}
    count["checked"] = len(found) - of["uncheckable"]
    units = {"claims": "claim", "checked": "claim"}
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


def _disputes(report: Report) -> list[dict]:
    """What is in dispute and moves the year, the heaviest first: what, the figures, what it moves and the chance."""
    model, year = estimates(report), report.year
    try:
        influence = model.market.influence("Global", year) if model.market else pd.Series(dtype=float)
    except TooLittleKnown:
        return []
    found = [*_unlike(report, influence.index), *_misfits(model)]
    found = list({(dispute["market"], dispute["span"]): dispute for dispute in reversed(found)}.values())  # each once
    found.sort(key=lambda dispute: -abs(influence[dispute["facts"]].sum()))
    target, median, rows = report.fact("Global", "gmv_target", year), model.gmv("Global", year).median, []
    for dispute in found[:MOST]:
        rest = model.without(dispute["facts"]).market
        ratio = rest.total_at_mode("Global", year) / model.market.total_at_mode("Global", year) if rest else 1.0
        ratio = rounded(ratio)  # before one is taken off, which would leave the digits that differ by machine
        if abs(ratio - 1) > NOTHING:
            formula = f"market model fitted without {', '.join(dispute['facts'])}: change of the median of {year.short}"
            moves = Quantity(median.value * (ratio - 1), median.unit, formula, report.by_ids(dispute["facts"]))
            # As many draws reach the target after they moved as reach it now, moved the other way.
            rows.append(dispute | {"moves": moves, "chance": model.chance("Global", target / ratio)})
    return sorted(rows, key=lambda row: -abs(row["moves"].value))


def _unlike(report: Report, used: pd.Index) -> Iterator[dict]:
    """Cells of which sources give unlike figures; `facts` are those that side with the leading one."""
    facts = report.ledger.facts
    for rows in report.ledger.conflicts(facts[facts.index.isin(used) & ~facts["qualifier"].isin(BOUNDS)]):
        figures = {fact: report.quantity(row) for fact, row in rows.iterrows()}
        lead, *_ = figures.values()
        low, high = (pick(figures.values(), key=lambda figure: figure.value) for pick in (min, max))
        if low.value > 0:
            other = low if lead.value / low.value > high.value / lead.value else high
            middle = (lead.value * other.value) ** 0.5
            side = [fact for fact, figure in figures.items() if (figure.value < middle) == (lead.value < middle)]
            yield _cell(report, rows.iloc[0]) | {"facts": side, "leads": lead, "low": low, "high": high}


def _misfits(model: Estimates) -> Iterator[dict]:
    """Facts that the market model cannot make fit with the others."""
    if model.market is None:
        return
    report, residuals = model.report, model.market.residuals()
    for row in residuals[residuals["conflict"]].itertuples():
        published, fact = report.by_id(row.Index), report.ledger.facts.loc[row.Index]
        # The model speaks of ratios: a growth of 5 % is 1.05 times the year before.
        one = 1.0 if row.measure == "growth" and published.unit == "%" else 0.0
        value = rounded((published.value + one) * row.expected / row.published) - one
        expected = Quantity(value, published.unit, f"market model, as the others have {row.Index}", published.origins)
        # A bound that is kept is no contradiction.
        if fact["qualifier"] not in (FLOORS if expected.value > published.value else CEILINGS):
            yield _cell(report, fact) | {"facts": [row.Index], "leads": published, "expected": expected}


def _cell(report: Report, fact: pd.Series) -> dict:
    measure, unknown = report.ledger.vocabulary.call_metric(fact["metric"]), Quantity.unknown("figures of this kind")
    cell = {"market": report.call(fact["market"]), "measure": measure, "span": fact["span"]}
    return cell | dict.fromkeys(("low", "high", "expected"), unknown)
