"""How long the market model takes, as facts grow; each time as a multiple of the shipped facts' in the same run."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from datetime import date

import pandas as pd

from analysis.ledger import Ledger, read_ledger
from analysis.market import fit
from analysis.observations import observe
from analysis.span import Span

AS_OF, YEAR, REPEATS = date(2024, 8, 29), Span.parse("2024"), 5


def copies(ledger: Ledger, facts: int) -> Ledger:
    """The ledger with its facts repeated, each under an id of its own, until there are so many."""
    times = -(-facts // len(ledger.facts))
    parts = [ledger.facts.set_axis(f"{n}-" + ledger.facts.index, axis=0) for n in range(times)]
    return replace(ledger, facts=pd.concat(parts).iloc[:facts], _rates={})


def seconds(action, repeats: int = REPEATS) -> float:
    """Median time of an action."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def main() -> None:
    ledger = read_ledger().known_by(AS_OF)
    shipped = observe(ledger, "TikTok Shop")
    base = seconds(lambda: fit(shipped, YEAR))
    year = seconds(lambda: fit(shipped, YEAR).total("Global", YEAR))
    print(f"Shipped facts: fit {base:.2f} s; fit, draws and the year's band {year:.2f} s\n")
    print("| facts | read and fit, s | times the shipped facts | peak memory, MB |\n|---:|---:|---:|---:|")
    for facts in (len(ledger.facts), 3_000, 30_000, 100_000):
        grown = copies(ledger, facts)
        took = seconds(lambda grown=grown: fit(observe(grown, "TikTok Shop"), YEAR), repeats=3)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {facts:,} | {took:.2f} | {took / base:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
