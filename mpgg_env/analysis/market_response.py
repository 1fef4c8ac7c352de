"""Exact best responses to linear rules in the market, and what they gain: exploitability.

Against linear rules of the others a trader faces a linear-quadratic control problem, so that its best response is
linear and one backward recursion gives it. What it gains over the rule in place is not taken as a difference of two
returns, which would lose the digits of a small gain, but from the identity of performance differences ([Kakade2002]):
the sum over the steps of -G_ii / 2 E (v - v*)^2, with the rates v of the rule and v* of the response at the states that
the profile visits, and the own curvature G_ii of the response's problem.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from mpgg_env.analysis.market_equilibrium import solve_market
from mpgg_env.analysis.market_moments import state_moments
from mpgg_env.analysis.market_profile import LinearProfile
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.linear_full import full_market
from mpgg_env.games.market.linear_symmetric import Preference, reduced_market, value_before
from mpgg_env.games.market.stage import IllPosedMarketError, check_concave, check_linear


@dataclass(frozen=True, slots=True, kw_only=True)
class BestResponse:
    """One trader's best response to the others' rules.

    Attributes:
        player: The trader.
        gains: Its rule, (M, 4) on (z, Y, q_i, mean of the others' q), or (M, N + 2) on (z, Y, q_1, ..., q_N).
        curvature: Second derivative of its return-to-go by its rate, < 0, (M,).
        profile: The profile with this rule in the player's place.
        gain: What the response earns more than the rule in place, in expectation over the initial states, >= 0.
    """

    player: int
    gains: FloatArray
    curvature: FloatArray
    profile: LinearProfile
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearExploitability:
    """What each trader would gain by a best response to the others' rules.

    Attributes:
        absolute: The gains, >= 0, (N,).
        share: The gains per |V|, V the trader's return in the exact equilibrium; NaN where there is none, (N,).
    """

    absolute: FloatArray
    share: FloatArray


def best_response(profile: LinearProfile, player: int) -> BestResponse:
    """The best response of one trader, exact.

    Under one rule for all it costs the same for any N, if nobody or the player itself deviates.

    Raises:
        IllPosedMarketError: In some step the player's return is not concave in its rate: there is no best response.
        ValueError: The impact is sqrt, or the player is none.
    """
    config = profile.config
    check_linear(config)
    check_integer("player", player, 0, config.n_agents - 1)
    if profile.is_symmetric and profile.deviator in (None, player):
        gains, curvature = _reduced_response(profile, config.preferences[player])
        own = profile.gains if profile.deviator_gains is None else profile.deviator_gains
        moments = state_moments(profile)[:, :4, :4]
        following = replace(profile, deviator=player, deviator_gains=gains)
    else:
        full = LinearProfile(config, profile.full_gains())
        gains, curvature = _full_response(full, player)
        own, moments = full.gains[:, player], state_moments(full)
        following = _with_rule(full, player, gains)
    gain = _gain(own - gains, curvature, moments)
    return BestResponse(player=player, gains=gains, curvature=curvature, profile=following, gain=gain)


def exploitability(profile: LinearProfile, value: FloatArray | float | None = None) -> LinearExploitability:
    """What every trader would gain by its best response, exact.

    Args:
        profile: The rules.
        value: What the share is of: each trader's return in the equilibrium, one number or (N,). Default: it is solved
            for.

    Raises:
        IllPosedMarketError: Some trader has no best response.
        ValueError: The impact is sqrt; or the traders differ and are too many for the equilibrium.
    """
    config, kinds = profile.config, _kinds(profile)
    found: dict[Hashable, float] = {}
    for player, kind in enumerate(kinds):
        if kind not in found:
            found[kind] = best_response(profile, player).gain
    absolute = np.array([found[kind] for kind in kinds])
    return LinearExploitability(absolute=absolute, share=absolute / _reference(config, value))


def _kinds(profile: LinearProfile) -> list[Hashable]:
    """One entry per trader; those with the same entry gain the same."""
    if not profile.is_symmetric:
        return list(range(profile.config.n_agents))
    return [(costs, player == profile.deviator) for player, costs in enumerate(profile.config.preferences)]


def _reference(config: MarketConfig, value: FloatArray | float | None) -> FloatArray:
    if value is not None:
        return np.broadcast_to(np.abs(value), (config.n_agents,))
    try:
        return np.abs(solve_market(config).value)
    except IllPosedMarketError:
        return np.full(config.n_agents, np.nan)


def _reduced_response(profile: LinearProfile, preference: Preference) -> tuple[FloatArray, FloatArray]:
    """Rule (M, 4) and curvature (M,) of a trader with these costs against others who follow the one rule."""
    config = profile.config
    market, form, constant = reduced_market(config, preference), np.zeros((4, 4)), 0.0
    gains, curvature = np.empty((config.n_steps, 4)), np.empty(config.n_steps)
    for step in reversed(range(config.n_steps)):
        row, own, cross = market.own_gradient(step, form)
        check_concave(config, step, own)
        others = market.others_row(profile.gains[step])
        gains[step], curvature[step] = -(row + cross * (config.n_agents - 1) * others) / own, own
        form, constant = value_before(market, step, form, constant, gains[step], others)
    return gains, curvature


def _full_response(profile: LinearProfile, player: int) -> tuple[FloatArray, FloatArray]:
    """Rule (M, N + 2) and curvature (M,) of a trader against the others' rules."""
    config, market = profile.config, full_market(profile.config)
    d = config.n_agents + 2
    form, gains, curvature = np.zeros((d, d)), np.empty((config.n_steps, d)), np.empty(config.n_steps)
    for step in reversed(range(config.n_steps)):
        played = _others_play(profile.gains[step], player)
        after = market.transition @ played
        stage = market.reward(step, player, played) + after.T @ form @ after
        curvature[step] = 2.0 * stage[d, d]
        check_concave(config, step, float(curvature[step]))
        gains[step] = -stage[d, :d] / stage[d, d]
        answered = np.concatenate([np.eye(d), gains[step][None]])
        form = answered.T @ stage @ answered
    return gains, curvature


def _others_play(rates: FloatArray, player: int) -> FloatArray:
    """(X, v) per unit of (X, the player's rate), where the others follow their rules, (2 N + 2, d + 1)."""
    n, d = rates.shape
    played = np.zeros((d + n, d + 1))
    played[:d, :d] = np.eye(d)
    played[d:, :d] = rates
    played[d + player] = 0.0
    played[d + player, d] = 1.0
    return played


def _with_rule(profile: LinearProfile, player: int, gains: FloatArray) -> LinearProfile:
    changed = profile.gains.copy()
    changed[:, player] = gains
    return LinearProfile(profile.config, changed)


def _gain(differences: FloatArray, curvature: FloatArray, moments: FloatArray) -> float:
    """The sum over the steps of -curvature / 2 E (difference of the rates)^2."""
    squares = np.einsum("ta,tab,tb->t", differences, moments, differences)
    return float(-0.5 * curvature @ squares)
