"""What is taken where nothing else is said: the data folder, the chapters and the parameters of a report."""

from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "data"
# What a report consists of, and in which order: a notebook each, a text and a module of the name after the number.
CHAPTERS = ("00_summary", "01_southeast_asia", "02_united_states", "03_rival", "04_europe", "05_outlook", "06_evidence")
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
