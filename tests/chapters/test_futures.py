"""All scenarios side by side: their weights, what they change, and the chance over all of them."""

import numpy as np
import pytest

from analysis.chapters.futures import chance, futures


@pytest.mark.parametrize("quarter", ["2023Q4", "2024Q2", "2024Q4"])
def test_weights_add_up_and_only_what_can_be_told_is_told(report, quarter):
    found = futures(report(quarter))
    base, *others = found.itertuples()
    assert base.scenario.id == "base"
    assert sum(weight.value for weight in found["weight"]) == pytest.approx(1)
    by_id = {scenario.id for scenario in found["scenario"]}
    assert ("us_ban" in by_id) == (quarter != "2023Q4")  # the first vote on the law was on 13 March 2024 (E020)
    for future in others:
        assert future.on_ahead.value == pytest.approx(future.ahead.median.value - base.ahead.median.value) != 0
        assert future.starts.start > report(quarter).quarter.end


def test_the_chance_of_the_target_is_the_mean_over_all_scenarios(report):
    found = futures(report())
    chances, weights = ([cell.value for cell in found[name]] for name in ("chance", "weight"))
    assert chance(found).value == pytest.approx(np.dot(weights, chances)) and chance(found).unit == "%"
    assert min(chances) < chance(found).value < max(chances)
