"""Best responses to replayed opponents in cyber security, and the equilibrium in which nobody defends.

The attackers move alike whatever the defenders do, so that a replay of them is a sequence v_t. The defenders' kernel
depends on v: against a replay of their actions the attackers still move them.
"""

from typing import Final

import numpy as np

from mpgg_env.analysis.mean_field.cyber_attack import attack_bound
from mpgg_env.analysis.mean_field.cyber_defence import defence_gain_bound, never_defend
from mpgg_env.analysis.mean_field.open_loop import OpenLoop, numpy_state, recorded
from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.cyber_security.rules import (
    ACTIVE,
    DI,
    SWITCH,
    UI,
    attacker_kernel,
    defender_kernels,
)

# Switching probability of everybody where the ascent begins. Ascents from never and from always attacking end in the
# same attacks, on the testing set to 1e-5.
BEGINNING: Final = 0.5
MOST_ITERATIONS: Final = 150
DEFENDERS, ATTACKERS = 0, 1


def defence_response(config: CyberSecurityConfig, played: Rollout) -> tuple[OpenLoop, FloatArray]:
    """Never defending, and a bound of the defenders' best response to a replay of the attackers, (B,)."""
    states = [numpy_state(state) for state in played.states]
    active = np.stack([state.distributions[ATTACKERS][:, ACTIVE] for state in states[:-1]], 1)
    never = OpenLoop(never_defend(*active.T.shape))
    value = rollout(MeanFieldBatch(config), states[0], [never, recorded(played, ATTACKERS)]).returns[:, DEFENDERS]
    return never, value + defence_gain_bound(config, states[0].distributions[DEFENDERS], active)


def attack_response(config: CyberSecurityConfig, played: Rollout) -> tuple[OpenLoop, FloatArray]:
    """The best attack found, and a bound of all attacks against a replay of the defenders' actions, (B,)."""
    start, actions = numpy_state(played.states[0]), recorded(played, DEFENDERS).actions
    switching = np.swapaxes(actions[..., SWITCH], 0, 1)
    found = best_attack(config, start, switching)
    pairs = zip(*start.distributions, switching, strict=True)
    upper = np.array([attack_bound(config, (defenders, attackers), s) for defenders, attackers, s in pairs])
    return OpenLoop(found), upper


def cyber_equilibrium(config: CyberSecurityConfig, start: MeanFieldState) -> tuple[OpenLoop, OpenLoop]:
    """Nobody defends, and the attackers answer that."""
    never = never_defend(config.max_cycles, len(start.distributions[0]))
    switching = np.swapaxes(never[..., SWITCH], 0, 1)
    return OpenLoop(never), OpenLoop(best_attack(config, start, switching))


def best_attack(config: CyberSecurityConfig, start: MeanFieldState, switching: FloatArray) -> FloatArray:
    """Actions of the attackers (T, B, 2, 2) by gradient ascent ([Byrd1995]).

    Args:
        config: Parameters of the game.
        start: Of B games.
        switching: Probability of switch in each state of the defenders, (B, T, 4).
    """
    from scipy.optimize import minimize

    ascent, shape = _Ascent(config, start, switching), (*switching.shape[:2], 2)
    end = minimize(
        ascent.loss,
        np.full(shape, BEGINNING).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * (2 * shape[0] * shape[1]),
        options={"maxiter": MOST_ITERATIONS, "maxfun": 2 * MOST_ITERATIONS, "ftol": 1e-13, "gtol": 1e-9},
    )
    chosen = end.x.reshape(shape)
    return np.swapaxes(np.stack([1 - chosen, chosen], -1), 0, 1)


class _Ascent:
    """The attackers' returns in B games and their derivatives by switching probabilities (B, T, 2)."""

    def __init__(self, config: CyberSecurityConfig, start: MeanFieldState, switching: FloatArray) -> None:
        self._config, self._start = config, start
        _, steps, n_states = switching.shape
        actions = np.stack([1 - switching, switching], -1)
        parts = defender_kernels(config).reshape(4, n_states, 2, n_states)
        # The transition matrices (x, y) of each step: fixed, per active attackers, per DI, per UI.
        self._parts = np.einsum("btxa,pxay->tpbxy", actions, parts)
        self._turn = float(attacker_kernel(config)[SWITCH, 1 - ACTIVE])
        self._weights = config.discount ** np.arange(steps) * config.dt

    def returns(self, attack: FloatArray) -> FloatArray:
        """(B,)."""
        mu, active = self._forward(attack)
        c = self._config
        rewards = c.infection_cost * (mu[:, :, DI] + mu[:, :, UI]) - c.attack_cost * active
        return np.asarray(self._weights @ rewards)

    def loss(self, flat: FloatArray) -> tuple[float, FloatArray]:
        """Minus the sum of all returns, and its derivatives."""
        attack = flat.reshape(-1, len(self._weights), 2)
        mu, active = self._forward(attack)
        gradient = self._backward(attack, mu, active)
        return -float(self.returns(attack).sum()), -gradient.ravel()

    def _forward(self, attack: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Defenders (T, B, 4) and shares of active attackers (T, B)."""
        mu, active = [self._start.distributions[DEFENDERS]], [self._start.distributions[ATTACKERS][:, ACTIVE]]
        for t in range(len(self._weights) - 1):
            mu.append(np.einsum("bx,bxy->by", mu[-1], self._transition(t, mu[-1], active[-1])))
            leaving, entering = self._turn * attack[:, t, 0], self._turn * attack[:, t, 1]
            active.append(active[-1] * (1 - leaving) + (1 - active[-1]) * entering)
        return np.stack(mu), np.stack(active)

    def _transition(self, t: int, mu: FloatArray, active: FloatArray) -> FloatArray:
        fixed, by_attack, by_di, by_ui = self._parts[t]
        varying = (by_attack, active), (by_di, mu[:, DI]), (by_ui, mu[:, UI])
        return np.asarray(fixed + sum(part * share[:, None, None] for part, share in varying))

    def _backward(self, attack: FloatArray, mu: FloatArray, active: FloatArray) -> FloatArray:
        c, gradient = self._config, np.zeros_like(attack)
        worth, worth_active = np.zeros_like(mu[0]), np.zeros_like(active[0])
        for t in reversed(range(len(self._weights))):
            gradient[:, t, 0] = -self._turn * active[t] * worth_active
            gradient[:, t, 1] = self._turn * (1 - active[t]) * worth_active
            moved = np.einsum("bx,pbxy,by->pb", mu[t], self._parts[t], worth)
            worth = np.einsum("bxy,by->bx", self._transition(t, mu[t], active[t]), worth)
            worth[:, DI] += moved[2] + self._weights[t] * c.infection_cost
            worth[:, UI] += moved[3] + self._weights[t] * c.infection_cost
            staying = 1 - self._turn * (attack[:, t, 0] + attack[:, t, 1])
            worth_active = staying * worth_active + moved[1] - self._weights[t] * c.attack_cost
        return gradient
