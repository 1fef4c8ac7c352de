"""The gain of one trader by a best response to the others, with a share of the value of the game."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mpgg_agents.fp_ddpg.config import FPDDPGConfig
from mpgg_agents.market_response.config import PathwiseConfig
from mpgg_agents.market_response.ddpg import ddpg_response
from mpgg_agents.market_response.episodes import MarketPolicy, returns_under
from mpgg_agents.market_response.exact import equilibrium_value, exact_gain, is_exact
from mpgg_agents.market_response.paired import paired_difference
from mpgg_agents.market_response.pathwise import learned_response
from mpgg_env.core.validation import check_choice, check_integer, check_real
from mpgg_env.games.market.config import MarketConfig

METHODS: Final = ("auto", "exact", "pathwise", "ddpg")
Method = Literal["auto", "exact", "pathwise", "ddpg"]
ValueOf = Literal["equilibrium", "policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketExploitability:
    """What one trader gains by leaving a profile that the others keep.

    Attributes:
        gain: Mean gain per episode of the best response that was found. A learned response that is worse than the
            policy itself has a negative gain; the exploitability is never below 0.
        interval: Confidence interval of that response's gain; the gain twice where it is exact.
        confidence: Level of the interval.
        p_value: Of the two-sided paired test that the gain is 0; None where it is exact.
        share: The gain as a share of `value`.
        value: |V| by which the share is measured.
        value_of: Whose value it is: equilibrium, the trader's expected return in the exact equilibrium; policy, its
            return under the policy itself, where no equilibrium is known.
        lower_bound: Whether the exploitability may be higher, since the response was learned.
        method: How the response was found.
        trader: Who deviates.
        episodes: Fresh episodes in which it was judged; 0 where it is exact.
        seed: Seed of training and judging; None where it is exact.
    """

    gain: float
    interval: tuple[float, float]
    confidence: float
    p_value: float | None
    share: float
    value: float
    value_of: ValueOf
    lower_bound: bool
    method: Literal["exact", "pathwise", "ddpg"]
    trader: int
    episodes: int
    seed: int | None


def exploitability(
    game: MarketConfig,
    policy: MarketPolicy,
    method: Method = "auto",
    *,
    trader: int = 0,
    episodes: int = 2**15,
    seed: int = 0,
    confidence: float = 0.95,
    pathwise: PathwiseConfig | None = None,
    ddpg: FPDDPGConfig | None = None,
    progress: Callable[[int], None] | None = None,
) -> MarketExploitability:
    """What a trader gains by leaving the policy while the others keep it.

    Args:
        game: Rules of the market; a learned response sees what `observation` says.
        policy: Rates of all traders from a state of float32 tensors.
        method: exact, for a `LinearProfile` under linear impact or none: the response sees the whole state, whatever
            `observation` says; pathwise, a response trained by the gradient through the market; ddpg, one by
            DDPG, which knows no rules and is less accurate; auto, exact where that is possible and the response needs
            nothing that `observation` hides, else pathwise.
        trader: Who deviates.
        episodes: Fresh episodes in which a learned response is judged, the same ones with and without the deviation,
            at least 2.
        seed: Seed of training and judging, in [0, 2**64).
        confidence: Level of the interval, in (0, 1).
        pathwise: Numbers of the pathwise method.
        ddpg: Hyper-parameters of DDPG, as `ddpg_response` takes them.
        progress: Called after each iteration of a training with the number of iterations done.

    Raises:
        ValueError: An argument is out of range, or the method does not fit the game.
        TypeError: An argument has the wrong type, or the exact method gets a policy that is not linear.
        TrainingError: The returns of a learned response are not finite.
    """
    check_choice("method", method, METHODS)
    check_integer("trader", trader, 0, game.n_agents - 1)
    check_integer("episodes", episodes, 2)
    check_integer("seed", seed, 0, 2**64 - 1)
    check_real("confidence", confidence, 0, 1, open_minimum=True, open_maximum=True)
    value = equilibrium_value(game, trader)
    if method == "exact" or (method == "auto" and is_exact(game, policy, trader)):
        return _exact(game, policy, trader, value, confidence)
    if method == "ddpg":
        profile = ddpg_response(game, policy, trader, ddpg, seed=seed, progress=progress)
    else:
        profile = learned_response(game, policy, trader, pathwise, seed=seed, progress=progress)
    kept = returns_under(game, policy, episodes, seed)[:, trader]
    left = returns_under(game, profile, episodes, seed)[:, trader]
    judged = paired_difference(left, kept, confidence)
    reference, value_of = _reference(value, float(kept.mean()))
    return MarketExploitability(
        gain=judged.mean,
        interval=judged.interval,
        confidence=confidence,
        p_value=judged.p_value,
        share=_share(judged.mean, reference),
        value=reference,
        value_of=value_of,
        lower_bound=True,
        method="ddpg" if method == "ddpg" else "pathwise",
        trader=trader,
        episodes=episodes,
        seed=seed,
    )


def _share(gain: float, reference: float) -> float:
    """The gain as a share of |V|; NaN in a market in which nothing can be earned."""
    return gain / reference if reference else math.nan


def _exact(
    game: MarketConfig, policy: MarketPolicy, trader: int, value: float | None, confidence: float
) -> MarketExploitability:
    gain, own = exact_gain(game, policy, trader)
    reference, value_of = _reference(value, own)
    return MarketExploitability(
        gain=gain,
        interval=(gain, gain),
        confidence=confidence,
        p_value=None,
        share=_share(gain, reference),
        value=reference,
        value_of=value_of,
        lower_bound=False,
        method="exact",
        trader=trader,
        episodes=0,
        seed=None,
    )


def _reference(value: float | None, own: float) -> tuple[float, ValueOf]:
    """|V| and whose it is, from the equilibrium's value, if there is one, and the policy's."""
    return (abs(own), "policy") if value is None else (abs(value), "equilibrium")
