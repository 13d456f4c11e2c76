"""Europe: what was planned, what happened, what the new sites can bring, and what they would have to bring."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.facts.report import Report
from analysis.model.estimates import estimates
from analysis.story.prose import Sentence, maybe, phrase, say

from .ban import Ban, ban_on
from .launch import Launch, launch_of
from .markets import Markets, markets_of
from .rivals import Rivals, rivals_of
from .sites import Sites, sites_of
from .team import Team, team_of


@dataclass(frozen=True)
class Europe:
    """What is known of the platform in Europe by the report's date.

    Attributes
    ----------
    report : Report
    launch : Launch
    sites : Sites
    team : Team
    ban : Ban
    markets : Markets
    rivals : Rivals
    """

    report: Report
    launch: Launch
    sites: Sites
    team: Team
    ban: Ban
    markets: Markets
    rivals: Rivals

    @property
    def headline(self) -> Sentence:
        launch = self.launch
        if launch.opened:
            return self._opened()
        if launch.lapsed:
            brings = maybe(": open in {case.month}, they bring {brought} that year", self.sites)
            return say(
                "{names}, planned for {plan.month}, had not opened by {report.as_of_label}{brings}",
                launch,
                brings=brings if self.sites.brought > 0 else maybe(""),
            )
        if self.sites.gap and self.sites.factor > 1:
            return say(
                "To close the gap of {report.year} alone, {names} would have to sell {factor} what {at_ramp} gives",
                launch,
                factor=self.sites.factor,
            )
        if self.sites.gap and self.sites.brought.value == 0:
            return say(
                "{names} would come too late for {report.year} if they opened in {month}",
                launch,
                month=self.sites.case.month,
            )
        return say("The launch of {names} is planned for {plan.month}", launch) or say(
            "No launch in Europe{beyond} was announced by {report.as_of_label}",
            launch,
            beyond=maybe(" beyond {there}", there=launch.call(launch.present)),
        )

    def _opened(self) -> Sentence:
        """Whether the sites opened on time, and what that leaves of the year."""
        launch = self.launch
        if not launch.late:
            return say("{openings}", launch)
        when = phrase("on time")
        if launch.late.value:
            when = phrase("{months} {side}", months=abs(launch.late), side="late" if launch.late > 0 else "early")
        told = "{names} opened {when}: {at_ramp} gives them {amount} of the {gap} missing in {report.year}"
        return say(told, launch, when=when, amount=self.sites.brought, gap=self.sites.gap) or say(
            "{names} opened {when}: {openings}", launch, when=when
        )

    @property
    def sentences(self) -> list[Sentence]:
        if self.launch.plan is None:
            return [self.markets.present, self.markets.comparison, self.rivals.finding]
        sites = self.sites
        return [self.launch.finding, sites.asked, sites.finding, self.team.finding, self.ban.finding]


def review(report: Report) -> Europe:
    """Everything the chapter says, from the facts of the report's view."""
    model = estimates(report)
    launch = launch_of(report, model.market)
    sites = sites_of(launch, model)
    return Europe(
        report=report,
        launch=launch,
        sites=sites,
        team=team_of(launch),
        ban=ban_on(launch, sites.ahead),
        markets=markets_of(launch, model),
        rivals=rivals_of(report),
    )
