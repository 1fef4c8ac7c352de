"""Parameters of cyber security."""

from dataclasses import dataclass

from mpgg_env.core.validation import check_real
from mpgg_env.games.mean_field.common.config import MeanFieldConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CyberSecurityConfig(MeanFieldConfig):
    """Parameters of cyber security ([Shao2024] section F.5, [Kolokoltsov2016]). Rates are per unit of time.

    Attributes:
        dt: Length of a step in units of time, > 0, so short that no probability leaves [0, 1].
        switch_rate: Rate >= 0 at which an agent who chooses to switch does so.
        recovery_defended: Rate >= 0 at which defended infected computers recover.
        recovery_undefended: Rate >= 0 at which undefended infected computers recover.
        attack_defended: Rate >= 0 at which attackers infect defended computers, times the share of active attackers.
        attack_undefended: Rate >= 0 at which attackers infect undefended computers, times the share of active ones.
        defended_from_defended: Rate >= 0 of infection of defended computers, times the share of the defended infected.
        defended_from_undefended: Rate >= 0 of infection of defended computers, times the undefended infected.
        undefended_from_undefended: Rate >= 0 of infection of undefended computers, times the undefended infected.
        undefended_from_defended: Rate >= 0 of infection of undefended computers, times the defended infected.
        defence_cost: Cost >= 0 per unit of time and share of defended computers.
        infection_cost: Cost >= 0 of the defenders, and reward of the attackers, per unit of time and share infected.
        attack_cost: Cost >= 0 per unit of time and share of active attackers.
    """

    max_cycles: int = 50
    discount: float = 0.98
    dt: float = 0.2
    switch_rate: float = 0.8
    recovery_defended: float = 0.5
    recovery_undefended: float = 0.4
    attack_defended: float = 0.4
    attack_undefended: float = 0.3
    defended_from_defended: float = 0.4
    defended_from_undefended: float = 0.4
    undefended_from_undefended: float = 0.3
    undefended_from_defended: float = 0.3
    defence_cost: float = 0.3
    infection_cost: float = 0.5
    attack_cost: float = 0.15

    def __post_init__(self) -> None:
        MeanFieldConfig.__post_init__(self)
        self._set("dt", check_real("dt", self.dt, 0, open_minimum=True))
        rates = ("switch_rate", "recovery_defended", "recovery_undefended", *INFECTION_RATES)
        self._check_reals(*rates, "defence_cost", "infection_cost", "attack_cost")
        if self.dt * self.fastest > 1:
            raise ValueError(f"dt must be at most 1 / {self.fastest:g}, the rate of leaving a state, got {self.dt}")

    @property
    def fastest(self) -> float:
        """An upper bound of the rate at which any agent leaves its state."""
        defended = self.attack_defended + max(self.defended_from_defended, self.defended_from_undefended)
        undefended = self.attack_undefended + max(self.undefended_from_undefended, self.undefended_from_defended)
        return self.switch_rate + max(defended, undefended, self.recovery_defended, self.recovery_undefended)


INFECTION_RATES = (
    *("attack_defended", "attack_undefended", "defended_from_defended"),
    *("defended_from_undefended", "undefended_from_undefended", "undefended_from_defended"),
)
