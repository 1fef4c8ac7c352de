"""Judging the policies that a training kept: distance to the equilibrium, mean return, exploitability."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from mpgg_agents.experiments.judgement import PolicyJudgement
from mpgg_agents.experiments.market.distance import relative_distance, visited_states
from mpgg_agents.experiments.market.exact import exact_equilibrium
from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.market_response import PathwiseConfig, exploitability, returns_under
from mpgg_agents.market_response.episodes import MarketPolicy
from mpgg_env.games.market.state import MarketState


class TradersJudgement(PolicyJudgement):
    """Judges by the numbers of `JUDGEMENTS`, one per policy."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """One number of each kind."""
        return dict.fromkeys(JUDGEMENTS, ())

    @property
    def steps_per_policy(self) -> int:
        """Steps of the best response."""
        return max(1, int(self._experiment.run.response_iterations))

    def judge(self, policy: MarketPolicy, seed: int, tell: Callable[[int], None]) -> Mapping[str, float]:
        """Return, distance and gain."""
        game, run = self._experiment.game, self._experiment.run
        returns = returns_under(game, policy, run.evaluation_episodes, seed).mean(1)
        found = {
            "distance": self._distance(policy),
            "mean_return": float(returns.mean()),
            "mean_return_error": float(returns.std(ddof=1) / len(returns) ** 0.5),
        }
        if not run.response_iterations:
            tell(1)
            return found
        return {**found, **self._gain(policy, seed, lambda step: tell(1))}

    def _gain(self, policy: MarketPolicy, seed: int, progress: Any) -> dict[str, float]:
        run = self._experiment.run
        judged = exploitability(
            self._experiment.game,
            policy,
            "pathwise",
            trader=run.response_trader,
            episodes=run.evaluation_episodes,
            seed=seed,
            pathwise=PathwiseConfig(iterations=run.response_iterations),
            progress=progress,
        )
        low, high = judged.interval
        return {
            "gain": judged.gain,
            "gain_low": low,
            "gain_high": high,
            "share": judged.share,
            "share_low": low / judged.value,
            "share_high": high / judged.value,
            "value": judged.value,
        }

    def _distance(self, policy: MarketPolicy) -> float:
        if self._exact is None:
            return float("nan")
        exact, states = self._exact
        return relative_distance(policy, exact, states)

    @cached_property
    def _exact(self) -> tuple[MarketPolicy, list[MarketState]] | None:
        """The equilibrium's policy and states that it visits, the same ones for all policies."""
        game, found = self._experiment.game, exact_equilibrium(self._experiment.game)
        if found is None:
            return None
        return found.profile, visited_states(game, found.profile, self._experiment.run.evaluation_episodes, 0)
