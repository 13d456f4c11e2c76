"""Evidence: the figures checked against each other, where sources disagree, what is covered, and every fact used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.facts.claims import HOLDS, ITSELF, LOOSELY, OPEN, OTHERS, Finding, audit, shown
from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span, dated
from analysis.model.estimates import Estimates, estimates
from analysis.model.market import Market, TooLittleKnown
from analysis.story import charts
from analysis.story.citation import cited
from analysis.story.prose import LEVEL, Sentence, phrase, say
from analysis.story.show import Figure, Table

# A floor or a ceiling ("more than", "up to") leaves room; this far from it, it misleads.
ROOM = 1.5
# Disputes that are listed, and those of them whose effect comes from fitting the model again.
LISTED, REFITTED = 40, 5
MANY = 5_000  # facts of the model, of which one hardly counts; to fit them again takes seconds
NAMED = 6  # facts that a note names, of a way of counting


@dataclass(frozen=True)
class Evidence:
    """How far the facts of the report can be trusted.

    Attributes
    ----------
    report : Report
    checks : list of Finding
        The claims of claims.toml, each with its verdict.
    conflicts : DataFrame
        Cells for which sources give unlike figures: `cell`, and the quantities `leads`, `low`, `high`; first those
        that move the verdict most, then the widest. `facts` are those that side with the leading figure.
    disputes : DataFrame
        `conflicts`, facts that do not fit and ways of counting that run high or low, by how much they move the
        verdict: `kind`, `what`, `figures`, and the quantities `moves` (median of the year's GMV without the facts that
        are left out, less that with them) and `chance` (of the target, without them).
    shared_cells, disputed_cells : Quantity
        Number of cells that more than one source fills, and of those in `conflicts`.
    coverage : DataFrame
        How each market (`row`) and quarter (`column`) is known: `status`, its `rank`, and `count` of GMV facts.
    facts : DataFrame
        Every fact of the view about the platform and its rival.
    misfits : DataFrame
        Facts that the market model cannot make fit with the others, worst first: `fact`, `what`, and the quantities
        `published`, `expected` (as its basis would count) and `z` (distance in units of its noise).
    unfit : Quantity
        Number of such facts, of which `misfits` has the worst.
    bases : DataFrame
        What each way of counting shows for a dollar that the company counts: `basis`, `facts`, and the quantities
        `median`, `low`, `high`.
    """

    report: Report
    checks: list[Finding]
    conflicts: pd.DataFrame
    disputes: pd.DataFrame
    shared_cells: Quantity
    disputed_cells: Quantity
    coverage: pd.DataFrame
    facts: pd.DataFrame
    misfits: pd.DataFrame
    unfit: Quantity
    bases: pd.DataFrame

    @property
    def headline(self) -> Sentence:
        failed = self._count(ITSELF) + self._count(OTHERS)
        if failed > 0:
            checked = failed + self._count(HOLDS) + self._count(LOOSELY)
            return say("Of {checked} that can be checked, {failed} contradict themselves or others", self,
                       checked=replace(checked, unit="claim"), failed=failed)  # fmt: skip
        if self.conflicts.empty:
            return say("No two sources disagree on a figure that was public by {report.as_of_label}", self)
        return say("Of {shared_cells} figures that more than one source gives, {disputed_cells} are in dispute", self)

    def _count(self, verdict: str) -> Quantity:
        count = sum(finding.verdict == verdict for finding in self.checks)
        return Quantity.counted(count, "", f"claims of claims.toml of which the verdict is “{verdict}”")

    @property
    def sentences(self) -> list[Sentence]:
        facts = self.facts
        inferred = int((facts["known_on_basis"] == "inferred").sum())
        return [
            say(
                "The report rests on {facts} from {sources}; for {inferred} the day of publication is a judgement.",
                facts=Quantity.counted(len(facts), "fact", "rows of facts.csv public by the report’s date"),
                sources=Quantity.counted(facts["source"].nunique(), "source"),
                inferred=Quantity.counted(inferred, "fact", "known_on_basis is inferred"),
            ),
            say(
                "{all} were put to the test: {hold} hold, {loosely} loosely; contradicting themselves: {itself}; "
                "contradicted by others: {others}; not to be checked yet: {open}.",
                all=Quantity.counted(len(self.checks), "claim", "rows of claims.toml") if self.checks else None,
                hold=self._count(HOLDS),
                loosely=self._count(LOOSELY),
                itself=self._count(ITSELF),
                others=self._count(OTHERS),
                open=self._count(OPEN),
            ),
            self._weight_sentence(),
            say(
                "Held against all others at once, {unfit} cannot be made to fit; the worst is {worst.what} ({fact}).",
                self,
                fact=cited(self.worst.fact) if self.worst else None,
            ),
            self._bases_sentence(),
        ]

    def _weight_sentence(self) -> Sentence:
        """The dispute on which the year's GMV hangs most."""
        if self.heaviest is None or not self.heaviest.moves.value:
            return Sentence()
        return say(
            "The dispute that weighs most is {heaviest.what} ({heaviest.figures}): decided the other way, the year "
            "would come to {size} {more}.",
            self,
            size=abs(self.heaviest.moves),
            more="more" if self.heaviest.moves > 0 else "less",
        )

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
    def heaviest(self) -> tuple | None:
        """The first row of `disputes`."""
        return next(self.disputes.itertuples(), None)

    def contradictions_table(self) -> Table:
        """The claims that do not hold."""
        return self._audited("evidence_contradictions", "What does not hold", [ITSELF, OTHERS])

    def checks_table(self) -> Table:
        return self._audited("evidence_checks", "Every claim, worked out again", [])

    def _audited(self, name: str, title: str, verdicts: list[str]) -> Table:
        rows = [
            (f.told, shown(f.printed) or "", shown(f.worked_out) or "", f.arithmetic, f.result)
            for f in self.checks
            if f.verdict in verdicts or not verdicts
        ]
        data = pd.DataFrame(rows, columns=["Claim", "As printed", "Worked out", "Arithmetic", "Verdict"])
        return Table(name, say(title), data, reference=not verdicts)

    def conflicts_chart(self) -> Figure:
        data = self.conflicts.drop(columns="facts").head(8).rename(columns={"cell": "label"})
        data["label"] = [label.text for label in data["label"]]
        title = say("The sources’ dispute that weighs most: {cell}", cell=next(iter(self.conflicts["cell"]), None))
        subtitle = "Lowest to highest figure, against the one the report quotes (blue)"
        return Figure("evidence_conflicts", title or say("No disputes"), subtitle, charts.ranges(data), data)

    def disputes_table(self) -> Table:
        columns = [
            "Dispute",
            "What",
            "Figures",
            "Decided the other way, the year moves by",
            "Chance of the target then",
        ]
        data = self.disputes.set_axis(columns, axis=1)
        if not any(data[columns[-1]]):  # no target is on record
            data = data[columns[:-1]]
        return Table("evidence_disputes", say("Disputes, by what hangs on them"), data)

    def misfits_table(self) -> Table:
        data = self.misfits.assign(fact=self.misfits["fact"].map(cited))
        data = data.set_axis(["Fact", "What", "Published", "The others say", "Distance"], axis=1)
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
        counts = [Quantity.counted(int(count or 0), "fact", "GMV facts about it") for count in self.coverage["count"]]
        data = self.coverage.assign(count=counts).drop(columns="rank")
        return Figure("evidence_coverage", title, subtitle, charts.grid(self.coverage), data)

    def facts_table(self) -> Table:
        facts, ledger = self.facts.sort_index(), self.report.ledger
        qualifier = facts["qualifier"].where(facts["qualifier"] != "exact", "")
        qualifier = qualifier + qualifier.map(lambda words: " " if words else "")
        columns = {
            "Fact": facts.index.map(cited),
            "Market": [self.report.call(market) for market in facts["market"]],
            "Measure": [cited(ledger.vocabulary.call_metric(metric)) for metric in facts["metric"]],
            "Period": [span.short for span in facts["span"]],
            "Figure": (qualifier + facts["value"] + " " + facts["unit"]).map(cited),
            "Basis": facts["basis"],
            "Confidence": facts["confidence"],
            "Public on": facts["known_on"].map(cited),
            "Source": facts["source"].map(cited),
        }
        return Table("evidence_facts", say("Every fact behind this report"), pd.DataFrame(columns), reference=True)

    def sources_table(self) -> Table:
        sources = self.report.ledger.sources
        used = sources[sources.index.isin(self.facts["source"])].sort_index().reset_index(names="source")
        data = used[["source", "title", "publisher", "published", "url"]].map(cited)
        data = data.set_axis(["Source", "Title", "Publisher", "Published", "Address"], axis=1)
        return Table("evidence_sources", say("Every source behind this report"), data, reference=True)


def review(report: Report) -> Evidence:
    """Everything the chapter says, from the facts of the report's view."""
    facts = report.ledger.facts
    facts = facts[facts["platform"].isin([report.platform, report.rival])]
    model = estimates(report)
    influence = _influence(model)
    shared, disputed, conflicts = _conflicts(report, facts, influence)
    models = (model, estimates(report, report.rival))
    misfits = pd.concat([_misfits(each) for each in models], ignore_index=True)
    unfit = sum(int(each.market.residuals()["conflict"].sum()) for each in models if each.market)
    bases = _bases(model)
    return Evidence(
        report=report,
        checks=audit(report),
        conflicts=conflicts,
        disputes=_disputes(model, influence, conflicts, misfits, bases),
        shared_cells=Quantity.counted(shared, "", "cells with two facts or more"),
        disputed_cells=Quantity.counted(disputed, "", "cells whose figures cannot all be right"),
        coverage=_coverage(report, model),
        facts=facts,
        misfits=misfits,
        unfit=Quantity.counted(unfit, "fact", "beyond three times their noise"),
        bases=bases,
    )


def named(cell: str) -> Sentence:
    """The name of a cell, with its period marked."""
    return Sentence(cell, dated(cell))


# What hangs on a dispute ------------------------------------------------------------------------------


def _influence(model: Estimates) -> pd.Series:
    """Log change of the year's GMV if a fact were left out of the model, to first order; without facts, empty."""
    if model.market is None:
        return pd.Series(dtype=float)
    try:
        return _plain(model.market).influence("Global", model.report.year)
    except TooLittleKnown:
        return pd.Series(dtype=float)


def _plain(market: Market) -> Market:
    """The model before any scenario: a dispute is about what was, not about what may come."""
    return replace(market, factor=np.ones_like(market.factor))


def _refitted(model: Estimates, facts: Iterable[str]) -> float:
    """Log change of the year's GMV without some facts, from fitting the model again; NaN if it then knows too little.

    At the mode of the parameters: of draws, the noise would drown most effects.
    """
    without = model.without(facts).market
    if without is None:
        return float("nan")
    totals = [_plain(market).total_at_mode("Global", model.report.year) for market in (without, model.market)]
    return float(np.log(totals[0] / totals[1]))


def _disputes(
    model: Estimates, influence: pd.Series, conflicts: pd.DataFrame, misfits: pd.DataFrame, bases: pd.DataFrame
) -> pd.DataFrame:
    """Whatever is in dispute, the heaviest first: columns kind, what, figures, moves, chance."""
    found = []
    for row in conflicts.itertuples():
        figures = phrase("{leads} quoted, {low} to {high} published", row)
        found.append(("two sources, one figure", row.cell, figures, row.facts))
    listed = {fact for facts in conflicts["facts"] for fact in facts}
    for row in misfits[~misfits["fact"].isin(listed)].itertuples():
        figures = phrase("{published}, where the others say {expected}", row)
        what = phrase("{what} ({fact})", fact=cited(row.fact), what=row.what)
        found.append(("does not fit the others", what, figures, (row.fact,)))
    biased = []
    for row in bases.itertuples():
        if row.low > 1 or row.high < 1:
            figures = phrase("{median} of the company’s count ({low} to {high})", row)
            facts = model.market.facts.index[model.market.facts["basis"] == row.basis]
            biased.append((f"counts too {'much' if row.low > 1 else 'little'}", row.basis, figures, tuple(facts)))
    found.sort(key=lambda dispute: -abs(_first_order(influence, dispute[-1])))  # stable: equal ones stay as they were
    rows = []
    for rank, (kind, what, figures, facts) in enumerate((biased + found)[:LISTED]):
        enter = [fact for fact in facts if fact in influence.index]
        refit = bool(enter) and rank < len(biased) + REFITTED and len(influence) < MANY
        change = _refitted(model, enter) if refit else _first_order(influence, enter)
        rows.append((kind, what, figures, *_effect(model, facts, enter, change, refit)))
    rows.sort(key=lambda row: -abs(row[3].value))
    return pd.DataFrame(rows, columns=["kind", "what", "figures", "moves", "chance"])


def _first_order(influence: pd.Series, facts: Iterable[str]) -> float:
    return float(influence.reindex(list(facts)).fillna(0).sum())


def _effect(
    model: Estimates, facts: Sequence[str], enter: Sequence[str], change: float, refit: bool
) -> tuple[Quantity, Quantity]:
    """What the year's GMV moves by, and the chance of the target, for a log change of the model's median.

    Of the `facts` in dispute only those that `enter` the model move it.
    """
    report, year = model.report, model.report.year
    origins = report.by_ids(facts[:NAMED])
    target = report.fact("Global", "gmv_target", year)
    if not enter:
        what = f"the market model of {report.platform} does not use {', '.join(facts[:NAMED])}"
        return Quantity(0.0, report.currency, what, origins), model.chance("Global", target)
    more = f" and {len(enter) - NAMED} more" if len(enter) > NAMED else ""
    how = "fitted again" if refit else "to first order"
    what = f"market model without {', '.join(enter[:NAMED])}{more}, {how}: change of the median of {year.short}"
    ratio = float(np.exp(change))
    median = model.gmv("Global", year).median
    # As many draws reach the target after they moved as reach it now, moved the other way.
    return Quantity(median.value * (ratio - 1), median.unit, what, origins), model.chance("Global", target / ratio)


def _misfits(model: Estimates) -> pd.DataFrame:
    """Facts beyond three times their noise from what the model expects."""
    columns = ["fact", "what", "published", "expected", "z"]
    if model.market is None:
        return pd.DataFrame(columns=columns)
    residuals, report, rows = model.market.residuals(), model.report, []
    for row in residuals[residuals["conflict"]].head(LISTED).itertuples():
        published = report.by_id(row.Index)
        # The model speaks of ratios: a growth of 5 % is 1.05 times the year before.
        one = 1.0 if row.measure == "growth" and published.unit == "%" else 0.0
        value = (published.value + one) * row.expected / row.published - one
        formula = f"market model, what the other facts make of {row.Index}"
        expected = Quantity(value, published.unit, formula, published.origins)
        formula = f"market model, distance of {row.Index} from the others in units of its noise"
        z = Quantity(round(row.z, 1), "", formula, published.origins)
        what = named(report.cell_name(report.ledger.facts.loc[row.Index]))
        rows.append((row.Index, what, published, expected, z))
    return pd.DataFrame(rows, columns=columns)


def _bases(model: Estimates) -> pd.DataFrame:
    """What each basis counts for a dollar of the company's, as far as the platform's facts tell."""
    columns = ["basis", "facts", "median", "low", "high"]
    if model.market is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for row in model.market.basis_bias().itertuples():
        facts = model.market.facts.index[model.market.facts["basis"] == row.basis]
        origins = model.report.by_ids(facts[:LISTED])
        formula = f"market model, bias of {row.basis}"
        share = [Quantity(v, "×", formula, origins) for v in (row.median, row.p10, row.p90)]
        rows.append((row.basis, Quantity.counted(row.facts, "fact"), *share))
    return pd.DataFrame(rows, columns=columns)


def _conflicts(report: Report, facts: pd.DataFrame, influence: pd.Series) -> tuple[int, int, pd.DataFrame]:
    """How many cells have more than one source, how many of them are in dispute, and the disputes that weigh most."""
    # A target that was revised is not in dispute.
    facts = facts[facts["kind"] != "target"]
    cell = facts.groupby(["platform", "market", "metric", "span"], sort=False).ngroup()
    facts = facts.assign(cell=cell, amount=_amounts(report, facts, cell))
    facts = facts[facts.groupby("cell")["source"].transform("nunique") > 1]
    ordered = facts.dropna(subset="amount").sort_values(["cell", "amount"], kind="stable").reset_index(names="id")
    cells = pd.DataFrame({"leads": facts.reset_index(names="id").groupby("cell")["id"].first()})
    for name, rows in (
        ("low", ordered.drop_duplicates("cell")),
        ("high", ordered.drop_duplicates("cell", keep="last")),
    ):
        rows = rows.set_index("cell")
        cells[[name, f"{name}_amount", f"{name}_qualifier"]] = rows[["id", "amount", "qualifier"]]
    ratio = cells["high_amount"] / cells["low_amount"]
    # Both can be true where one of them is only a floor or a ceiling.
    one_sided = cells["low_qualifier"].isin(["more than", "just over"])
    one_sided |= cells["high_qualifier"].isin(["less than", "up to"])
    unlike = (cells["low_amount"] > 0) & (1 - 1 / ratio > LEVEL) & ~(one_sided & (ratio <= ROOM))
    # Decided the other way, the facts that are nearer to the leading figure than to the one furthest from it are wrong.
    disputed = facts[facts["cell"].map(unlike).to_numpy()]
    lead, low, high = (disputed["cell"].map(amounts) for amounts in (
        cells["leads"].map(facts["amount"]), cells["low_amount"], cells["high_amount"]))  # fmt: skip
    other = low.where(lead / low > high / lead, high)
    wrong = disputed[np.abs(np.log(disputed["amount"] / lead)) < np.abs(np.log(disputed["amount"] / other))]
    weight = influence.reindex(wrong.index).fillna(0).groupby(wrong["cell"].to_numpy()).sum()
    found = cells[unlike].assign(weight=weight.reindex(cells.index[unlike]).abs(), ratio=ratio)
    rows = []
    for row in found.sort_values(["weight", "ratio"], ascending=False, kind="stable").head(LISTED).itertuples():
        lead = report.ledger.facts.loc[row.leads]
        name = named(report.cell_name(lead))
        side = tuple(wrong.index[wrong["cell"] == row.Index])
        rows.append((name, *(report.by_id(fact) for fact in (row.leads, row.low, row.high)), side))
    return len(cells), len(found), pd.DataFrame(rows, columns=["cell", "leads", "low", "high", "facts"])


def _amounts(report: Report, facts: pd.DataFrame, cell: pd.Series) -> pd.Series:
    """The numbers of facts, in the report's currency where those of a cell have several."""
    mixed = facts.groupby(cell)["of"].transform("nunique") > 1
    pairs = list(zip(facts["of"][mixed], facts["span"][mixed], strict=True))
    rates = {pair: report.convert(Quantity(1.0, pair[0]), pair[1]).value for pair in dict.fromkeys(pairs)}
    amounts = facts["number"].copy()
    amounts[mixed] *= [rates[pair] for pair in pairs]
    return amounts


def _coverage(report: Report, model: Estimates) -> pd.DataFrame:
    """How each market and quarter of the report's year and the year before is known, and how many facts touch it."""
    facts, end = report.ledger.facts, report.quarter.end
    quarters = [Span.months_of(year, month, 3) for year in (end.year - 1, end.year) for month in (1, 4, 7, 10)]
    quarters = [quarter for quarter in quarters if quarter.end <= end]
    gmv = facts["metric"].isin(["gmv", "gmv_monthly_average", "gmv_daily_average"])
    amounts = facts[(facts["platform"] == report.platform) & gmv]
    monthly = pd.DataFrame(columns=["market", "month", "status"]) if model.market is None else model.market.status
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
