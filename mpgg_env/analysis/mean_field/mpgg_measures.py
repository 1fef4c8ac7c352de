"""What coalitions do in the migratory public goods game between many agents: measures of a rollout.

In every Markov equilibrium a coalition cooperates in a casino where the gain times its share of the agents there
exceeds 1, and nowhere else: game actions do not affect where anybody goes, and the reward of coalition k has the
derivative mu_k(m) c_m (r_m q_k(m) - 1) by its probability p_k(m) of cooperating.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mpgg_env.analysis.mean_field.open_loop import as_numpy, numpy_state
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.rollout import Rollout
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.mpgg.rules import COOPERATION
from mpgg_env.games.mpgg.rules import casino_costs, casino_gains


class Panel(NamedTuple):
    """An episode of B games as arrays.

    Attributes:
        distributions: mu_k(m) at the times 0 to T - 1, (B, T, K, M).
        cooperation: p_k(m), the probability that an agent of coalition k in casino m cooperates, (B, T, K, M).
    """

    distributions: FloatArray
    cooperation: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MPGGMeasures:
    """Means over time of B games, (B,) each.

    Attributes:
        agreement: Share of all game actions that the threshold rule demands, in [0, 1].
        cooperation: Share of agents who cooperate, in [0, 1].
        welfare: Mean payoff per agent and round as a share of `optimal_welfare`, at most 1; NaN where that is 0.
        best_casino: Share of agents in the casino with the largest welfare, in [0, 1].
        own_share: Share of the agents in an agent's casino who are of its own coalition, mean over agents: with equal
            weights from 1 / K, where all coalitions are mixed alike, to 1, where each has casinos of its own.
    """

    agreement: FloatArray
    cooperation: FloatArray
    welfare: FloatArray
    best_casino: FloatArray
    own_share: FloatArray


class Chase(NamedTuple):
    """How one coalition's moves follow another's.

    Attributes:
        lags: Steps by which the follower comes later, (2 L + 1,), from -L to L.
        correlation: Of the changes of the leader's distribution with those of the follower's so many steps later, in
            [-1, 1], (B, 2 L + 1); NaN where one of them does not move.
        lag: The lag with the highest correlation, of equal ones the one nearest to 0 and then the lower one, (B,); NaN
            where no correlation is known.
    """

    lags: IntArray
    correlation: FloatArray
    lag: FloatArray


def mpgg_measures(config: MeanFieldMPGGConfig, played: Rollout, first_step: int = 0) -> MPGGMeasures:
    """All measures of an episode.

    Args:
        config: Parameters of the game.
        played: An episode of any profile, in numpy or torch.
        first_step: Steps at the beginning that do not count, in [0, T).

    Raises:
        ValueError: `first_step` is out of range.
    """
    check_integer("first_step", first_step, 0, len(played.actions) - 1)
    panel = panel_of(played)
    best, optimum = int(np.argmax(casino_values(config))), optimal_welfare(config)
    welfare = as_numpy(played.rewards) @ np.array(config.shares)
    each = {
        "agreement": threshold_agreement(config, panel),
        "cooperation": cooperation_rate(config, panel),
        "welfare": welfare / optimum if optimum else np.full(welfare.shape, np.nan),
        "best_casino": crowd(config, panel.distributions)[..., best],
        "own_share": own_share_index(config, panel.distributions),
    }
    return MPGGMeasures(**{name: np.asarray(values[:, first_step:].mean(1)) for name, values in each.items()})


def panel_of(played: Rollout) -> Panel:
    """Distributions and probabilities of cooperating, each (B, T, K, M)."""
    mu = [np.stack(numpy_state(state).distributions, 1) for state in played.states[:-1]]
    p = [np.stack([as_numpy(action)[:, :, COOPERATION] for action in actions], 1) for actions in played.actions]
    return Panel(np.stack(mu, 1), np.stack(p, 1))


def casino_values(config: MeanFieldMPGGConfig) -> FloatArray:
    """Payoff of each agent in a casino where all cooperate, c_m (r_m - 1), (M,)."""
    return np.asarray(casino_costs(config) * (casino_gains(config) - 1))


def optimal_welfare(config: MeanFieldMPGGConfig) -> float:
    """The highest mean payoff per agent and round: all cooperate in the best casino, or nobody does anywhere."""
    return max(0.0, float(casino_values(config).max()))


def crowd(config: MeanFieldMPGGConfig, distributions: FloatArray) -> FloatArray:
    """Share rho_m of all agents in each casino, sum over k of w_k mu_k(m), (..., M)."""
    return np.asarray(np.array(config.shares) @ distributions)


def own_shares(config: MeanFieldMPGGConfig, distributions: FloatArray) -> FloatArray:
    """Share q_k(m) of coalition k in the agents of casino m, w_k mu_k(m) / rho_m, (..., K, M); 0 in empty casinos."""
    held = np.array(config.shares)[:, None] * distributions
    present = held.sum(-2, keepdims=True)
    return np.asarray(np.divide(held, present, out=np.zeros_like(held), where=present > 0))


def threshold_rule(config: MeanFieldMPGGConfig, distributions: FloatArray) -> BoolArray:
    """Where each coalition cooperates in equilibrium: r_m q_k(m) > 1, (..., K, M)."""
    return np.asarray(casino_gains(config) * own_shares(config, distributions) > 1)


def threshold_agreement(config: MeanFieldMPGGConfig, panel: Panel) -> FloatArray:
    """Share of all agents whose game action is the one that the threshold rule demands, (B, T)."""
    demanded = threshold_rule(config, panel.distributions)
    agreeing = np.where(demanded, panel.cooperation, 1 - panel.cooperation)
    return _mean_over_agents(config, panel.distributions, agreeing)


def cooperation_rate(config: MeanFieldMPGGConfig, panel: Panel) -> FloatArray:
    """Share of all agents who cooperate, (B, T)."""
    return _mean_over_agents(config, panel.distributions, panel.cooperation)


def own_share_index(config: MeanFieldMPGGConfig, distributions: FloatArray) -> FloatArray:
    """Share of an agent's own coalition in its casino, mean over all agents, (B, T)."""
    return _mean_over_agents(config, distributions, own_shares(config, distributions))


def chase(played: Rollout, leader: int = 0, follower: int = 1, longest: int = 5) -> Chase:
    """How the changes of one coalition's distribution follow those of another's.

    The correlation at lag l is that of mu_leader(t + 1) - mu_leader(t) with the same of the follower l steps later,
    over all times t at which both are known and all casinos.

    Args:
        played: An episode of T >= 2 steps.
        leader: Number of a coalition.
        follower: Number of another one.
        longest: Largest lag L, in [0, T - 2].

    Raises:
        ValueError: `longest` is out of range.
    """
    steps = len(played.actions)
    check_integer("longest", longest, 0, steps - 2)
    paths = [np.stack([numpy_state(state).distributions[k] for state in played.states], 1) for k in (leader, follower)]
    first, second = (np.diff(path, axis=1) for path in paths)
    lags = np.arange(-longest, longest + 1)
    correlation = np.stack([_correlation(*_shifted(first, second, int(lag))) for lag in lags], 1)
    # The order in which equals are compared: 0, -1, 1, -2, 2, ...
    order = np.argsort(np.abs(lags), kind="stable")
    known = np.where(np.isnan(correlation), -np.inf, correlation)[:, order]
    lag = np.where(np.isfinite(known.max(1)), lags[order][np.argmax(np.round(known, 9), axis=1)], np.nan)
    return Chase(lags, correlation, lag)


def _mean_over_agents(config: MeanFieldMPGGConfig, distributions: FloatArray, values: FloatArray) -> FloatArray:
    """Mean of values (..., K, M) over all agents, (...)."""
    return np.asarray((distributions * values).sum(-1) @ np.array(config.shares))


def _shifted(first: FloatArray, second: FloatArray, lag: int) -> tuple[FloatArray, FloatArray]:
    """The parts of two series (B, T, M) that meet when the second one is read `lag` steps later."""
    if lag < 0:
        second, first = _shifted(second, first, -lag)
        return first, second
    return first[:, : first.shape[1] - lag], second[:, lag:]


def _correlation(first: FloatArray, second: FloatArray) -> FloatArray:
    """Cosine of the angle between two series, (B,); NaN where one is 0."""
    lengths = np.sqrt((first**2).sum((1, 2)) * (second**2).sum((1, 2)))
    product = (first * second).sum((1, 2))
    return np.asarray(np.divide(product, lengths, out=np.full(len(lengths), np.nan), where=lengths > 0))
