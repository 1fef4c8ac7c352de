"""Judging the profiles that a training kept: what they earn on the testing set, and what a coalition could gain."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpgg_agents.experiments.judgement import PolicyJudgement
from mpgg_agents.experiments.mean_field.measures import GAINS, JUDGEMENTS, MPGG_JUDGEMENTS
from mpgg_agents.mean_field.evaluation import testing_returns
from mpgg_agents.mean_field.evaluation_exploitability import exploitability
from mpgg_agents.mean_field.evaluation_response import default_settings
from mpgg_env.analysis.mean_field.mpgg_measures import mpgg_measures
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Policy, rollout
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
        measures = mpgg_measures_of(game, policy) if game_of(game) == "mpgg" else {}
        if not run.response_iterations:
            tell(self.steps_per_policy)
            return {"returns": testing_returns(game, policy).each, **measures}
        found = exploitability(
            game,
            policy,
            settings=default_settings(game, "model_gradient").replace(iterations=run.response_iterations),
            seed=seed,
            progress=lambda done: tell(1),
        )
        gains = {name: getattr(found, name) for name in GAINS if getattr(found, name) is not None}
        return {"returns": found.returns, **gains, **measures}


def mpgg_measures_of(game: MeanFieldMPGGConfig, policy: Sequence[Policy]) -> dict[str, Any]:
    """Measures of the MPGG's episodes from the testing set, (tests,) each."""
    batch = MeanFieldBatch(game)
    found = mpgg_measures(game, rollout(batch, batch.testing_state(), policy))
    return {name: getattr(found, name) for name in MPGG_JUDGEMENTS}
