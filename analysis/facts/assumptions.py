"""Assumptions: levers with a low, a base and a high end, and scenarios that set some of them.

They stand in data/scenarios.toml, apart from the facts: nobody published them, and each has a reason of ours.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity

SETTINGS = ("low", BASE, "high")


@dataclass(frozen=True)
class Assumption:
    """What a number rests on that nobody published: stands beside the published figures in its provenance."""

    id: str
    printed: str
    what: str
    reason: str
    publisher: str = "assumption"
    url: str = ""
    basis: str = ""

    @property
    def told(self) -> dict[str, str]:
        """What a note says of it."""
        return {"printed": self.printed, "what": self.what, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.id}: {self.printed}, {self.what}. Assumption, not published: {self.reason}"


@dataclass(frozen=True)
class Lever:
    """One assumption: `low`, `base` and `high` as quantities that name it as their origin."""

    name: str
    means: str
    reason: str
    low: Quantity
    base: Quantity
    high: Quantity

    def at(self, setting: str) -> Quantity:
        return getattr(self, setting)


@dataclass(frozen=True)
class Scenario:
    """One possible future.

    Attributes
    ----------
    id, name, means, reason : str
    probability : float
        Of this one among all; they add up to 1.
    needs : str
        Kind of event without which it has no weight; its probability then goes to the base. Empty for none.
    settings : mapping
        Lever -> `low` or `high`; all others are at their base.
    """

    id: str
    name: str
    means: str
    reason: str
    probability: float
    needs: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Assumptions:
    """All levers and scenarios by their names, in the order of the file."""

    levers: Mapping[str, Lever]
    scenarios: Mapping[str, Scenario]

    def get(self, lever: str, scenario: Scenario, setting: str | None = None) -> Quantity:
        """The value of a lever in a scenario, or at one end of its range."""
        return self.levers[lever].at(setting or scenario.settings.get(lever, BASE))


def read_assumptions(
    path: Path, unit_of: Callable[[str], tuple[float, str]], refuse: Callable[[str, str, str], None]
) -> Assumptions:
    """Read and check scenarios.toml.

    Parameters
    ----------
    path : Path
    unit_of : callable
        Factor to whole units and unit of a Quantity, for a unit as the file writes it; ValueError if it is none.
    refuse : callable
        Called with the entry, the value and what is allowed, for each thing that cannot be used.

    Raises
    ------
    OSError, UnicodeDecodeError, tomllib.TOMLDecodeError
        If the file cannot be read as TOML at all.
    """
    raw = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    for name in raw.keys() - {"levers", "scenarios"}:
        refuse(name, name, "tables [levers.…] and [scenarios.…]")
    levers = {name: _lever(name, entry, unit_of, refuse) for name, entry in _tables(raw, "levers", refuse)}
    scenarios = {name: _scenario(name, entry, levers, refuse) for name, entry in _tables(raw, "scenarios", refuse)}
    weight = math.fsum(scenario.probability for scenario in scenarios.values())
    if scenarios and abs(weight - 1) > 1e-9:
        refuse("scenarios", f"{weight:g}", "probabilities that add up to 1")
    if BASE not in scenarios:
        refuse("scenarios", ", ".join(scenarios), f"a scenario named {BASE}, with no lever moved")
    elif scenarios[BASE].settings:
        refuse(f"scenarios.{BASE}.levers", ", ".join(scenarios[BASE].settings), "no lever: it is what the others move")
    return Assumptions(levers, scenarios)


def _tables(raw: dict, kind: str, refuse: Callable) -> list[tuple[str, dict]]:
    found = raw.get(kind, {})
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        refuse(kind, repr(found)[:60], f"tables [{kind}.…]")
        return []
    return list(found.items())


def _lever(name: str, entry: dict, unit_of: Callable, refuse: Callable) -> Lever:
    where = f"levers.{name}"
    _expect(where, entry, {"means", "unit", "reason"}, {"low", "base", "high"}, refuse)
    ends = [entry.get(setting) for setting in SETTINGS]
    try:
        factor, unit = unit_of(entry.get("unit", ""))
    except (ValueError, TypeError):
        refuse(f"{where}.unit", str(entry.get("unit")), "a unit as facts.csv has it, also for one of something")
        factor, unit = 1.0, ""
    if not all(_is_number(end) for end in ends) or sorted(ends) != ends:
        refuse(where, f"low {ends[0]}, base {ends[1]}, high {ends[2]}", "three numbers, none less than the one before")
        ends = [0.0, 0.0, 0.0]
    means, reason = str(entry.get("means", "")), str(entry.get("reason", ""))

    def quantity(value: float) -> Quantity:
        bare = Quantity(value * factor, unit, name)
        return Quantity(bare.value, unit, name, (Assumption(name, bare.bare, means, reason),))

    return Lever(name, means, reason, *map(quantity, ends))


def _scenario(name: str, entry: dict, levers: Mapping[str, Lever], refuse: Callable) -> Scenario:
    where = f"scenarios.{name}"
    optional = {"needs", "levers"} & entry.keys()
    _expect(
        where,
        {k: v for k, v in entry.items() if k not in optional},
        {"name", "means", "reason"},
        {"probability"},
        refuse,
    )
    settings = entry.get("levers", {})
    if not isinstance(settings, dict):
        refuse(f"{where}.levers", repr(settings), "names of levers, each set to low or high")
        settings = {}
    for lever, setting in settings.items():
        if lever not in levers:
            refuse(f"{where}.levers", lever, ", ".join(levers))
        if setting not in ("low", "high"):
            refuse(f"{where}.levers.{lever}", str(setting), "low, high")
    probability = entry.get("probability")
    if not _is_number(probability) or not 0 <= probability <= 1:
        refuse(f"{where}.probability", str(probability), "a number from 0 to 1")
        probability = 0.0
    texts = (str(entry.get(key, "")) for key in ("name", "means", "reason"))
    return Scenario(name, *texts, float(probability), str(entry.get("needs", "")), settings)


def _expect(where: str, entry: dict, texts: set[str], numbers: set[str], refuse: Callable) -> None:
    """Refuse keys that are missing or unknown, and texts that are empty."""
    for key in sorted((texts | numbers) - entry.keys()):
        refuse(where, "", f"a key {key}")
    for key in sorted(entry.keys() - texts - numbers):
        refuse(where, key, ", ".join(sorted(texts | numbers)))
    for key in sorted(texts & entry.keys()):
        if not isinstance(entry[key], str) or not entry[key]:
            refuse(f"{where}.{key}", repr(entry[key]), "some text")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
