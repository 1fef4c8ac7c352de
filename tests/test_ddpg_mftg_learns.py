"""DDPG-MFTG in population matching, where the exploitability of every profile is a formula."""

import pytest
import torch

from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.ddpg.presets import PRESETS
from mpgg_agents.mean_field.ddpg.trainer import DDPGTrainer
from mpgg_agents.mean_field.policy import NetPolicy
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.rollout import rollout
from mpgg_env.games.mean_field.population_matching.config import PopulationMatchingConfig

pytestmark = pytest.mark.algorithm

GAME = PopulationMatchingConfig()
STAY = 0


@torch.no_grad()
def exploitabilities(profile: tuple[NetPolicy, ...]) -> tuple[float, float]:
    """E_0 = c1 sum over t of gamma^t moved_t and E_1 = c2 sum over t >= 1 of gamma^t ||mu_0 - mu_1||_1.

    Coalition 0 could stay for nothing; coalition 1 could make its next distribution that of the other, whatever that
    does, so that only the first distance is lost. Mean over the testing set.
    """
    batch = MeanFieldBatch(GAME, torch, dtype=torch.float64)
    play = rollout(batch, batch.testing_state(), profile)
    moved = distance = torch.zeros(())
    for t, (state, (first, _)) in enumerate(zip(play.states, play.actions, strict=False)):
        mu, other = state.distributions
        moved = moved + GAME.discount**t * (mu * (1 - first[:, :, STAY])).sum(1).mean()
        if t:
            distance = distance + GAME.discount**t * (mu - other).abs().sum(1).mean()
    return GAME.move_cost * float(moved), GAME.distance_cost * float(distance)


@pytest.mark.parametrize(("sight", "rounds"), [("joint", 80), ("own", 50)])
def test_matching_is_learned_by_who_sees_the_other_coalition_and_by_nobody_else(sight: str, rounds: int) -> None:
    agent = DDPGConfig(**PRESETS["population_matching"]["default"].agent, sight=sight)
    trainer = DDPGTrainer(GAME, agent, [0], snapshots=0)
    before = exploitabilities(trainer.policy(0))
    trainer.advance(rounds)
    stays, matches = exploitabilities(trainer.policy(0))
    assert before[0] > 10
    assert stays < 0.2
    assert matches < 1 if sight == "joint" else matches > 3
