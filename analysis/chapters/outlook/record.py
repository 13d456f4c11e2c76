"""The track record: forecasts of earlier quarters, scored against what was published later."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.facts.quantity import Quantity
from analysis.facts.report import Report
from analysis.facts.span import Span
from analysis.model.track_record import earlier_quarters, score, track_record
from analysis.story.prose import Sentence, say
from analysis.story.show import Table


@dataclass(frozen=True)
class Record:
    """How earlier forecasts did.

    Attributes
    ----------
    report : Report
    forecasts : DataFrame
        One for each earlier quarter and market, as `track_record` gives them.
    """

    report: Report
    forecasts: pd.DataFrame

    @property
    def details(self) -> list[Sentence]:
        """How earlier forecasts did, with the smallness of the sample."""
        record = self.forecasts
        if record.empty:
            return [say("No earlier forecast can be scored yet: nothing has been published since about its year.")]
        world, counted = record[record["market"] == "Global"], Quantity.counted
        above = int((world["median"] > world["published"]).sum())
        return [
            say(
                "Of {forecasts} of a year, made in earlier quarters, {inside} held the figure published later in their "
                "band; {expected} should. They are few, and those of one year are not independent.",
                forecasts=counted(len(record), "forecast", "markets times quarters"),
                inside=counted(int(record["inside"].sum()), "", "figures inside the band"),
                expected=counted(round(0.8 * len(record)), "", "four fifths of the forecasts"),
            ),
            _score_sentence("all markets", record),
            _score_sentence("the world", world) if len(world) < len(record) else Sentence(),
            say(
                "Of those for the world, {above} of {all} stood above the figure that came.",
                above=counted(above, "", "medians above the figure") if len(world) else None,
                all=counted(len(world), "forecast"),
            ),
        ]

    def table(self) -> Table:
        convert, call, by_ids = self.report.convert, self.report.call, self.report.by_ids
        rows = [
            (
                r.quarter,
                call(r.market),
                *(
                    convert(
                        Quantity(v, "USD", f"forecast of {r.quarter}, {what}", by_ids(r.drivers)), Span.parse(r.year)
                    )
                    for v, what in ((r.median, "median"), (r.p10, "10th percentile"), (r.p90, "90th percentile"))
                ),
                self.report.by_id(r.fact),
                "yes" if r.inside else "no",
            )
            for r in self.forecasts.itertuples()
        ]
        columns = ["Made in", "Of", "Forecast", "Low", "High", "Published later", "Inside"]
        title = say("Earlier forecasts of the year, and what came")
        return Table("outlook_track_record", title, pd.DataFrame(rows, columns=columns), reference=len(rows) > 12)


def forecasts_so_far(report: Report) -> Record:
    """The forecasts of the four quarters before."""
    return Record(report, track_record(report.ledger, report.platform, earlier_quarters(report.quarter)))


def _score_sentence(what: str, record: pd.DataFrame) -> Sentence:
    """Mean interval scores of the model and the two baselines, and where the model went wrong if one was closer."""
    compared = record.dropna(subset="run_rate_score")
    if compared.empty:
        return Sentence()
    scored = score(compared)
    figures = {"a straight line": scored.run_rate, "last year’s seasons": scored.seasonal}
    closer = [name for name, value in figures.items() if value < scored.model]
    means = [
        Quantity.counted(round(value, 2), "", "mean interval score") for value in (scored.model, *figures.values())
    ]
    above = (compared["median"] > compared["published"]).mean() > 0.5
    told = say(
        "By the interval score (less is better) the model has {model} for {forecasts} of {what} that a baseline can be "
        "made for, a straight line {line}, last year’s seasonal path {season}.",
        what=what,
        forecasts=Quantity.counted(len(compared), "forecast", "with a figure of the year to start from"),
        **dict(zip(("model", "line", "season"), means, strict=True)),
    )
    return told + say(
        "So {closer} did better; most of the model’s medians were too {side}.",
        closer=" and ".join(closer),
        side="high: it lets young markets grow on as others did, and brakes too late" if above else "low",
    )
