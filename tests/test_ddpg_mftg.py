"""DDPG-MFTG: its update against one written out, its noise, what players see, and interruptions."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.draws import generator
from mpgg_agents.errors import TrainingError
from mpgg_agents.mean_field.ddpg.noise import noise_paths, noisy_action
from mpgg_agents.mean_field.ddpg.player import Player
from mpgg_agents.mean_field.ddpg.replica import MeanFieldDDPG
from mpgg_agents.mean_field.ddpg.trainer import DDPGTrainer
from mpgg_agents.mean_field.policy import FREE_COLUMNS, sight_parts
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import GAMES
from tests.oracles import ddpg_mftg_oracle as oracle
from tests.support import exactly
from tests.tiny_ddpg_mftg import agent, game, trainer

SIGHTS = ("joint", "own")


def trained(name: str, rounds: int = 3, **fields: Any) -> MeanFieldDDPG:
    """A replica after some rounds."""
    made = trainer(name, **fields)
    made.advance(rounds)
    replica = made.replicas[0]
    assert isinstance(replica, MeanFieldDDPG)
    return replica


# Updates


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("name", GAMES)
def test_an_update_is_the_one_written_out(name: str, sight: str) -> None:
    # Three updates from fresh networks on the same draws; in large steps, so that the later ones depend on the first.
    config = agent(name, sight=sight, tau=0.3, reward_scale=0.5, actor_learning_rate=2e-3, critic_learning_rate=4e-3)
    batch = MeanFieldBatch(game(name), torch, dtype=torch.float32)
    last = batch.n_coalitions - 1
    player = Player(batch, last, config, np.random.default_rng(3))
    parts = [oracle.Optimised.of(part.network) for part in (player.actor, player.critic)]
    replay = trained(name, sight=sight).players[last].replay
    widths, free = sight_parts(batch, last, sight), FREE_COLUMNS.get(name, 0)
    for k in range(3):
        seen = replay.draw(8, np.random.default_rng(k))
        found = player.update(seen, 0.5)
        expected = oracle.update(config, *parts, seen, widths, batch.shapes[last], free, batch.config.discount, 0.5)
        np.testing.assert_allclose(found.numpy(), expected, rtol=2e-4)
    for descent, plain in zip((player.actor, player.critic), parts, strict=True):
        tensors = descent.tensors()
        assert_vector(tensors["adam.0.exp_avg"], plain.mean, 1e-3)
        assert_vector(tensors["adam.0.exp_avg_sq"], plain.square, 1e-3)
        # Adam divides by the size of a slope, so that one that is nearly 0 may go either way; there are few.
        assert_vector(tensors["weights"], plain.weights, 1e-3, share=0.999)
        assert_vector(tensors["target"], plain.target, 1e-3, share=0.999)


def assert_vector(found: torch.Tensor, expected: oracle.Weights, tolerance: float, share: float = 1.0) -> None:
    """Compares, within a tolerance relative to the largest number of each layer."""
    parts = torch.split(found, [w.numel() for w in expected.values()])
    for part, (name, weight) in zip(parts, expected.items(), strict=True):
        near = (part.double() - weight.flatten()).abs() <= tolerance * float(weight.abs().max())
        assert float(near.double().mean()) >= share, name


def test_the_horizon_is_no_end_of_the_game() -> None:
    player = trained("cyber_security").players[0]
    with torch.no_grad():
        for weights in (player.critic.target_weights, player.actor.target_weights):
            weights.zero_()
        player.critic.target.net.output.bias.fill_(10.0)
    seen = player.replay.all()
    expected = seen.reward + 10 * game("cyber_security").discount
    torch.testing.assert_close(player.earned(seen), expected)


def test_the_buffer_holds_what_happened() -> None:
    # Two rounds of two episodes of six steps: rows of parallel episodes alternate, and each is followed by the next.
    replica = trained("distribution_planning", 2, first_update=60)
    batch = replica.batch
    players = [player.replay.all() for player in replica.players]
    assert [len(part.reward) for part in players] == [24, 24]
    state = MeanFieldState(0, tuple(torch.split(players[0].sight, 25, 1)))
    actions = tuple(part.action.reshape(-1, 25, 5) for part in players)
    following, rewards = batch.step(state, actions)
    for i, part in enumerate(players):
        torch.testing.assert_close(part.sight, players[0].sight)
        torch.testing.assert_close(part.reward, rewards[:, i])
        torch.testing.assert_close(part.next_sight, batch.observations(following))
    torch.testing.assert_close(players[0].next_sight[0:10], players[0].sight[2:12])
    # The training law starts each coalition in a single cell; rounds differ in starts and in noise.
    starts = players[0].sight[[0, 1, 12, 13]]
    assert (starts.reshape(4, 2, 25).max(2).values == 1).all()
    assert not torch.equal(starts[:2], starts[2:])
    assert not torch.equal(players[0].action[:2], players[0].action[12:14])


@pytest.mark.parametrize(("ratio", "parallel", "expected"), [(1, 1, 30), (0.5, 1, 15), (0.25, 2, 15), (1, 4, 120)])
def test_updates_are_as_many_per_transition_as_asked(
    monkeypatch: pytest.MonkeyPatch, ratio: float, parallel: int, expected: int
) -> None:
    # In six rounds of five steps each of two players sees 30 transitions of every one of the parallel episodes.
    counted = []

    def update(self: Player, seen: Any, factor: float) -> torch.Tensor:
        counted.append((self.coalition, len(seen.reward)))
        return torch.zeros(2)

    monkeypatch.setattr(Player, "update", update)
    episodes = 6 * parallel
    made = trainer(
        "cyber_security", cycles=5, episodes=episodes, update_ratio=ratio, parallel_episodes=parallel, first_update=1
    )
    made.advance(6)
    assert counted == [(0, 8), (1, 8)] * expected


def test_learning_waits_for_the_first_transitions() -> None:
    # Six transitions in a round of one episode, one update per transition: none before there are nine.
    made = trainer("cyber_security", parallel_episodes=1, update_ratio=1.0, first_update=9)
    record = made.advance(2)
    assert np.isnan(record.measures["critic_loss"]).tolist() == [[True, False]]
    replica = made.replicas[0]
    assert isinstance(replica, MeanFieldDDPG)
    assert float(replica.players[0].actor.tensors()["adam.0.step"]) == 4


# Noise


def test_noise_is_an_ornstein_uhlenbeck_process_from_zero() -> None:
    # Var xi_t = sigma^2 (1 - rho^(2 t)) / (1 - rho^2) and Cov(xi_t, xi_(t+k)) = rho^k Var xi_t with rho = 1 - theta.
    sigma, theta, draws = 0.08, 0.15, 200_000
    paths = noise_paths(generator(1, 2), (12, draws), sigma, theta).double().numpy()
    rho = 1 - theta
    for t in (1, 2, 5, 12):
        variance = sigma**2 * (1 - rho ** (2 * t)) / (1 - rho**2)
        path = paths[t - 1]
        # Five standard errors of a mean and of a variance of normal draws.
        assert abs(path.mean()) < 5 * math.sqrt(variance / draws)
        assert path.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / draws))
    variance = sigma**2 * (1 - rho**10) / (1 - rho**2)
    assert np.mean(paths[4] * paths[8]) == pytest.approx(rho**4 * variance, rel=0.03)


def test_noise_on_probabilities_is_clipped_and_normalised_and_noise_on_logits_is_not() -> None:
    replica = trained("distribution_planning")
    actor, batch = replica.players[0].actor.network, replica.batch
    sight = batch.observations(batch.testing_state())
    with torch.no_grad():
        plain, logits = actor(sight), actor.logits(sight)
        noise = torch.zeros_like(plain)
        noise[:, :, 0], noise[:, :, 3] = -2.0, 0.5
        weights = (plain + noise).clamp(min=0)
        torch.testing.assert_close(
            noisy_action(batch, actor, sight, noise, "probs"), weights / weights.sum(-1, keepdim=True)
        )
        torch.testing.assert_close(
            noisy_action(batch, actor, sight, noise, "logits"), torch.softmax(logits + noise, -1)
        )


# What players see


def test_the_baseline_does_not_see_the_other_coalition() -> None:
    replica = trained("four_rooms", sight="own")
    batch = replica.batch
    state = batch.testing_state()
    mixed = [mu.flip(0) for mu in state.distributions]
    for i, policy in enumerate(replica.policy):
        own = tuple(mu if j == i else mixed[j] for j, mu in enumerate(state.distributions))
        with torch.no_grad():
            before, after = policy(state), policy(MeanFieldState(0, own, state.context))
            other_home = policy(MeanFieldState(0, state.distributions, (state.context + 1) % 4))
        assert torch.equal(before, after)
        # The home room concerns coalition 1 alone.
        assert torch.equal(before, other_home) == (i == 0)
    assert [replica.players[i].critic.network.net.parts for i in range(2)] == [[100, 500], [100, 4, 500]]


def test_a_player_with_joint_sight_sees_everybody_and_the_context() -> None:
    replica = trained("four_rooms")
    state = replica.batch.testing_state()
    for i, policy in enumerate(replica.policy):
        other = tuple(mu if j == i else mu.flip(0) for j, mu in enumerate(state.distributions))
        with torch.no_grad():
            before = policy(state)
            assert not torch.equal(before, policy(MeanFieldState(0, other, state.context)))
            assert not torch.equal(before, policy(MeanFieldState(0, state.distributions, state.context.flip(0))))


# Interruptions


@pytest.mark.parametrize("name", ["four_rooms", "mpgg"])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(name: str) -> None:
    fields: dict[str, Any] = {"halve_rates_at": (8,), "halve_noise_at": (6,), "seeds": (3, 4), "branch": 16}
    whole, stopped, later = (trainer(name, **fields) for _ in range(3))
    whole.advance(6)
    stopped.advance(3)
    later.restore({key: array.copy() for key, array in stopped.state_arrays().items()})
    record = later.advance(3)
    first, second = whole.state_arrays(), later.state_arrays()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    assert np.array_equal(record.measures["exploration"], np.full((2, 3), later.agent.sigma / 2))
    assert not np.array_equal(first["replica0.coalition_0.actor.weights"], first["replica1.coalition_0.actor.weights"])


def test_arrays_of_another_training_are_refused() -> None:
    made = trainer("cyber_security")
    made.advance(2)
    stored = {key: array.copy() for key, array in made.state_arrays().items()}
    for key, change, text in (
        ("replica0.round", np.int64(1), "replica0.round must be rounds_done, got 1"),
        (
            "replica0.coalition_1.replay.position",
            np.int64(5),
            "replay must be 24 of 60 decisions in order, got position 5",
        ),
    ):
        with pytest.raises(ValueError, match=exactly(text)):
            trainer("cyber_security").restore({**stored, key: np.array(change)})
    spoilt = stored["replica0.coalition_0.critic.weights"].copy()
    spoilt[0] = np.nan
    with pytest.raises(ValueError, match=r"critic\.weights must be finite"):
        trainer("cyber_security").restore({**stored, "replica0.coalition_0.critic.weights": spoilt})
    with pytest.raises(ValueError, match="of another training"):
        trainer("cyber_security", sight="own").restore(stored)


def test_numbers_that_are_not_finite_end_a_training() -> None:
    made = trainer("cyber_security")
    made.advance(2)
    replica = made.replicas[0]
    assert isinstance(replica, MeanFieldDDPG)
    replica.players[0].critic.weights.fill_(np.nan)
    with pytest.raises(TrainingError, match=exactly("the losses or returns of round 2 are not finite")):
        made.advance(1)


def test_threads_change_no_bits() -> None:
    config = agent("cyber_security")
    states = []
    for threads in (1, 2):
        made = DDPGTrainer(game("cyber_security", max_cycles=6), config, [0, 1], snapshots=0, threads=threads)
        made.advance(4)
        states.append(made.state_arrays())
    assert all(np.array_equal(states[0][key], states[1][key]) for key in states[0])
