"""Cyber security, the defenders' side: how much they could gain over never defending.

The attackers' shares v_t do not depend on the defenders, so that against a replay the defenders control a system with
known v_t. *Never defend* is the policy by which everybody who is defended tries to leave and nobody enters. Let
p_t(x) be the derivative of its value by the share of defenders in x, and

    w_U = p(US) - p(UI),   eta = w_U - w_D,   delta_I = p(UI) - p(DI),   delta_S = p(US) - p(DS).

Who deviates at time t moves at most a share dt lambda of the infected and of the susceptible of that time, I_t and S_t,
from U to D, and nothing else, because who switches keeps her health within a step. By the lemma of differences in
performance ([Kakade2002])

    gain of any policy <= sum_t gamma^{t+1} dt lambda [ I_t max(0, -min delta_I,t+1) + S_t max(0, -min delta_S,t+1) ],

the minima over every state that any policy of the defenders can bring about. The four numbers follow backwards from 0
at T by formulas that are linear in each of (w_U, eta, delta), in the state, and in the split of the infected and
susceptible into D and U; so their ranges over boxes are found at corners. Where the ranges of the deltas stay at or
above 0, never defending is dominant against this attack, and the bound is 0 exactly.
"""

import itertools

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.games.mean_field.cyber_security.config import CyberSecurityConfig
from mpgg_env.games.mean_field.cyber_security.rules import KEEP, SWITCH

SHAPE = (4, 2)  # states DI, DS, UI, US; actions keep, switch


def never_defend(steps: int, games: int) -> FloatArray:
    """Leave D, never enter, as actions (T, B, 4, 2)."""
    action = np.zeros((steps, games, *SHAPE))
    action[:, :, :2, SWITCH] = 1.0
    action[:, :, 2:, KEEP] = 1.0
    return action


def defence_gain_bound(config: CyberSecurityConfig, defenders: FloatArray, active: FloatArray) -> FloatArray:
    """No policy of the defenders is better than never defending by more than this, (B,), at least 0.

    Args:
        config: Parameters of the game.
        defenders: Their distribution at time 0, (B, 4).
        active: Shares of active attackers at the times 0 to T - 1, (B, T).
    """
    infected = infected_ranges(config, defenders[:, 0] + defenders[:, 2], active)
    ranges = np.zeros((len(active), 4, 2))  # of w_U, eta, delta_I, delta_S
    bound = np.zeros(len(active))
    for t in reversed(range(active.shape[1] - 1)):
        ranges = _before(config, ranges, infected[:, t + 1], active[:, t + 1])
        worst = np.maximum(0.0, -ranges[:, 2:, 0])
        # Those of time t: who switches then is infected or not as before, though fewer may be so a step later.
        shares = np.stack([infected[:, t, 1], 1 - infected[:, t, 0]], 1)
        step = config.discount ** (t + 1) * config.dt * config.switch_rate
        bound += step * (worst * shares).sum(1)
    return bound


def infected_ranges(config: CyberSecurityConfig, infected: FloatArray, active: FloatArray) -> FloatArray:
    """Least and largest shares of infected that any defence can bring about, (B, T, 2)."""
    c = config
    recovery = (c.recovery_undefended, c.recovery_defended)
    attack = (c.attack_undefended, c.attack_defended)
    spread = (
        *(c.defended_from_defended, c.defended_from_undefended),
        *(c.undefended_from_undefended, c.undefended_from_defended),
    )
    ranges = [np.stack([infected, infected], 1)]
    for t in range(active.shape[1] - 1):
        ends = ranges[-1]
        pressed = [choose(attack) * active[:, t, None] + choose(spread) * ends for choose in (min, max)]
        low, high = (
            ends + c.dt * ((1 - ends) * pressure - ends * rate)
            for pressure, rate in zip(pressed, (max(recovery), min(recovery)), strict=True)
        )
        # Between the ends these are concave in the share: lowest at an end, highest there plus what they bulge.
        bulge = c.dt * max(spread) * (ends[:, 1] - ends[:, 0]) ** 2 / 4
        ranges.append(np.stack([np.maximum(low.min(1), 0.0), np.minimum(high.max(1) + bulge, 1.0)], 1))
    return np.stack(ranges, 1)


def _before(config: CyberSecurityConfig, later: FloatArray, infected: FloatArray, active: FloatArray) -> FloatArray:
    """Ranges of (w_U, eta, delta_I, delta_S) at a time from those at the next, (B, 4, 2) each."""
    found = []
    for end, infected_in_d, susceptible_in_d, *picks in itertools.product((0, 1), repeat=7):
        w, eta, delta_i, delta_s = (later[:, k, pick] for k, pick in enumerate(picks))
        share = infected[:, end]
        di, ui = share * infected_in_d, share * (1 - infected_in_d)
        ds, us = (1 - share) * susceptible_in_d, (1 - share) * (1 - susceptible_in_d)
        found.append(_derivatives(config, (w, eta, delta_i, delta_s), (di, ds, ui, us), active))
    corners = np.stack(found)
    return np.stack([corners.min(0), corners.max(0)], -1)


def _derivatives(
    config: CyberSecurityConfig,
    later: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    state: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    active: FloatArray,
) -> FloatArray:
    """(w_U, eta, delta_I, delta_S) of never defending at a time, from the next, (B, 4)."""
    c, (w, eta, delta_i, delta_s), (di, ds, ui, us) = config, later, state
    w_d = w - eta
    on_d = c.attack_defended * active + c.defended_from_defended * di + c.defended_from_undefended * ui
    on_u = c.attack_undefended * active + c.undefended_from_defended * di + c.undefended_from_undefended * ui
    from_d = ds * c.defended_from_defended * w_d + us * c.undefended_from_defended * w  # what one more in DI infects
    from_u = ds * c.defended_from_undefended * w_d + us * c.undefended_from_undefended * w
    healed_d, healed_u = c.recovery_defended * w_d, c.recovery_undefended * w
    leaving = 1 - c.dt * c.switch_rate
    w_now = c.dt * c.infection_cost + c.discount * (w + c.dt * (from_u - healed_u - on_u * w))
    # Of those who leave D, the infected lose delta_I and the susceptible delta_S: together eta.
    eta_now = c.discount * (leaving * eta + c.dt * (from_u - from_d + healed_d - healed_u + on_d * w_d - on_u * w))
    cost = c.dt * c.defence_cost
    delta_i_now = cost + c.discount * (leaving * delta_i + c.dt * (healed_u - healed_d + from_d - from_u))
    delta_s_now = cost + c.discount * (leaving * delta_s + c.dt * (on_d * w_d - on_u * w))
    return np.stack([w_now, eta_now, delta_i_now, delta_s_now], 1)
