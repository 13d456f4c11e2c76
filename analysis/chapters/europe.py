"""Europe: what was planned, what happened, and how much it would have to bring to close the gap."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import charts
from analysis.launches import SITES, planned_launch
from analysis.pace import pace
from analysis.page import Figure, Table
from analysis.prose import Sentence, listing, maybe, phrase, say, than
from analysis.quantity import Quantity
from analysis.report import Reading, Report
from analysis.span import Span


@dataclass(frozen=True)
class Europe:
    """What is known of the platform in Europe by the report's date.

    Attributes
    ----------
    planned : Span or None
        Month for which the launch of the new sites was planned.
    opened : dict of str to Span
        Day or month on which each new site opened, as far as known.
    sites, staff : Quantity
        Sites of the launch; people hired for it.
    gap, months_left, needed, present : Quantity
        What is missing to the world target, money; months from the planned launch to the end of the year; money a
        month that the new sites would need to close the gap; the whole platform's GMV a month so far.
    stretch : Quantity
        `needed` as a multiple of `present`.
    uk : Reading or None
        GMV of the UK, the one European market with a history.
    uk_growth : list of Quantity
        What sources say of the UK's growth in the year.
    users : list of (str, Quantity)
        Monthly users of rivals in the EU.
    parcels : list of (Span, Quantity)
        Parcels that came into the EU below the duty-free limit.
    """

    report: Report
    planned: Span | None
    opened: dict[str, Span]
    sites: Quantity
    staff: Quantity
    gap: Quantity
    months_left: Quantity
    needed: Quantity
    present: Quantity
    stretch: Quantity
    uk: Reading | None
    uk_growth: list[Quantity]
    uk_commission: tuple[Quantity, Quantity]
    users: list[tuple[str, Quantity]]
    parcels: list[tuple[Span, Quantity]]
    markets: pd.DataFrame

    @property
    def _opened(self) -> Sentence:
        return listing([phrase("{market} {day}", market=market, day=_when(span)) for market, span in self.opened.items()])

    @property
    def headline(self) -> Sentence:
        report, names = self.report, self.report.call(SITES)
        planned = self.planned or ""
        if self.opened:
            if self.planned:
                return say("{sites} opened later than the planned {planned}: {opened}",
                           sites=names, planned=planned, opened=self._opened)  # fmt: skip
            return say("New sites opened: {opened}", opened=self._opened)
        if self.planned and report.as_of > self.planned.end:
            return say("{sites}, planned for {planned}, had not opened by {day}",
                       sites=names, planned=planned, day=report.as_of_label)  # fmt: skip
        return say("From {planned} on, {sites} would need {stretch} what all of {platform} sells now to close the gap",
                   sites=names, planned=planned, stretch=self.stretch, platform=report.platform) or say(
            "{sites} are planned for {planned}", sites=names, planned=planned) or say(
            "No launch in Europe beyond the UK was announced by {day}", day=report.as_of_label)  # fmt: skip

    @property
    def sentences(self) -> list[Sentence]:
        report, uk = self.report, self.uk
        planned = self.planned or ""
        low, high = (min(self.uk_growth, key=lambda q: q.value), max(self.uk_growth, key=lambda q: q.value)
                     ) if self.uk_growth else ("", "")  # fmt: skip
        users = [phrase("{platform} has {users}", platform=platform, users=users) for platform, users in self.users]
        first, last = (self.parcels[0], self.parcels[-1]) if len(self.parcels) > 1 else ((None, ""), (None, ""))
        return [
            say("The plan was to open {sites} in {planned}, with {staff} hired for it.",
                sites=report.call(SITES), planned=planned, staff=self.staff),
            say("They opened {opened}.", opened=self._opened) if self.planned else Sentence(),
            say("That {leaves} {months} of the year: to close the gap of {gap} the new sites would {need} {needed} a month, "
                "against {present} a month for the whole platform so far.",
                leaves="left" if report.as_of > report.year.end else "leaves", months=self.months_left, gap=self.gap,
                need="have needed" if report.as_of > report.year.end else "need",
                needed=self.needed.amount, present=self.present.amount),
            say("The UK, open since {since}, sold {gmv} in {span}{growth}.",
                since=self._uk_since or "", gmv=uk.gmv if uk else "", span=uk.span if uk else "",
                growth=maybe(", {low} to {high} more than a year earlier, depending on the source", low=low, high=high)
                if high is not low else maybe(", {low} more than a year earlier", low=low))
            or say("Its one market in Europe by {day}, the UK, has been open since {since}; no GMV of it for {year} is published.",
                   day=report.as_of_label if not self.opened else "", since=self._uk_since or "", year=report.year),
            say("There the commission went from {before} to {after} in {span}.", before=self.uk_commission[0],
                after=self.uk_commission[1], span=Span.parse("2024-09")),
            say("Rivals are there already: in an average month {users} in the EU.", users=listing(users)),
            say("Parcels that enter the EU free of duty went from {first} in {before} to {last} in {after}.", first=first[1], before=first[0] or "", last=last[1], after=last[0] or ""),
        ]  # fmt: skip

    @property
    def _uk_since(self) -> Span | None:
        event = self.report.ledger.event(self.report.platform, "UK", "launch")
        return None if event is None else event["span"]

    def needed_chart(self) -> Figure:
        rows = [(f"Needed from {self.report.call(SITES)}", self.needed, True),
                (f"All of {self.report.platform} so far", self.present, False)]  # fmt: skip
        if self.uk:
            rows.append((f"UK, {self.uk.span.short}", self.uk.monthly, False))
        data = pd.DataFrame(rows, columns=["label", "value", "lead"])
        title = say("New sites would need {verb} the whole platform sells now",
                    verb=than(self.needed, self.present, "more than", "less than", "what") if self.stretch else "")  # fmt: skip
        return Figure("europe_needed", title or say("What Europe sells and would have to sell"),
                      f"GMV a month, {self.report.currency}", charts.bars(data), data)  # fmt: skip

    def users_chart(self) -> Figure:
        data = pd.DataFrame(self.users, columns=["label", "value"])
        names = listing([phrase("{name}", name=name) for name, _ in self.users])
        title = say("{names} have the users already", names=names) if len(self.users) > 1 else None
        return Figure("eu_users", title or say("Rivals’ users in the EU"),
                      "Average monthly users in the EU, as disclosed under the Digital Services Act",
                      charts.bars(data), data)  # fmt: skip

    def markets_chart(self) -> Figure:
        data = self.markets.rename(columns={"Market": "label", "Online sales": "value"})
        if len(data):
            data["label"] = data["label"] + ", " + data["Period"]
        largest = next((market for market in self.markets["Market"] if market != "Europe"), "")
        title = say("{first} is the largest market with a published size", first=largest) or say("Size of European e-commerce")  # fmt: skip
        return Figure("europe_markets", title, f"Online sales, {self.report.currency}; each source draws its own borders",
                      charts.bars(data), data)  # fmt: skip

    def timeline_chart(self) -> Figure:
        ledger = self.report.ledger
        members = {*ledger.vocabulary.regions["Europe"], "EU", "Europe"}
        events = ledger.events[ledger.events["market"].map(lambda names: bool(members & set(names.split(", ")))).astype(bool)]
        data = pd.DataFrame({"day": events["start"], "label": events["event"], "source": events["source"]})
        return Figure("europe_events", say("Europe, step by step"), "Events that were public by the report’s date",
                      charts.timeline(data), data)  # fmt: skip

    def markets_table(self) -> Table:
        return Table("europe_market_sizes", say("How large the markets are"), self.markets)


def review(report: Report) -> Europe:
    """Everything the chapter says, from the facts of the report's view."""
    ledger = report.ledger
    planned = planned_launch(report)
    world = pace(report, "Global")
    months = Quantity.unknown("a planned launch")
    if planned:
        count = 12 - planned.start.month + 1
        plan = report.fact(SITES, "planned_launch_month", planned)
        months = Quantity(float(count), "month", f"months from {planned.label} on ({plan.formula})", plan.origins)
    needed = world.gap / months
    opened = {}
    for market in SITES.split(", "):
        event = ledger.event(report.platform, market, "launch")
        if event is not None:
            opened[market] = event["span"]
    growth = [report.quantity(row) for _, row in report.rows("UK", "gmv_growth_yoy", within=report.year).iterrows()]
    users = [(platform, report.quantity(rows.iloc[0])) for platform in (report.rival, "SHEIN")
             if len(rows := report.rows("EU", "average_monthly_active_users", platform))]  # fmt: skip
    parcels = report.rows("EU", "duty_free_parcels_below_150_eur", "All platforms").sort_values("start")
    commission = report.rows("UK", "commission").sort_values("start")
    return Europe(
        report=report,
        planned=planned,
        opened=opened,
        sites=report.fact("Spain", "sites_in_launch", planned) if planned else Quantity.unknown("sites of the launch"),
        staff=_latest(report, "Spain", "staff"),
        gap=world.gap,
        months_left=months,
        needed=needed,
        present=world.achieved,
        stretch=needed / world.achieved,
        uk=report.year_to_date("UK"),
        uk_growth=growth,
        uk_commission=tuple(report.quantity(row) for _, row in commission.iterrows())[:2]
        if len(commission) > 1 else (Quantity.unknown("commission in the UK"),) * 2,
        users=users,
        parcels=[(row["span"], report.quantity(row)) for _, row in parcels.iterrows()],
        markets=_market_sizes(report),
    )  # fmt: skip


def _latest(report: Report, market: str, metric: str) -> Quantity:
    rows = report.rows(market, metric)
    return report.quantity(rows.iloc[0]) if len(rows) else Quantity.unknown(f"{metric} in {report.call(market)}")


def _market_sizes(report: Report) -> pd.DataFrame:
    """The latest published size of each European market, and of Europe, largest first."""
    metrics = ["e_commerce_turnover", "b2c_e_commerce_turnover", "online_goods_sales_gross"]
    facts = report.ledger.facts
    rows = facts[facts["metric"].isin(metrics) & (facts["platform"] == "All platforms")]
    single = {*report.ledger.vocabulary.markets, "Europe"}
    rows = rows[rows["span"].map(lambda span: span.months == 12).astype(bool) & rows["market"].isin(single)]
    rows = rows.sort_values("end", ascending=False, kind="stable").drop_duplicates("market")
    sizes = [(report.call(row["market"]), row["span"].short, report.quantity(row), report.ledger.vocabulary.metrics[row["metric"]][1])
             for _, row in rows.iterrows()]  # fmt: skip
    sizes.sort(key=lambda size: -size[2].value)
    return pd.DataFrame(sizes, columns=["Market", "Period", "Online sales", "What it counts"])


def _when(span: Span) -> Sentence:
    return phrase("on {day}" if span.days == 1 else "in {day}", day=span)
