"""What is taken where nothing else is said: the data folder, and the parameters of a report."""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "data"
BASE = "base"  # the scenario, and the setting, without any lever moved
PARAMETERS = {
    "quarter": "2024Q2",
    "as_of": None,  # two months after the quarter
    "platform": "TikTok Shop",
    "rival": "Temu",
    "currency": "USD",
    "scenario": BASE,
    "lang": "en",  # a folder of analysis/text
}
