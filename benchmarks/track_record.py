"""How the model's forecasts did, over all platforms and quarters on record: the table of docs/track_record.md.

`python -m benchmarks.track_record` writes it below the words of that page; it takes some two minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.facts.ledger import Ledger, read_ledger
from analysis.model.observations import WORLD
from analysis.model.track_record import BASELINES, quarters_with_figures, scores, track_record

PAGE = Path(__file__).parents[1] / "docs" / "track_record.md"


def table(ledger: Ledger) -> str:
    """The record of all platforms as Markdown."""
    records = [track_record(ledger, name, quarters_with_figures(ledger, name)) for name in ledger.vocabulary.platforms]
    record = pd.concat([found for found in records if len(found)], ignore_index=True)
    record["part"] = record["market"].where(record["market"] == WORLD, "markets")
    scored = scores(record, ["platform", "part", "length"])
    for name in BASELINES:
        beaten = np.where(scored["model"] < scored[name], " (beaten)", " (not beaten)")
        scored[name] = np.where(scored[name].isna(), "", scored[name].map("{:.2f}".format) + beaten)
    scored["model"] = scored["model"].map("{:.2f}".format).replace("nan", "")
    scored["few"] = np.where(scored["few"], "few", "")
    rows = [scored.columns, ["---"] * scored.shape[1], *scored.round({"ratio": 2}).astype(str).to_numpy()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    words, _, _ = PAGE.read_text(encoding="utf-8").partition("|")
    PAGE.write_text(words + table(read_ledger()), encoding="utf-8")
