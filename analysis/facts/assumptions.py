"""Assumptions: levers with a low, a base and a high end, and scenarios that set some of them.

They stand in data/scenarios.toml, apart from the facts: nobody published them, and each has a reason of ours.
"""

import math
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from analysis.facts.parameters import BASE
from analysis.facts.quantity import Origin, Quantity
from analysis.facts.schema import EVENT_KINDS, Strict, Text, cell, closest, refuse, split_unit, with_ids, word

SETTINGS = ("low", BASE, "high")
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Probability = Annotated[float, Field(strict=True, ge=0, le=1)]
_EventKind = Annotated[str, word(("", *EVENT_KINDS))]


class _Conditional(Strict):
    """What is worth assuming only once an event of a kind, in a market, has happened, and until another has."""

    needs: _EventKind = ""
    until: _EventKind = ""
    market: str = ""
    of: Literal["platform", "rival"] = "platform"


class Lever(_Conditional):
    """One assumption, with both ends of its range in `unit`."""

    means: Text
    unit: Annotated[str, Field(strict=True), cell(split_unit, "a unit as facts.csv has it, also for one of something")]
    low: _Number
    base: _Number
    high: _Number
    reason: Text

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.base <= self.high:
            raise refuse("low, base and high in this order, none less than the one before")
        return self

    def at(self, setting: str, name: str) -> Quantity:
        """The `low`, `base` or `high` end as a quantity that names it as its origin."""
        name, (factor, unit) = name if setting == BASE else f"{name}_{setting}", split_unit(self.unit)
        value = Quantity(getattr(self, setting) * factor, unit, name)
        return replace(value, origins=(Origin(name, value.bare, self.means, reason=self.reason),))


class Judgement(Strict):
    """What a probability was from a day on, and why."""

    day: date = Field(alias="from")
    probability: _Probability
    reason: Text


class Scenario(_Conditional):
    """One possible future; data/README.md says what its keys mean. Levers that it does not set are at their base."""

    id: str
    name: Text
    means: Text
    reason: Text
    probability: _Probability
    settings: dict[str, Literal["low", "high"]] = Field(default_factory=dict, alias="levers")
    history: tuple[Judgement, ...] = ()


class Assumptions(Strict):
    """All levers and scenarios by their names, in the order of the file."""

    levers: dict[str, Lever]
    scenarios: Annotated[dict[str, Scenario], BeforeValidator(with_ids)]

    @field_validator("scenarios")
    @classmethod
    def _fit_together(cls, scenarios: dict[str, Scenario], info) -> dict[str, Scenario]:
        levers, weight = info.data.get("levers"), math.fsum(scenario.probability for scenario in scenarios.values())
        used = [(lever, name) for name, scenario in scenarios.items() for lever in scenario.settings]
        for lever, name in used if levers is not None else ():
            if lever not in levers:
                raise refuse(f"only names under [levers] in {name}; {lever!r} is none", closest(lever, tuple(levers)))
        if abs(weight - 1) > 1e-9:
            raise refuse(f"probabilities that add up to 1, not to {weight:g}")
        if BASE not in scenarios or scenarios[BASE].settings:
            raise refuse(f"a scenario named {BASE} that sets no lever: it is what the others move")
        return scenarios

    def known_by(self, day: date) -> Self:
        """Without the judgements of later days."""
        seen = {}
        for name, scenario in self.scenarios.items():
            history = tuple(judgement for judgement in scenario.history if judgement.day <= day)
            seen[name] = scenario.model_copy(update={"history": history})
        return self.model_copy(update={"scenarios": seen})

    def get(self, lever: str, scenario: Scenario, setting: str | None = None) -> Quantity:
        """The value of a lever in a scenario, or at one end of its range."""
        return self.levers[lever].at(setting or scenario.settings.get(lever, BASE), lever)
