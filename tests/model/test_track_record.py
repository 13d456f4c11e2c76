"""The backtest: what was forecast is what could be known, and the score is what the textbook says."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from analysis.facts.ledger import Ledger, read_ledger
from analysis.facts.span import Span
from analysis.model.track_record import COLUMNS, interval_score, score, track_record

QUARTERS = [Span.parse(q) for q in ("2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4")]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return read_ledger()


@pytest.fixture(scope="module")
def record(ledger):
    return track_record(ledger, "TikTok Shop", QUARTERS)


def test_the_interval_score_is_the_width_and_ten_times_the_miss():
    assert interval_score(1, 3, 2) == 2
    assert interval_score(1, 3, 4) == pytest.approx(2 + 10)
    assert interval_score(1, 3, 0.5) == pytest.approx(2 + 5)


def test_the_true_quantiles_of_a_normal_score_best():
    sample = np.random.default_rng(0).normal(size=4000)

    def mean(half_width):
        return np.mean([interval_score(-half_width, half_width, x) for x in sample])

    assert mean(1.28) < min(mean(0.8), mean(1.8))


def test_each_shipped_quarter_is_scored_on_what_came_later(ledger, record):
    assert list(record.columns) == list(COLUMNS)
    known_on = ledger.facts.loc[record["fact"], "known_on"].map(date.fromisoformat).to_numpy()
    assert (known_on > record["as_of"].to_numpy()).all()
    assert {"2023Q4", "2024Q1", "2024Q2", "2024Q3"} <= set(record["quarter"])
    assert record.set_index(["quarter", "market"]).loc[("2024Q2", "Global"), "published"] == pytest.approx(
        33.2e9
    )  # P0025


def test_what_was_published_later_does_not_change_the_forecast(ledger, record):
    facts = ledger.facts.copy()
    facts.loc[facts["known_on"] > "2024-08-29", "number"] *= 3
    changed = track_record(replace(ledger, facts=facts), "TikTok Shop", [Span.parse("2024Q2")])
    before = record[record["quarter"] == "2024Q2"]
    np.testing.assert_array_equal(changed["median"], before["median"])
    np.testing.assert_allclose(changed["published"], 3 * before["published"])


def test_inside_and_the_scores_follow_from_the_columns(record):
    inside = (record["p10"] <= record["published"]) & (record["published"] <= record["p90"])
    assert (record["inside"] == inside).all()
    by_hand = [interval_score(*np.log([r.p10, r.p90, r.published])) for r in record.itertuples()]
    np.testing.assert_allclose(record["model_score"].astype(float), by_hand, rtol=1e-5)
    assert score(record).inside == inside.sum()


def test_baselines_start_from_the_latest_published_amount(record):
    us = record.set_index(["quarter", "market"]).loc[("2024Q2", "US")]
    assert us["run_rate"] > 0
    assert us["seasonal"] > us["run_rate"]  # the months to come hold the holidays


def test_the_model_scores_better_than_both_baselines_on_tiktok_shop(record):
    overall = score(record)
    assert overall.model < min(overall.run_rate, overall.seasonal)


def test_a_platform_of_which_nothing_was_published_has_an_empty_record(ledger):
    assert track_record(ledger, "ShopTokopedia Mall", QUARTERS).empty
