"""Cyber security: computers that defend themselves or not against attackers who are active or not."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.games.mean_field.common.picture import Picture
from mpgg_env.games.mean_field.common.rules import MeanFieldRules, Start
from mpgg_env.games.mean_field.common.starts import dense_distributions
from mpgg_env.games.mean_field.common.state import Array, Arrays
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig

DI, DS, UI, US = range(4)  # defended or undefended, infected or susceptible
DEFENDERS: Final = ("DI", "DS", "UI", "US")
ATTACKERS: Final = ("active", "inactive")
ACTIVE: Final = 0
KEEP, SWITCH = range(2)
# The other level of defence, and the other state of infection, of each state of a defender.
OTHER_LEVEL: Final = np.array([UI, US, DI, DS])
OTHER_HEALTH: Final = np.array([DS, DI, US, UI])
DEFENDER_STARTS: Final = ((0.25, 0.25, 0.25, 0.25), (1, 0, 0, 0), (0, 0, 0, 1), (0.01, 0.01, 0.48, 0.5))
ATTACKER_STARTS: Final = ((0.9, 0.1), (0.1, 0.9))


class CyberSecurity(MeanFieldRules[CyberSecurityConfig]):
    """[Shao2024] section F.5. Coalition 0 are the defenders, coalition 1 the attackers; actions are keep, switch."""

    shapes = ((len(DEFENDERS), 2), (len(ATTACKERS), 2))

    def __init__(self, config: CyberSecurityConfig, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray) -> None:
        super().__init__(config, xp, asarray)
        self._parts = self.asarray(defender_kernels(config))
        self._attackers = self.asarray(attacker_kernel(config))

    def kernels(self, distributions: Arrays) -> Arrays:
        """I + dt Q; the defenders' is linear in the shares of active attackers and of infected computers."""
        defenders, attackers = distributions
        fixed, by_attack, by_defended, by_undefended = self._parts
        active, defended, undefended = attackers[:, ACTIVE], defenders[:, DI], defenders[:, UI]
        varying = (
            active[:, None, None] * by_attack
            + defended[:, None, None] * by_defended
            + undefended[:, None, None] * by_undefended
        )
        return fixed + varying, self._attackers

    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """-dt (k_D D + k_I I), dt (k_I I - k_A active)."""
        c, (defenders, attackers) = self.config, distributions
        infected = c.infection_cost * (defenders[:, DI] + defenders[:, UI])
        defended = c.defence_cost * (defenders[:, DI] + defenders[:, DS])
        active = c.attack_cost * attackers[:, ACTIVE]
        return self.xp.stack([-c.dt * (defended + infected), c.dt * (infected - active)], 1)

    def picture(self) -> Picture:
        """Defended or undefended, infected or susceptible computers; active and inactive attackers."""
        return Picture(title="Cyber security", roles=("defenders", "attackers"), names=(DEFENDERS, ATTACKERS))

    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """Entries uniform in (0, 1), normalised."""
        return Start(tuple(dense_distributions(generator, size, n) for n, _ in self.shapes))

    def testing_set(self) -> Start:
        """Four starts of the defenders with each of two of the attackers."""
        pairs = [(defenders, attackers) for defenders in DEFENDER_STARTS for attackers in ATTACKER_STARTS]
        return Start((np.array([d for d, _ in pairs], float), np.array([a for _, a in pairs], float)))

    def agent_next(
        self,
        coalition: int,
        place: IntArray,
        action: IntArray,
        uniform: FloatArray,
        distributions: Sequence[FloatArray],
    ) -> IntArray:
        """Within a step an agent switches, or its health changes, or neither."""
        c = self.config
        switching = np.where(action == SWITCH, c.dt * c.switch_rate, 0.0)
        if coalition == 1:
            return np.where(uniform < switching, 1 - place, place)
        changing = c.dt * self._health_rates(place, *distributions)
        return np.where(
            uniform < switching,
            OTHER_LEVEL[place],
            np.where(uniform < switching + changing, OTHER_HEALTH[place], place),
        )

    def _health_rates(self, place: IntArray, defenders: FloatArray, attackers: FloatArray) -> FloatArray:
        """Rates of recovery of infected and of infection of susceptible computers, (B, N)."""
        c, active = self.config, attackers[:, ACTIVE]
        defended, undefended = defenders[:, DI], defenders[:, UI]
        of_defended = c.attack_defended * active + c.defended_from_defended * defended
        of_undefended = c.attack_undefended * active + c.undefended_from_undefended * undefended
        rates = np.empty(defenders.shape)
        rates[:, DI], rates[:, UI] = c.recovery_defended, c.recovery_undefended
        rates[:, DS] = of_defended + c.defended_from_undefended * undefended
        rates[:, US] = of_undefended + c.undefended_from_defended * defended
        return np.take_along_axis(rates, place, 1)


def defender_kernels(config: CyberSecurityConfig) -> FloatArray:
    """The parts of the defenders' kernel, (4, 8, 4): fixed, per active attackers, per DI, per UI."""
    c = config
    fixed = _rates({(DI, DS): c.recovery_defended, (UI, US): c.recovery_undefended})
    fixed[:, SWITCH] += _switches(OTHER_LEVEL, c.switch_rate)
    by_attack = _rates({(DS, DI): c.attack_defended, (US, UI): c.attack_undefended})
    by_defended = _rates({(DS, DI): c.defended_from_defended, (US, UI): c.undefended_from_defended})
    by_undefended = _rates({(DS, DI): c.defended_from_undefended, (US, UI): c.undefended_from_undefended})
    parts = c.dt * np.array([fixed, by_attack, by_defended, by_undefended])
    parts[0] += np.eye(len(DEFENDERS))[:, None, :]
    return parts.reshape(4, -1, len(DEFENDERS))


def attacker_kernel(config: CyberSecurityConfig) -> FloatArray:
    """The attackers' kernel, (4, 2)."""
    kernel = np.repeat(np.eye(2)[:, None, :], 2, axis=1)
    kernel[:, SWITCH] += config.dt * _switches(np.array([1, 0]), config.switch_rate)
    return kernel.reshape(-1, 2)


def _rates(changes: dict[tuple[int, int], float]) -> FloatArray:
    """A rate matrix for either action, (4, 2, 4), from the rates of single changes; rows sum to 0."""
    rates = np.zeros((len(DEFENDERS), 2, len(DEFENDERS)))
    for (here, there), rate in changes.items():
        rates[here, :, there] += rate
        rates[here, :, here] -= rate
    return rates


def _switches(other: IntArray, rate: float) -> FloatArray:
    """The rate matrix of going to the other level, (S, S)."""
    return rate * (np.eye(len(other))[other] - np.eye(len(other)))
