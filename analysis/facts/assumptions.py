"""Assumptions: levers with a low, a base and a high end, and scenarios that set some of them.

They stand in data/scenarios.toml, apart from the facts: nobody published them, and each has a reason of ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Quantity
from analysis.facts.schema import EVENT_KINDS, Problem, Strict, Text, closest, entries_checked, refuse, split_unit, word

SETTINGS = ("low", BASE, "high")
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


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

    def __str__(self) -> str:
        return f"{self.id}: {self.printed}, {self.what}. Assumption, not published: {self.reason}"


class Offered(Strict):
    """From which kind of event on, and until which, something is offered; the events are those in `market`.

    `of` says whose events: the platform's or its rival's. Empty is no condition.
    """

    needs: Annotated[str, word(("", *EVENT_KINDS))] = ""
    until: Annotated[str, word(("", *EVENT_KINDS))] = ""
    market: str = ""
    of: Literal["platform", "rival"] = "platform"


class Lever(Offered):
    """One assumption, with both ends of its range in `unit`."""

    means: Text
    unit: Annotated[str, Field(strict=True)]
    low: _Number
    base: _Number
    high: _Number
    reason: Text
    name: str = ""

    @field_validator("unit")
    @classmethod
    def _is_a_unit(cls, unit: str) -> str:
        try:
            _split(unit)
        except ValueError:
            raise refuse("a unit as facts.csv has it, also for one of something") from None
        return unit

    @model_validator(mode="after")
    def _in_order(self) -> Lever:
        if not self.low <= self.base <= self.high:
            raise refuse("low, base and high in this order, none less than the one before")
        return self

    def at(self, setting: str) -> Quantity:
        """The `low`, `base` or `high` end as a quantity that names the lever as its origin."""
        factor, unit = _split(self.unit)
        bare = Quantity(getattr(self, setting) * factor, unit, self.name)
        origin = Assumption(self.name, bare.bare, self.means, self.reason)
        return Quantity(bare.value, unit, self.name, (origin,))


class Judgement(Strict):
    """What a probability was from a day on, and why."""

    day: date = Field(alias="from")
    probability: Annotated[float, Field(strict=True, ge=0, le=1)]
    reason: Text


class Scenario(Offered):
    """One possible future.

    Attributes
    ----------
    id, name, means, reason : str
    probability : float
        Of this one among all; they add up to 1.
    history : tuple of Judgement
        What the probability was from some days on, oldest first.
    settings : mapping
        Lever -> `low` or `high`; all others are at their base. In the file it is called `levers`.
    """

    name: Text
    means: Text
    reason: Text
    probability: Annotated[float, Field(strict=True, ge=0, le=1)]
    settings: dict[str, Literal["low", "high"]] = Field(default_factory=dict, alias="levers")
    history: tuple[Judgement, ...] = ()
    id: str = ""


class Assumptions(Strict):
    """All levers and scenarios by their names, in the order of the file."""

    levers: dict[str, Lever]
    scenarios: dict[str, Scenario]

    @field_validator("scenarios")
    @classmethod
    def _fit_together(cls, scenarios: dict[str, Scenario], info) -> dict[str, Scenario]:
        levers, weight = info.data.get("levers"), math.fsum(scenario.probability for scenario in scenarios.values())
        for name, scenario in scenarios.items():
            for lever in scenario.settings if levers is not None else ():
                if lever not in levers:
                    raise refuse(f"only names under [levers] in {name}; {lever!r} is none", closest(lever, levers))
        if abs(weight - 1) > 1e-9:
            raise refuse(f"probabilities that add up to 1, not to {weight:g}")
        if BASE not in scenarios or scenarios[BASE].settings:
            raise refuse(f"a scenario named {BASE} that sets no lever: it is what the others move")
        return scenarios

    def get(self, lever: str, scenario: Scenario, setting: str | None = None) -> Quantity:
        """The value of a lever in a scenario, or at one end of its range."""
        return self.levers[lever].at(setting or scenario.settings.get(lever, BASE))


def read_assumptions(name: str, raw: Mapping, text: str, problems: list[Problem]) -> Assumptions | None:
    """What scenarios.toml assumes; nothing, and a problem for each key that cannot be used, if it is not whole."""
    read = entries_checked(name, Assumptions, raw, text, {}, problems)
    if read is None:
        return None
    levers = {key: lever.model_copy(update={"name": key}) for key, lever in read.levers.items()}
    scenarios = {key: scenario.model_copy(update={"id": key}) for key, scenario in read.scenarios.items()}
    return read.model_copy(update={"levers": levers, "scenarios": scenarios})


def _split(unit: str) -> tuple[float, str]:
    """As `split_unit`, also for an amount for one of something: `USD k per person`."""
    amount, per, noun = unit.partition(" per ")
    factor, of = split_unit(amount)
    return factor, f"{of}/{noun}" if per else of
