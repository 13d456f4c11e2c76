"""The parameters of a report, and what it makes of published figures, worked out from fact ids by hand."""

from dataclasses import replace
from datetime import date

import pytest

from analysis.facts.parameters import DATA
from analysis.facts.report import ParameterError, make_report, open_report
from analysis.facts.span import Span

BN = 1e9


def span(text: str) -> Span:
    return Span.parse(text)


@pytest.mark.parametrize(
    ("quarter", "as_of"),
    [("2023Q4", "2024-02-29"), ("2024Q1", "2024-05-30"), ("2024Q2", "2024-08-29"), ("2024Q4", "2025-03-01")],
)
def test_a_report_knows_what_was_public_sixty_days_after_its_quarter(report, quarter, as_of):
    made = report(quarter)
    assert made.as_of == date.fromisoformat(as_of)
    assert made.ledger.facts["known_on"].max() <= as_of
    assert made.year_is_over == (quarter.endswith("Q4"))


def test_the_parameters_of_a_report_make_it_again(ledger):
    made = make_report(ledger, quarter="2024Q3", as_of="2024-12-24", platform="Temu", rival="Shopee", currency="VND")
    again = make_report(ledger, **made.parameters)
    assert again.parameters == made.parameters
    assert again.ledger.fingerprint == made.ledger.fingerprint


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"qarter": "2024Q2"}, ["'qarter'", "quarter, as_of, platform, rival, currency"]),
        ({"quarter": "2024Q9"}, ["'2024Q9'", "to 20", "like 2024Q2"]),
        ({"quarter": "1990Q1"}, ["'1990Q1'", "2021Q4 to 20"]),
        ({"quarter": "2024"}, ["'2024'", "like 2024Q2"]),
        ({"quarter": "2024q2"}, ["'2024q2'", "like 2024Q2"]), ({"quarter": " 2024Q2"}, ["' 2024Q2'", "like 2024Q2"]),
        ({"quarter": 2024}, ["quarter is 2024 (int)", "'2024Q2'"]),
        ({"as_of": "2024-06-29"}, ["as_of is 2024-06-29", "2024-06-30 or later"]),
        ({"as_of": "soon"}, ["'soon'", "like 2024-08-29"]),
        ({"as_of": "2024-02-30"}, ["'2024-02-30'", "like 2024-08-29"]),
        ({"as_of": "29/08/2024"}, ["'29/08/2024'", "like 2024-08-29"]),
        ({"as_of": 20240829}, ["as_of is 20240829 (int)", "'2024-08-29'"]),
       ({"platform": "Tiktok"}, ["platform is 'Tiktok'", "TikTok Shop, "]),
        ({"platform": ["Temu"]}, ["platform is ['Temu'] (list)"]), ({"rival": "temu"}, ["rival is 'temu'", "Temu, "]),
        ({"currency": "usd"}, ["currency is 'usd'", "USD"]),
        ({"currency": "RUB"}, ["currency is 'RUB'", "CNY", "VND"]),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_told_with_what_is_allowed(ledger, parameters, told):
    with pytest.raises(ParameterError) as caught:
        make_report(ledger, **parameters)
    for words in told:
        assert words in str(caught.value)
    assert caught.value._render_traceback_() == [str(caught.value)]  # a notebook shows one line, and no stack


@pytest.mark.parametrize(
    "cell",
    [
        '# Parameters\nqarter = "2024Q3"',
        '# Parameters\nquarter = "2024Q2"\nas_of: str = "2024-08-29"\nqarter: str = ""',
        '# Parameters\nquarter, qarter = "2024Q2", "2024Q3"',
        '# Parameters\nfor qarter in ("2024Q3",):\n    quarter = qarter',
        '# Parameters\nquarter = (qarter := "2024Q3")',
    ],
)
def test_a_misspelt_name_in_a_parameters_cell_stops_the_notebook(cell):
    with pytest.raises(ParameterError, match=r"There is no parameter 'qarter'\. Allowed: quarter, as_of"):
        open_report({"In": ["", '# Parameters\nquarter = "2024Q2"', cell], "quarter": "2024Q2"})


def test_a_notebook_reads_the_folder_that_the_build_names(data_copy, monkeypatch):
    data_copy.put("facts.csv", "A0025", "value", "0.77")
    monkeypatch.setenv("ANALYSIS_DATA", str(data_copy.path))
    assert open_report({}).gmv("US", span("2024-06")).value == pytest.approx(0.77 * BN)
    monkeypatch.setenv("ANALYSIS_DATA", str(DATA))
    assert open_report({}).gmv("US", span("2024-06")).value == pytest.approx(0.66 * BN)


@pytest.mark.parametrize(
    ("quarter", "platform", "market", "period", "value", "formula"),
    [
        # the figure itself
        ("2024Q2", "TikTok Shop", "US", "2024-06", 0.66 * BN, "A0025"),
        # a monthly average times months
        ("2024Q2", "TikTok Shop", "US", "2024H1", 2.94 * BN, "A0024 × 6 months"),  # 0.49 × 6
        ("2024Q2", "TikTok Shop", "Indonesia", "2024H1", 2.76 * BN, "A0016 × 6 months"),  # 0.46 × 6
        # a daily average times days
        ("2024Q4", "TikTok Shop", "US", "2023-12", 0.434 * BN, "P0097 × 31 days"),  # 0.014 × 31
        ("2023Q4", "TikTok Shop", "US", "2023-11", 0.36 * BN, "P0531 × 30 days"),  # 0.012 × 30
        # a completed share of the year's target
        ("2024Q2", "TikTok Shop", "Global", "2024H1", 15 * BN, "A0003 × P0541"),  # 30 % of 50
        # the two halves of the span: P0455 18.36 and P0452 19.24 tn dong, each at the rate of its quarter
        ("2024Q2", "TikTok Shop", "Vietnam", "2024H1", 18.36e12 / 24504.045047 + 19.24e12 / 25268.030962, None),
        # the span around it less its other half: P0134 20 less P0131 12
        ("2024Q2", "Temu", "Global", "2024Q1", 8 * BN, "P0134 − P0131"),
    ],
)
def test_gmv_by_arithmetic_on_published_figures(report, quarter, platform, market, period, value, formula):
    gmv = report(quarter).gmv(market, span(period), platform)
    assert gmv.value == pytest.approx(value, rel=1e-9)
    assert gmv.unit == "USD"
    if formula:
        assert gmv.formula == formula


@pytest.mark.parametrize("basis", ["tracker", "company"])
def test_markets_of_a_region_add_up_on_one_basis(ledger, basis):
    """P0015 is Singapore's 0.391 bn of 2024; all six are of trackers. What is stated of the region goes first."""
    facts = ledger.facts[(ledger.facts["market"] != "SEA") | (ledger.facts["platform"] != "TikTok Shop")].copy()
    facts.loc["P0015", "basis"] = basis
    gmv = make_report(replace(ledger, facts=facts), quarter="2024Q4").gmv("SEA", span("2024"))
    if basis == "tracker":
        assert gmv.formula == "P0003 + P0011 + P0009 + P0015 + P0005 + P0007"
        assert gmv.value == pytest.approx((6.198 + 2.724 + 3.12 + 0.391 + 5.743 + 4.454) * BN)
    assert bool(gmv) == (basis == "tracker")


def test_a_stated_figure_goes_before_any_arithmetic(report):
    # Thailand, May 2024: 16 bn baht stated (A0020) and 0.517 bn a day (A0021).
    assert [o.id for o in report().gmv("Thailand", span("2024-05")).origins] == ["A0020", "THB 2024-05"]
    # US, January to May: less than 2.0 bn stated (P0098) and 11 % of the target (P0099).
    assert report().gmv("US", span("2024-01..2024-05")).formula == "P0098"


@pytest.mark.parametrize(
    ("market", "period", "why"),
    [
        ("Global", "2024H2", "P0025 of 2024 is a tracker's, the first half a press figure of a leaked target"),
        ("US", "2024H2", "P0024 of 2024 is a tracker's, A0024 of the first half is from the press"),
        ("US", "2024Q2", "A0024 of the first half and nothing of the first quarter"),
    ],
)
def test_figures_of_unlike_bases_are_never_subtracted(report, market, period, why):
    assert not report("2024Q4").gmv(market, span(period)), why


@pytest.mark.parametrize(
    ("first", "second", "known"), [("tracker", "tracker", True), ("tracker", "leak", False), ("leak", "leak", True)]
)
def test_halves_add_up_only_on_one_basis(data_copy, first, second, known):
    data_copy.put("facts.csv", "P0455", "basis", first)  # Vietnam, first quarter
    data_copy.put("facts.csv", "P0452", "basis", second)  # Vietnam, second quarter
    assert bool(make_report(data_copy.read()).gmv("Vietnam", span("2024H1"))) == known


@pytest.mark.parametrize("new", ["60", "14"])
def test_a_completion_stays_a_share_of_the_target_that_stood_when_it_was_published(data_copy, new):
    """A0003 (31 July 2024): 30 % of the 50 bn of P0541 are 15 bn, whatever target is announced in August."""
    data_copy.add("facts.csv", "A0001", id="X1", value=new, known_on="2024-08-20", basis="company")
    report = make_report(data_copy.read(), quarter="2024Q2")
    assert report.fact("Global", "gmv_target", report.year).value == pytest.approx(float(new) * 1e9)
    assert report.gmv("Global", Span.parse("2024H1")).value == pytest.approx(15e9)


@pytest.mark.parametrize(
    "period", ["2023-02..2023-04", "2023-04..2023-09", "2023-12..2024-02", "2023-07..2024-06", "2023-10..2024-03"]
)
def test_months_that_are_no_half_of_anything_are_not_made_of_halves(data_copy, period):
    # All retail of the US, official: each quarter is published (P0191 to P0196), and now the halves and the year too.
    # 504,450 = 243,552 + 260,898; 582,567 = 264,675 + 317,892; 1,087,017 = both.
    for name, stated, value in (("X1", "2023H1", "504450"), ("X2", "2023H2", "582567"), ("X3", "2023", "1087017")):
        data_copy.add("facts.csv", "P0191", id=name, period=stated, value=value, known_on="2024-03-01")
    made = make_report(data_copy.read(), quarter="2024Q4")
    assert not made.gmv("US", span(period), "All retail")


def test_from_one_foreign_currency_to_another_goes_through_the_dollar(report):
    stream = report(currency="VND").by_id("A0014")  # 33 mn yuan on 6 June 2024; 2024Q2: 7.24187 CNY, 25268.030962 VND
    assert stream.value == pytest.approx(33e6 / 7.24187 * 25268.030962)
    assert (stream.unit, stream.hedge) == ("VND", "more than")  # a change of currency changes no hedge


@pytest.mark.parametrize("currency", ["EUR", "IDR", "VND"])
def test_ratios_over_one_period_are_the_same_in_every_currency(report, currency):
    there, here = report(currency=currency), report()
    first_half, june = span("2024H1"), span("2024-06")
    ratios = [made.gmv("US", first_half) / made.gmv("Global", first_half, "Temu") for made in (here, there)]
    assert ratios[1].value == pytest.approx(ratios[0].value)
    rate = here.ledger.rate(currency, june).value
    assert there.gmv("US", june).value == pytest.approx(0.66 * BN * rate)  # A0025
    assert there.gmv("US", june).unit == currency


def test_a_fact_carries_its_unit_hedge_and_origin(report):
    share = report().fact("Global", "target_completion", span("2024H1"))
    assert (share.value, share.unit, share.hedge, share.formula) == (pytest.approx(0.3), "%", "just over", "A0003")
    assert report().by_id("A0021").unit == "USD/day"
    assert report().by_id("A0024").unit == "USD/month"


def test_a_fact_that_is_not_public_is_unknown_by_cell_and_by_id(report):
    early = report("2024Q1")  # as of 30 May 2024
    assert not early.by_id("A0024")
    assert early.by_id("A0024").missing == ("fact A0024",)
    assert early.fact("US", "gmv_monthly_average", span("2024H1")).missing == (
        "GMV monthly average of TikTok Shop in the US, H1 2024",
    )


@pytest.mark.parametrize(
    ("parameters", "market", "period", "value"),
    [
        ({}, "US", "2024H1", 2.94 * BN),  # A0024 × 6
        ({}, "Global", "2024H1", 15 * BN),  # A0003 of P0541
        ({"as_of": "2024-07-15"}, "US", "2024-01..2024-05", 2.0 * BN),  # P0098, before the article of 31 July
        ({"quarter": "2023Q4"}, "SEA", "2023-01-01..2023-12-20", 13 * BN),  # P0543
    ],
)
def test_the_reading_covers_most_of_the_year_so_far(report, parameters, market, period, value):
    reading = report(**parameters).year_to_date(market)
    assert (reading.span, reading.gmv.value) == (span(period), pytest.approx(value))


@pytest.mark.parametrize(  # A0025, P0100, A0020
    ("quarter", "market", "month", "value"),
    [("2024Q2", "US", "2024-06", 0.66 * BN), ("2024Q3", "US", "2024-07", 0.6 * BN),
     ("2024Q2", "Thailand", "2024-05", 16 * BN / 36.704497)],
)  # fmt: skip
def test_the_latest_month_of_the_year(report, quarter, market, month, value):
    latest = report(quarter).latest_month(market)
    assert (latest.span, latest.gmv.value) == (span(month), pytest.approx(value))


def test_a_reading_of_days_counts_months_by_their_mean_length(report):
    monthly = report("2023Q4").year_to_date("SEA").monthly
    # P0543: 13 bn in 354 days (20 December is day 354); a mean month has 365.25 / 12 = 30.4375 days.
    assert monthly.value == pytest.approx(13 * BN / (354 / 30.4375))
    assert monthly.unit == "USD/month"


RETAIL_2023 = [243_552, 260_898, 264_675, 317_892]  # P0191 to P0194, mn US dollars


@pytest.mark.parametrize(("period", "quarters"), [("2024Q1", 1), ("2024H1", 2), ("2024-01..2024-09", 3), ("2024", 4)])
def test_the_seasonal_path_is_last_years_share_of_the_same_quarters(report, period, quarters):
    share = report("2024Q4").seasonal_share(span(period))
    assert share.value == pytest.approx(sum(RETAIL_2023[:quarters]) / sum(RETAIL_2023))
    assert share.unit == "%"


@pytest.mark.parametrize("period", ["2024-01..2024-05", "2024Q2", "2024-01-01..2024-12-20", "2024-01-01..2024-06-15"])
def test_a_span_of_no_whole_quarters_from_january_has_no_seasonal_share(report, period):
    assert not report("2024Q4").seasonal_share(span(period))
