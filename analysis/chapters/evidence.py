"""Evidence: the figures checked against each other, where sources disagree, what is covered, and every fact used."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.page import Figure, Table
from analysis.prose import LEVEL, Sentence, level, say
from analysis.quantity import Quantity
from analysis.report import Report
from analysis.span import Span

LOOSE = 0.05  # how far off a figure printed with "about" may be
# A floor or a ceiling ("more than", "up to") leaves room; this far from it, it misleads.
ROOM = 1.5


@dataclass(frozen=True)
class Check:
    """A printed figure beside the same figure worked out from others."""

    claim: str
    printed: Quantity
    computed: Quantity

    @property
    def holds(self) -> bool:
        """Whether the two agree, as far as the words around the printed figure claim."""
        if self.printed.hedge in ("less than", "up to"):
            return self.computed < self.printed
        if self.printed.hedge == "more than":
            return self.computed > self.printed
        return level(self.computed, self.printed, LOOSE if self.printed.hedge else LEVEL)


@dataclass(frozen=True)
class Evidence:
    """How far the facts of the report can be trusted.

    Attributes
    ----------
    checks : list of Check
        Printed figures that others can confirm or contradict.
    conflicts : DataFrame
        Cells for which sources give unlike figures, widest first: `cell`, `leads`, `figure` (Quantity), `low`, `high`,
        `spread` (highest over lowest).
    shared_cells : Quantity
        Cells that more than one source fills.
    coverage : DataFrame
        Number of GMV facts for each market and quarter, with a `status`.
    facts : DataFrame
        Every fact of the view about the platform and its rival.
    """

    report: Report
    checks: list[Check]
    conflicts: pd.DataFrame
    shared_cells: Quantity
    coverage: pd.DataFrame
    facts: pd.DataFrame

    @property
    def _conflicting(self) -> Quantity:
        return Quantity.counted(len(self.conflicts), "", "cells whose figures cannot all be right")

    @property
    def headline(self) -> Sentence:
        return say("Of {shared} figures that more than one source gives, {conflicting} are in dispute",
                   shared=self.shared_cells, conflicting=self._conflicting) if len(self.conflicts) else say(
            "No two sources disagree on a figure that was public by {day}", day=self.report.as_of_label)  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        facts, held = self.facts, sum(check.holds for check in self.checks)
        count = Quantity.counted(len(facts), "fact", "rows of facts.csv public by the report’s date")
        inferred = Quantity.counted(int((facts["known_on_basis"] == "inferred").sum()), "fact", "known_on_basis is inferred")
        first = self.conflicts.iloc[0] if len(self.conflicts) else None
        return [
            say("The report rests on {facts} from {sources}; for {inferred} the day of publication is a judgement.", facts=count,
                sources=Quantity.counted(facts["source"].nunique(), "source"), inferred=inferred),
            say("Of {all} that can be worked out a second way, {held} hold.",
                all=Quantity.counted(len(self.checks), "claim"), held=Quantity.counted(held, "", "claims that hold"))
            if self.checks else Sentence(),
            say("The widest dispute is over {cell}: {low} to {high}.", cell=first["cell"] if first is not None else "",
                low=first["low"] if first is not None else "", high=first["high"] if first is not None else ""),
            say("Where sources disagree, the report quotes the one with the most confidence, then the one closest to the count: "
                "official, company, leak, tracker, analyst, press."),
        ]  # fmt: skip

    def checks_table(self) -> Table:
        rows = [(c.claim, c.printed, c.computed, "holds" if c.holds else "does not hold") for c in self.checks]
        data = pd.DataFrame(rows, columns=["Claim", "As printed", "Worked out", "Verdict"])
        return Table("evidence_checks", say("Printed figures against arithmetic"), data)

    def conflicts_chart(self) -> Figure:
        top = self.conflicts.head(8)
        data = top.rename(columns={"cell": "label"})[["label", "leads", "low", "high"]]
        title = say("The widest dispute: {cell}", cell=top["cell"].iloc[0] if len(top) else "") or say("No disputes")
        return Figure("evidence_conflicts", title, "Lowest to highest figure, against the one the report quotes (blue)", charts.ranges(data), data)  # fmt: skip

    def conflicts_table(self) -> Table:
        data = self.conflicts[["cell", "leads", "low", "high"]].rename(
            columns={"cell": "What", "leads": "The report quotes", "low": "Lowest", "high": "Highest"}
        )
        return Table("evidence_disputes", say("Where sources disagree"), data)

    def coverage_chart(self) -> Figure:
        have = self.coverage[self.coverage["rank"] == 0]
        title = say("{cells} of {all} market quarters have a published GMV", cells=Quantity.counted(len(have), "", "cells"),
                    all=Quantity.counted(len(self.coverage), "", "markets times quarters"))  # fmt: skip
        return Figure("evidence_coverage", title,
                      "GMV facts by market and quarter: dark, the quarter itself; pale, a longer or shorter period around it",
                      charts.grid(self.coverage), self.coverage)  # fmt: skip

    def facts_table(self) -> Table:
        report = self.report
        rows = [
            (fact_id, report.call(row["market"]), report.ledger.vocabulary.call_metric(row["metric"]), row["span"].short,
             report.ledger.origin(row).printed, row["basis"], row["confidence"], row["known_on"], row["source"])
            for fact_id, row in self.facts.sort_index().iterrows()
        ]  # fmt: skip
        columns = ["Fact", "Market", "Measure", "Period", "Figure", "Basis", "Confidence", "Public on", "Source"]
        return Table("evidence_facts", say("Every fact behind this report"), pd.DataFrame(rows, columns=columns),
                     reference=True)  # fmt: skip

    def sources_table(self) -> Table:
        sources = self.report.ledger.sources
        used = sources[sources.index.isin(self.facts["source"])].sort_index()
        data = pd.DataFrame({"Source": used.index, "Title": used["title"], "Publisher": used["publisher"],
                             "Published": used["published"], "Address": used["url"]})  # fmt: skip
        return Table("evidence_sources", say("Every source behind this report"), data, reference=True)


def review(report: Report) -> Evidence:
    """Everything the chapter says, from the facts of the report's view."""
    facts = report.ledger.facts
    facts = facts[facts["platform"].isin([report.platform, report.rival])]
    shared, conflicts = _conflicts(report, facts)
    return Evidence(
        report=report,
        checks=[check for check in _checks(report) if check.printed and check.computed],
        conflicts=conflicts,
        shared_cells=Quantity.counted(shared, "", "cells with two facts or more"),
        coverage=_coverage(report),
        facts=facts,
    )


def _checks(report: Report) -> list[Check]:
    """The claims that other facts can test; those that lack a fact are left out by the caller."""
    half, june, early, may = (Span.parse(text) for text in ("2024H1", "2024-06", "2024-01..2024-05", "2024-05"))
    before, after = Span.parse("2024-08-25"), Span.parse("2024-08-26")
    fact, gmv = report.fact, report.gmv
    first_half = gmv("US", half)
    daily = fact("Thailand", "gmv_daily_average", may)
    start, end = fact("Vietnam", "livestream_start_hour", may), fact("Vietnam", "livestream_end_hour", may)
    shipping = fact("US", "seller_shipping_margin_per_order", before), fact("US", "seller_shipping_margin_per_order", after)
    clock = Quantity.counted(1, "hour") / Quantity.counted(1, "o'clock")
    midnight = Quantity.counted(24, "o'clock")
    return [
        Check("US: share of the target after the first half", fact("US", "target_completion", half),
              (first_half / fact("US", "gmv_target", half.year)).percent()),
        Check("US: January to May, from the half-year less June", fact("US", "gmv", early), first_half - gmv("US", june)),
        Check("US: share of the target after May", fact("US", "target_completion", early),
              (fact("US", "gmv", early) / fact("US", "gmv_target", half.year)).percent()),
        Check("Thailand: GMV of May, from the daily figure", fact("Thailand", "gmv", may),
              daily * Quantity.counted(may.days, "day")),
        Check("Vietnam: length of the livestream, from its hours", fact("Vietnam", "livestream_duration", may),
              (midnight - start + end) * clock),
        Check("US: a seller’s profit on shipping “cut in half”", fact("US", "seller_profit_cut", after),
              ((shipping[0] - shipping[1]) / shipping[0]).percent()),
        Check("Days left in the year, from the end of the quarter", fact("Global", "days_left_in_year", Span.parse("2024H2")),
              Quantity.counted(report.quarter.rest_of_year.days, "day", "to 31 December") if report.quarter.rest_of_year
              else Quantity.unknown("days left")),
    ]  # fmt: skip


def _conflicts(report: Report, facts: pd.DataFrame) -> tuple[int, pd.DataFrame]:
    """Cells with more than one fact, and those of them whose figures cannot all be right."""
    shared, rows = 0, []
    for (_, market, metric, span), cell in facts.groupby(["platform", "market", "metric", "span"], sort=False):
        if len(cell) < 2:
            continue
        shared += 1
        figures = sorted((report.quantity(row) for _, row in cell.iterrows()), key=lambda q: q.value)
        low, high = figures[0], figures[-1]
        if low.value > 0 and not level(low, high) and not _leaves_room(low, high):
            name = f"{cell['platform'].iloc[0]}, {report.call(market)}: {report.ledger.vocabulary.call_metric(metric)}, {span.short}"
            rows.append((name, report.quantity(cell.iloc[0]), low, high, high / low))
    rows.sort(key=lambda row: (-row[4].value, row[0]))
    return shared, pd.DataFrame(rows, columns=["cell", "leads", "low", "high", "spread"])


def _leaves_room(low: Quantity, high: Quantity) -> bool:
    """Whether both figures can be true because one of them is only a floor or a ceiling."""
    one_sided = low.hedge in ("more than", "just over") or high.hedge in ("less than", "up to")
    return one_sided and high.value <= ROOM * low.value


def _coverage(report: Report) -> pd.DataFrame:
    """GMV facts that fall on each market and quarter of the report's year and the year before."""
    end = report.quarter.end.year
    quarters = [Span.months_of(year, month, 3) for year in (end - 1, end) for month in (1, 4, 7, 10)]
    quarters = [quarter for quarter in quarters if quarter.end <= report.quarter.end]
    vocabulary, facts = report.ledger.vocabulary, report.ledger.facts
    amounts = facts[(facts["platform"] == report.platform) & facts["metric"].isin(["gmv", "gmv_monthly_average", "gmv_daily_average"])]
    rows = []
    for market in dict.fromkeys(["Global", "SEA", *vocabulary.regions["SEA"], "US", "UK"]):
        own = amounts[amounts["market"] == market]
        for quarter in quarters:
            around = int(sum(span.overlap(quarter) > 0 for span in own["span"]))
            status = ("published" if report.gmv(market, quarter) else "around it" if around else "none")
            rank = ("published", "around it", "none").index(status)
            rows.append((vocabulary.names[market].removeprefix("the ").capitalize() if market == "Global" else market,
                         quarter.short, status, rank, str(around) if around else ""))  # fmt: skip
    return pd.DataFrame(rows, columns=["row", "column", "status", "rank", "count"])
