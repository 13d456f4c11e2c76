"""The backtest: what was forecast is what could be known, and the score is what the textbook says."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.facts.span import Span
from analysis.model.track_record import (
    BASELINES,
    COLUMNS,
    SCORES,
    baselines,
    interval_score,
    scores,
    track_record,
)

QUARTERS = [Span.parse(q) for q in ("2024Q1", "2024Q2", "2024Q4")]


@pytest.fixture(scope="module")
def record(ledger):
    return track_record(ledger, "TikTok Shop", QUARTERS)


def test_the_interval_score_is_the_width_and_ten_times_the_miss():
    assert interval_score(1, 3, 2) == 2
    assert interval_score(1, 3, 4) == pytest.approx(2 + 10)
    assert interval_score(1, 3, 0.5) == pytest.approx(2 + 5)


def test_each_shipped_quarter_is_scored_on_what_came_later(ledger, record):
    assert list(record.columns) == [*COLUMNS, *SCORES]
    known_on = ledger.facts.loc[record["fact"], "known_on"].map(date.fromisoformat).to_numpy()
    assert (known_on > record["as_of"].to_numpy()).all()
    assert {"2024Q1", "2024Q2", "2024Q4"} == set(record["quarter"])
    assert {"quarter", "half", "year"} == set(record["length"]) and {"SEA", "US", "Global"} <= set(record["market"])
    year = record[record["span"] == "2024"].set_index(["quarter", "market"]).loc[("2024Q2", "Global")]
    assert 32e9 < year["published"] < 34e9 and year["counter"] in ("Tabcut", "Momentum Works")  # P0025, P0481
    assert not ledger.facts.loc[record["fact"], "qualifier"].isin(["more than", "less than", "up to"]).any()


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
    assert scores(record, ["platform"])["inside"].sum() == inside.sum()


def test_baselines_by_hand(ledger):
    """As of August 2024 Sea had said 23.3 bn for the second quarter (P0161) and 23.6 bn for the first (Q0330)."""
    points = baselines(ledger, "Shopee", "Global", "Sea", Span.parse("2024Q4"), date(2024, 8, 29))
    assert points["run_rate"] == pytest.approx(23.3e9 * 92 / 91)
    sales = {"Q2": 260_898, "Q4": 317_892}  # P0192, P0194: US online retail of 2023
    assert points["seasonal"] == pytest.approx(23.3e9 * sales["Q4"] / sales["Q2"])
    quarters = 184 / 91  # from the middle of April to June to that of October to December, over that of a quarter
    assert points["drift"] == pytest.approx(23.3e9 * 92 / 91 * (23.3 / 23.6) ** quarters, rel=0.01)


def test_each_baseline_has_a_band_from_its_own_errors(record):
    compared = record.dropna(subset="run_rate_score")
    assert all(compared[f"{name}_score"].nunique() > 1 for name in BASELINES)


def test_the_model_scores_better_than_all_baselines(ledger, record):
    """On TikTok Shop, and on US retail, a calm official series, with narrow bands that hold most figures."""
    calm = track_record(ledger, "All retail", [Span.parse(q) for q in ("2023Q2", "2023Q4", "2024Q2", "2024Q4")])
    table = scores(pd.concat([record, calm]), ["platform"]).set_index("platform")
    for row in table.itertuples():
        assert row.model < min(row.run_rate, row.seasonal, row.drift)
        assert row.inside >= 0.6 * row.forecasts
    ahead = calm.drop_duplicates("quarter")
    assert (np.log((ahead["p90"] / ahead["p10"]).astype(float)).iloc[-2:] < 0.15).all()


def test_a_platform_of_which_nothing_was_published_has_an_empty_record(ledger):
    assert track_record(ledger, "ShopTokopedia Mall", QUARTERS).empty
