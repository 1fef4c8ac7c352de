"""Judging the profiles that a training kept: what they earn on the testing set, and what a coalition could gain."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpgg_agents.experiments.judgement import PolicyJudgement
from mpgg_agents.experiments.mean_field.measures import judgements_of
from mpgg_agents.mean_field.evaluation import testing_returns
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import Policy


class ProfileJudgement(PolicyJudgement):
    """Judges by the numbers of `judgements_of` the game, one per coalition and start, or one per start."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """(m, tests), and of the MPGG's measures (tests,)."""
        game = self._experiment.game
        batch = MeanFieldBatch(game)
        tests = len(batch.rules.testing_set().distributions[0])
        return dict.fromkeys(judgements_of(game), (batch.n_coalitions, tests))

    @property
    def steps_per_policy(self) -> int:
        """Steps of the best responses of all coalitions."""
        responses = MeanFieldBatch(self._experiment.game).n_coalitions * self._experiment.run.response_iterations
        return max(1, int(responses))

    def judge(self, policy: Sequence[Policy], seed: int, tell: Callable[[int], None]) -> Mapping[str, Any]:
        """Test returns, and bounds of the exploitability."""
        game, run = self._experiment.game, self._experiment.run
        found: dict[str, Any] = {"returns": testing_returns(game, policy).each}
        if not run.response_iterations:
            tell(1)
        return found
