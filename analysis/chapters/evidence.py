"""Evidence: the figures checked against each other, where sources disagree, what is covered, and every fact used."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.estimates import Estimates, estimates
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
    report : Report
    checks : list of Check
        Printed figures that others can confirm or contradict.
    conflicts : DataFrame
        Cells for which sources give unlike figures, widest first: `cell`, and the quantities `leads`, `low`, `high`.
    shared_cells, disputed_cells : Quantity
        Number of cells that more than one source fills, and of those in `conflicts`.
    coverage : DataFrame
        How each market (`row`) and quarter (`column`) is known: `status`, its `rank`, and `count` of GMV facts.
    facts : DataFrame
        Every fact of the view about the platform and its rival.
    misfits : DataFrame
        Facts that the market model cannot make fit with the others, worst first: `fact`, `what`, and the quantities
        `published`, `expected` (as its basis would count) and `z` (distance in units of its noise).
    bases : DataFrame
        What each way of counting shows for a dollar that the company counts: `basis`, `facts`, and the quantities
        `median`, `low`, `high`.
    """

    report: Report
    checks: list[Check]
    conflicts: pd.DataFrame
    shared_cells: Quantity
    disputed_cells: Quantity
    coverage: pd.DataFrame
    facts: pd.DataFrame
    misfits: pd.DataFrame
    bases: pd.DataFrame

    @property
    def headline(self) -> Sentence:
        if self.conflicts.empty:
            return say("No two sources disagree on a figure that was public by {report.as_of_label}", self)
        return say("Of {shared_cells} figures that more than one source gives, {disputed_cells} are in dispute", self)

    @property
    def sentences(self) -> list[Sentence]:
        facts, checks = self.facts, self.checks
        inferred = int((facts["known_on_basis"] == "inferred").sum())
        return [
            say(
                "The report rests on {facts} from {sources}; for {inferred} the day of publication is a judgement.",
                facts=Quantity.counted(len(facts), "fact", "rows of facts.csv public by the report’s date"),
                sources=Quantity.counted(facts["source"].nunique(), "source"),
                inferred=Quantity.counted(inferred, "fact", "known_on_basis is inferred"),
            ),
            say(
                "Of {all} that can be worked out a second way, {held} hold.",
                all=Quantity.counted(len(checks), "claim") if checks else None,
                held=Quantity.counted(sum(check.holds for check in checks), "", "claims that hold"),
            ),
            say("The widest dispute is over {widest.cell}: {widest.low} to {widest.high}.", self),
            say(
                "Held against all others at once, {misfits} cannot be made to fit; the worst is {worst.fact}, "
                "{worst.what}.",
                self,
                misfits=Quantity.counted(len(self.misfits), "fact", "beyond three times their noise"),
            ),
            self._bases_sentence(),
            say(
                "Where sources disagree, the report quotes the one with the most confidence, "
                "then the one closest to the count: official, company, leak, tracker, analyst, press."
            ),
        ]

    def _bases_sentence(self) -> Sentence:
        """How far the basis that differs most lies from the company's own count."""
        known = [row for row in self.bases.itertuples() if row.facts.value and row.median.value != 1]
        if not known:
            return Sentence()
        furthest = max(known, key=lambda row: abs(row.median.value - 1))
        return say("For a dollar that the company counts, a {basis} shows {median} ({low} to {high}).", furthest)

    @property
    def worst(self) -> tuple | None:
        """The first row of `misfits`."""
        return next(self.misfits.itertuples(), None)

    @property
    def widest(self) -> tuple | None:
        """The first row of `conflicts`."""
        return next(self.conflicts.itertuples(), None)

    def checks_table(self) -> Table:
        rows = [(c.claim, c.printed, c.computed, "holds" if c.holds else "does not hold") for c in self.checks]
        data = pd.DataFrame(rows, columns=["Claim", "As printed", "Worked out", "Verdict"])
        return Table("evidence_checks", say("Printed figures against arithmetic"), data)

    def conflicts_chart(self) -> Figure:
        data = self.conflicts.head(8).rename(columns={"cell": "label"})
        title = say("The widest dispute: {widest.cell}", self) or say("No disputes")
        subtitle = "Lowest to highest figure, against the one the report quotes (blue)"
        return Figure("evidence_conflicts", title, subtitle, charts.ranges(data), data)

    def conflicts_table(self) -> Table:
        data = self.conflicts.set_axis(["What", "The report quotes", "Lowest", "Highest"], axis=1)
        return Table("evidence_disputes", say("Where sources disagree"), data)

    def misfits_table(self) -> Table:
        data = self.misfits.set_axis(["Fact", "What", "Published", "The others say", "Distance"], axis=1)
        return Table("evidence_misfits", say("Facts that do not fit with the others"), data)

    def bases_chart(self) -> Figure:
        data = self.bases.rename(columns={"basis": "label"}).drop(columns="facts")
        title = say("What each way of counting shows for a dollar of the company’s")
        subtitle = "Estimated ratio to the company’s own count, with the band of four chances in five"
        return Figure("evidence_bases", title, subtitle, charts.bands(data), data)

    def coverage_chart(self) -> Figure:
        reported = int((self.coverage["rank"] == 0).sum())
        title = say(
            "{cells} of {all} market quarters have a figure of their own",
            cells=Quantity.counted(reported, "", "cells"),
            all=Quantity.counted(len(self.coverage), "", "markets times quarters"),
        )
        subtitle = "GMV by market and quarter: dark, reported; pale, inferred from a sum of markets; blank, unknown"
        return Figure("evidence_coverage", title, subtitle, charts.grid(self.coverage), self.coverage)

    def facts_table(self) -> Table:
        facts, ledger = self.facts.sort_index(), self.report.ledger
        columns = {
            "Fact": facts.index,
            "Market": [self.report.call(market) for market in facts["market"]],
            "Measure": [ledger.vocabulary.call_metric(metric) for metric in facts["metric"]],
            "Period": [span.short for span in facts["span"]],
            "Figure": [ledger.origin(fact).printed for _, fact in facts.iterrows()],
            "Basis": facts["basis"],
            "Confidence": facts["confidence"],
            "Public on": facts["known_on"],
            "Source": facts["source"],
        }
        return Table("evidence_facts", say("Every fact behind this report"), pd.DataFrame(columns), reference=True)

    def sources_table(self) -> Table:
        sources = self.report.ledger.sources
        used = sources[sources.index.isin(self.facts["source"])].sort_index().reset_index(names="source")
        data = used[["source", "title", "publisher", "published", "url"]]
        data = data.set_axis(["Source", "Title", "Publisher", "Published", "Address"], axis=1)
        return Table("evidence_sources", say("Every source behind this report"), data, reference=True)


def review(report: Report) -> Evidence:
    """Everything the chapter says, from the facts of the report's view."""
    facts = report.ledger.facts
    facts = facts[facts["platform"].isin([report.platform, report.rival])]
    shared, conflicts = _conflicts(report, facts)
    model = estimates(report)
    return Evidence(
        report=report,
        checks=[check for check in _checks(report) if check.printed and check.computed],
        conflicts=conflicts,
        shared_cells=Quantity.counted(shared, "", "cells with two facts or more"),
        disputed_cells=Quantity.counted(len(conflicts), "", "cells whose figures cannot all be right"),
        coverage=_coverage(report, model),
        facts=facts,
        misfits=pd.concat([_misfits(model), _misfits(estimates(report, report.rival))], ignore_index=True),
        bases=_bases(model),
    )


def _misfits(model: Estimates) -> pd.DataFrame:
    """Facts beyond three times their noise from what the model expects."""
    columns = ["fact", "what", "published", "expected", "z"]
    if model.market is None:
        return pd.DataFrame(columns=columns)
    residuals, report, rows = model.market.residuals(), model.report, []
    for row in residuals[residuals["conflict"]].itertuples():
        published = report.by_id(row.Index)
        # The model speaks of ratios: a growth of 5 % is 1.05 times the year before.
        one = 1.0 if row.measure == "growth" and published.unit == "%" else 0.0
        value = (published.value + one) * row.expected / row.published - one
        formula = f"market model, what the other facts make of {row.Index}"
        expected = Quantity(value, published.unit, formula, published.origins)
        z = Quantity.counted(round(row.z, 1), "", "in units of its noise")
        rows.append((row.Index, published.origins[0].what, published, expected, z))
    return pd.DataFrame(rows, columns=columns)


def _bases(model: Estimates) -> pd.DataFrame:
    """What each basis counts for a dollar of the company's, as far as the platform's facts tell."""
    columns = ["basis", "facts", "median", "low", "high"]
    if model.market is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for row in model.market.basis_bias().itertuples():
        facts = model.market.facts.index[model.market.facts["basis"] == row.basis]
        origins = model.report.by_ids(facts)
        formula = f"market model, bias of {row.basis}"
        share = [Quantity(v, "×", formula, origins) for v in (row.median, row.p10, row.p90)]
        rows.append((row.basis, Quantity.counted(row.facts, "fact"), *share))
    return pd.DataFrame(rows, columns=columns)


def _checks(report: Report) -> list[Check]:
    """The claims that other facts can test; those that lack a fact are left out by the caller."""
    fact = report.fact
    half, june, early, may = (Span.parse(text) for text in ("2024H1", "2024-06", "2024-01..2024-05", "2024-05"))
    first_half, target = report.gmv("US", half), fact("US", "gmv_target", half.year)
    shipping = "seller_shipping_margin_per_order"
    before, after = Span.parse("2024-08-25"), Span.parse("2024-08-26")
    earned, lost = fact("US", shipping, before), fact("US", shipping, after)
    start, end = fact("Vietnam", "livestream_start_hour", may), fact("Vietnam", "livestream_end_hour", may)
    clock, midnight = Quantity.counted(1, "hour") / Quantity.counted(1, "o'clock"), Quantity.counted(24, "o'clock")
    second = Span.parse("2024H2")
    return [
        Check(
            "US: share of the target after the first half",
            fact("US", "target_completion", half),
            (first_half / target).percent(),
        ),
        Check(
            "US: January to May, from the half-year less June",
            fact("US", "gmv", early),
            first_half - report.gmv("US", june),
        ),
        Check(
            "US: share of the target after May",
            fact("US", "target_completion", early),
            ((first_half - report.gmv("US", june)) / target).percent(),
        ),
        Check(
            "Thailand: GMV of May, from the daily figure",
            fact("Thailand", "gmv", may),
            fact("Thailand", "gmv_daily_average", may) * Quantity.counted(may.days, "day"),
        ),
        Check(
            "Vietnam: length of the livestream, from its hours",
            fact("Vietnam", "livestream_duration", may),
            (midnight - start + end) * clock,
        ),
        Check(
            "US: a seller’s profit on shipping “cut in half”",
            fact("US", "seller_profit_cut", after),
            ((earned - lost) / earned).percent(),
        ),
        Check(
            f"Days left in the year, from the first day of {second.label} on",
            fact("Global", "days_left_in_year", second),
            Quantity.counted(second.days, "day", "to 31 December"),
        ),
    ]


def _conflicts(report: Report, facts: pd.DataFrame) -> tuple[int, pd.DataFrame]:
    """Cells with more than one fact, and those of them whose figures cannot all be right."""
    # A target that was revised is not in dispute.
    cells = facts[facts["kind"] != "target"].groupby(["platform", "market", "metric", "span"], sort=False)
    shared = {key: cell for key, cell in cells if cell["source"].nunique() > 1}
    rows = []
    for (platform, market, metric, span), cell in shared.items():
        figures = [report.quantity(row) for _, row in cell.iterrows()]
        low, *_, high = sorted(figures, key=lambda figure: figure.value)
        if low.value > 0 and not level(low, high) and not _leaves_room(low, high):
            measure = report.ledger.vocabulary.call_metric(metric)
            name = f"{platform}, {report.call(market)}: {measure}, {span.short}"
            rows.append((name, figures[0], low, high))
    rows.sort(key=lambda row: (-(row[3] / row[2]).value, row[0]))
    return len(shared), pd.DataFrame(rows, columns=["cell", "leads", "low", "high"])


def _leaves_room(low: Quantity, high: Quantity) -> bool:
    """Whether both figures can be true because one of them is only a floor or a ceiling."""
    one_sided = low.hedge in ("more than", "just over") or high.hedge in ("less than", "up to")
    return one_sided and high.value <= ROOM * low.value


def _coverage(report: Report, model: Estimates) -> pd.DataFrame:
    """How each market and quarter of the report's year and the year before is known, and how many facts touch it."""
    facts, end = report.ledger.facts, report.quarter.end
    quarters = [Span.months_of(year, month, 3) for year in (end.year - 1, end.year) for month in (1, 4, 7, 10)]
    quarters = [quarter for quarter in quarters if quarter.end <= end]
    gmv = facts["metric"].isin(["gmv", "gmv_monthly_average", "gmv_daily_average"])
    amounts = facts[(facts["platform"] == report.platform) & gmv]
    monthly = pd.DataFrame(columns=["market", "month", "status"]) if model.market is None else model.market.monthly()
    status = monthly.set_index(["market", "month"])["status"]
    ranks = {"reported": 0, "inferred": 1, "unknown": 2}
    rows = []
    for market in dict.fromkeys([*report.ledger.vocabulary.regions["SEA"], "US", "UK"]):
        spans = amounts["span"][amounts["market"] == market]
        for quarter in quarters:
            months = pd.period_range(quarter.start, quarter.end, freq="M")
            known = [status.get((market, month), "unknown") for month in months]
            worst = max(known, key=ranks.__getitem__)
            around = sum(span.overlap(quarter) > 0 for span in spans)
            rows.append((market, quarter.short, worst, ranks[worst], str(around or "")))
    return pd.DataFrame(rows, columns=["row", "column", "status", "rank", "count"])
