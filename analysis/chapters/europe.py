"""Europe: what was planned, what happened, and how much it would have to bring to close the gap."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.estimates import Band, estimates
from analysis.launches import SITES, planned_launch
from analysis.pace import Pace, pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, listing, maybe, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span

COMMISSION = Span.parse("2024-09")  # the month in which the UK's commission changed


@dataclass(frozen=True)
class Europe:
    """What is known of the platform in Europe by the report's date.

    Attributes
    ----------
    report : Report
    planned : Span or None
        Month for which the launch of the new sites was planned.
    opened : dict of str to Span
        Day or month on which each new site opened, as far as known.
    sites, staff : Quantity
        Sites of the launch; people hired for it.
    world : Pace
    months_left, needed : Quantity
        Months from the planned launch to the end of the year; money a month that the new sites would need over them
        to close the world's gap.
    stretch : Quantity
        `needed` as a multiple of what the whole platform sells a month so far.
    uk : Reading or None
        GMV of the UK, the one European market with a history.
    uk_since : Span or None
        Day or month on which the UK opened.
    uk_growth : tuple of Quantity
        The lowest and the highest growth that sources give for the UK in the year.
    uk_commission : tuple of Quantity
        The platform's share of a sale in the UK, before and after it changed.
    users : list of (str, Quantity)
        Monthly users of rivals in the EU.
    parcels : list of (Span, Quantity)
        Parcels that came into the EU below the duty-free limit, oldest first.
    markets : DataFrame
        The latest published size of each market, money: `Market`, `Period`, `Online sales`, `What it counts`.
    uk_estimate : Band
        What the market model makes of the UK for the year, money.
    """

    report: Report
    planned: Span | None
    opened: dict[str, Span]
    sites: Quantity
    staff: Quantity
    world: Pace
    months_left: Quantity
    needed: Quantity
    stretch: Quantity
    uk: Reading | None
    uk_since: Span | None
    uk_growth: tuple[Quantity, Quantity]
    uk_commission: tuple[Quantity, Quantity]
    users: list[tuple[str, Quantity]]
    parcels: list[tuple[Span, Quantity]]
    markets: pd.DataFrame
    uk_estimate: Band

    @property
    def names(self) -> str:
        """The new sites, as a sentence calls them."""
        return self.report.call(SITES)

    @property
    def openings(self) -> Sentence:
        """Which site opened when; empty if none has."""
        days = [(name, span, "on" if span.days == 1 else "in") for name, span in self.opened.items()]
        return listing([phrase("{name} {at} {span}", name=name, at=at, span=span) for name, span, at in days])

    @property
    def headline(self) -> Sentence:
        if self.opened:
            late = say("{names} opened later than the planned {planned}: {openings}", self)
            return late or say("New sites opened: {openings}", self)
        if self.planned and self.report.as_of > self.planned.end:
            return say("{names}, planned for {planned}, had not opened by {report.as_of_label}", self)
        return (
            say(
                "From {planned} on, {names} would need {stretch} what all of {report.platform} sells now "
                "to close the gap",
                self,
            )
            or say("{names} are planned for {planned}", self)
            or say("No launch in Europe beyond the UK was announced by {report.as_of_label}", self)
        )

    @property
    def sentences(self) -> list[Sentence]:
        over = self.planned is not None and self.report.as_of > self.planned.end
        users = [phrase("{platform} has {users}", platform=platform, users=users) for platform, users in self.users]
        parcels = [phrase("{parcels} in {year}", parcels=parcels, year=year) for year, parcels in self.parcels]
        before, after = self.uk_commission
        return [
            say("The plan was to open {sites}, {names}, in {planned}, with {staff} hired for it.", self),
            say("The sites opened: {openings}.", self) if self.planned else Sentence(),
            say(
                "That {leaves} {months_left} of the year: to close the gap of {world.gap} the new sites would {need} "
                "{needed.amount} a month, against {world.achieved.amount} a month for the whole platform so far.",
                self,
                leaves="would have left" if over else "leaves",
                need="have needed" if over else "need",
            ),
            self._uk_sentence(),
            say(
                "There the commission went from {before} to {after} in {span}.",
                before=before,
                after=after,
                span=COMMISSION,
            ),
            say("Rivals are there already: in an average month {users} in the EU.", users=listing(users)),
            say(
                "Parcels that enter the EU free of duty went from {first} to {last}.",
                first=parcels[0],
                last=parcels[-1],
            )
            if len(parcels) > 1
            else Sentence(),
        ]

    def _uk_sentence(self) -> Sentence:
        low, high = self.uk_growth
        growth = ", {low} to {high} more than a year earlier, depending on the source"
        if not high > low:
            growth = ", {low} more than a year earlier"
        told = say(
            "The UK, open since {uk_since}, sold {uk.gmv} in {uk.span}{growth}.",
            self,
            growth=maybe(growth, low=low, high=high),
        )
        if told or self.opened:
            return told
        return say(
            "Its one market in Europe by {report.as_of_label}, the UK, has been open since {uk_since}; no GMV of it "
            "for {report.year} is published{estimate}.",
            self,
            estimate=maybe(
                ", and all figures together point to {uk_estimate.median} ({uk_estimate.low} to {uk_estimate.high})",
                self,
            ),
        )

    def needed_chart(self) -> Figure:
        rows = [
            (f"Needed from {self.names}", self.needed, True),
            (f"All of {self.report.platform} so far", self.world.achieved, False),
        ]
        if self.uk:
            rows.append((f"UK, {self.uk.span.short}", self.uk.monthly, False))
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("What Europe sells and would have to sell")
        if self.stretch:
            verb = than(self.needed, self.world.achieved, "more than", "less than", "what")
            title = say("New sites would need {verb} the whole platform sells now", verb=verb)
        return Figure("europe_needed", title, f"GMV a month, {self.report.currency}", charts.bars(data), data)

    def users_chart(self) -> Figure:
        data = pd.DataFrame(self.users, columns=["label", "value"])
        title = say("Rivals’ users in the EU")
        if len(self.users) > 1:
            names = listing([phrase("{name}", name=name) for name, _ in self.users])
            title = say("{names} have the users already", names=names)
        subtitle = "Average monthly users in the EU, as disclosed under the Digital Services Act"
        return Figure("eu_users", title, subtitle, charts.bars(data), data)

    def markets_chart(self) -> Figure:
        data = self.markets.rename(columns={"Market": "label", "Online sales": "value"})
        if len(data):
            data["label"] = data["label"] + ", " + data["Period"]
        largest = next((market for market in self.markets["Market"] if market != "Europe"), None)
        title = say("{largest} is the largest market with a published size", largest=largest)
        subtitle = f"Online sales, {self.report.currency}; each source draws its own borders"
        fallback = say("Size of European e-commerce")
        return Figure("europe_markets", title or fallback, subtitle, charts.bars(data), data)

    def timeline_chart(self) -> Figure:
        ledger = self.report.ledger
        members = {*ledger.vocabulary.regions["Europe"], "EU", "Europe"}
        here = ledger.events["market"].map(lambda names: not members.isdisjoint(names.split(", ")))
        events = ledger.events[here.astype(bool)]
        data = pd.DataFrame({"day": events["start"], "label": events["event"], "source": events["source"]})
        subtitle = "Events that were public by the report’s date"
        return Figure("europe_events", say("Europe, step by step"), subtitle, charts.timeline(data), data)

    def markets_table(self) -> Table:
        return Table("europe_market_sizes", say("How large the markets are"), self.markets)


def review(report: Report) -> Europe:
    """Everything the chapter says, from the facts of the report's view."""
    planned, world = planned_launch(report), pace(report, "Global")
    months = _months_left(report, planned)
    needed = world.gap / months
    launches = {market: _launch(report, market) for market in SITES.split(", ")}
    nothing = Quantity.unknown("the figure for Europe")
    growth = _quantities(report, report.rows("UK", "gmv_growth_yoy", within=report.year)) or [nothing]
    commission = _quantities(report, report.rows("UK", "commission").sort_values("start"))
    rivals = dict.fromkeys((report.rival, "SHEIN"))
    users = [(name, report.rows("EU", "average_monthly_active_users", name)) for name in rivals]
    parcels = report.rows("EU", "duty_free_parcels_below_150_eur", "All platforms").sort_values("start")
    staff = _quantities(report, report.rows("Spain", "staff"))
    return Europe(
        report=report,
        planned=planned,
        opened={market: span for market, span in launches.items() if span},
        sites=report.fact("Spain", "sites_in_launch", planned) if planned else nothing,
        staff=staff[0] if staff else nothing,
        world=world,
        months_left=months,
        needed=needed,
        stretch=needed / world.achieved,
        uk=report.year_to_date("UK"),
        uk_since=_launch(report, "UK"),
        uk_growth=(min(growth, key=lambda q: q.value), max(growth, key=lambda q: q.value)),
        uk_commission=(commission[0], commission[1]) if len(commission) > 1 else (nothing, nothing),
        users=[(name, report.quantity(rows.iloc[0])) for name, rows in users if len(rows)],
        parcels=list(zip(parcels["span"], _quantities(report, parcels), strict=True)),
        markets=_market_sizes(report),
        uk_estimate=estimates(report).gmv("UK", report.year),
    )


def _quantities(report: Report, rows: pd.DataFrame) -> list[Quantity]:
    return [report.quantity(row) for _, row in rows.iterrows()]


def _launch(report: Report, market: str) -> Span | None:
    event = report.ledger.event(report.platform, market, "launch")
    return None if event is None else event["span"]


def _months_left(report: Report, planned: Span | None) -> Quantity:
    """Months of the year from the planned launch on."""
    if planned is None:
        return Quantity.unknown("a planned launch")
    plan = report.fact(SITES, "planned_launch_month", planned)
    how = f"months from {planned.label} on ({plan.formula})"
    return Quantity(13.0 - planned.start.month, "month", how, plan.origins)


def _market_sizes(report: Report) -> pd.DataFrame:
    """The latest published size of each European market, and of Europe, largest first."""
    facts, vocabulary = report.ledger.facts, report.ledger.vocabulary
    metrics = ["e_commerce_turnover", "b2c_e_commerce_turnover", "online_goods_sales_gross"]
    rows = facts[facts["metric"].isin(metrics) & (facts["platform"] == "All platforms")]
    rows = rows[rows["market"].isin([*vocabulary.markets, "Europe"])]
    rows = rows[rows["span"].map(lambda span: span.months == 12).astype(bool)]
    rows = rows.sort_values("end", ascending=False, kind="stable").drop_duplicates("market")
    sizes = [
        (report.call(row["market"]), row["span"].short, report.quantity(row), vocabulary.metrics[row["metric"]][1])
        for _, row in rows.iterrows()
    ]
    sizes.sort(key=lambda size: -size[2].value)
    return pd.DataFrame(sizes, columns=["Market", "Period", "Online sales", "What it counts"])
