"""The model of the article's quarter, fitted once for all tests of this folder."""

import pytest

from analysis.facts.report import make_report
from analysis.model.estimates import estimates


@pytest.fixture(scope="session")
def mid_2024(ledger):
    return estimates(make_report(ledger, quarter="2024Q2"))
