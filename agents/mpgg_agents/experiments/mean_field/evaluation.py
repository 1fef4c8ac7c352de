"""Judging the profiles that a training kept: what they earn on the testing set, and what a coalition could gain."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpgg_agents.experiments.judgement import PolicyJudgement
from mpgg_agents.experiments.mean_field.episodes import evaluated_episodes
from mpgg_agents.experiments.mean_field.measures import GAINS, JUDGEMENTS, MPGG_JUDGEMENTS
from mpgg_env.analysis.mean_field.gains import exact_gains, replayed_gains
from mpgg_env.analysis.mean_field.mpgg_measures import mpgg_measures
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout
from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mean_field.registry import game_of


class ProfileJudgement(PolicyJudgement):
    """Judges by the numbers of `measures`: one per coalition and start, of the MPGG's own one per start."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """(m, tests) each, of the MPGG's own (tests,)."""
        batch = MeanFieldBatch(self._experiment.game)
        tests = len(batch.rules.testing_set().distributions[0])
        own = MPGG_JUDGEMENTS if game_of(self._experiment.game) == "mpgg" else {}
        return {**dict.fromkeys(JUDGEMENTS, (batch.n_coalitions, tests)), **dict.fromkeys(own, (tests,))}

    @property
    def steps_per_policy(self) -> int:
        """Best responses of all coalitions."""
        return MeanFieldBatch(self._experiment.game).n_coalitions

    def judge(self, policy: Sequence[Policy], seed: int, tell: Callable[[int], None]) -> Mapping[str, Any]:
        """Test returns, bounds of the exploitability, and the measures of the MPGG."""
        game, run = self._experiment.game, self._experiment.run
        played = evaluated_episodes(game, policy)
        found: dict[str, Any] = {"returns": played.returns.T}
        if game_of(game) == "mpgg":
            found.update(mpgg_measures_of(game, played))
        if run.response_iterations:
            return {**found, **self._gains(policy, seed, tell)}
        tell(self.steps_per_policy)
        return {**found, **known_gains(game, played)}

    def _gains(self, policy: Sequence[Policy], seed: int, tell: Callable[[int], None]) -> dict[str, Any]:
        """The kinds of gains that are known."""
        from mpgg_agents.mean_field.evaluation.measure import exploitability  # loads torch
        from mpgg_agents.mean_field.evaluation.response import default_settings

        game, iterations = self._experiment.game, self._experiment.run.response_iterations
        settings = default_settings(game, "model_gradient").replace(iterations=iterations)
        judged = exploitability(game, policy, settings=settings, seed=seed, progress=lambda done: tell(1))
        return {name: getattr(judged, name) for name in GAINS if getattr(judged, name) is not None}


def known_gains(game: Any, played: Rollout) -> dict[str, Any]:
    """The gains that are known without learning a response, (m, tests) each."""
    exact, replayed = exact_gains(game, played), replayed_gains(game, played)
    found = {} if exact is None else {"exact": exact}
    return found if replayed is None else {**found, "replayed_lower": replayed.lower, "replayed_upper": replayed.upper}


def mpgg_measures_of(game: MeanFieldMPGGConfig, played: Rollout) -> dict[str, Any]:
    """Measures of episodes of the MPGG, (tests,) each."""
    found = mpgg_measures(game, played)
    return {name: getattr(found, name) for name in MPGG_JUDGEMENTS}
