"""The Q-networks learn what the papers' words and Stable-Baselines3 compute, from batches of their own transitions."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import DQN
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from stable_baselines3.common.utils import polyak_update

from mpgg_agents.dqn import DQNConfig
from mpgg_agents.dqn.draws import GAME, MIGRATION
from mpgg_agents.dqn.independent import IndependentNetworks
from mpgg_agents.dqn.network import QNetworks
from mpgg_agents.dqn.replay import AgentReplay
from mpgg_agents.dqn.shared import SharedNetworks
from tests.oracles.dqn_oracle import Layer, PlainDQN, Transition, forward

pytestmark = pytest.mark.algorithm

NETWORKS = {"shared": SharedNetworks, "independent": IndependentNetworks}
WIDTH, N_ACTIONS, N_AGENTS, SEED = 6, 3, 3, 2**40 + 5
CONFIG = DQNConfig(hidden=(7, 5), learning_rate=0.01, gamma=0.9, batch_size=6, capacity=30, tau=0.3)
SHARINGS = list(NETWORKS)


def networks_of(config: DQNConfig, *, masked: bool = False, seed: int = SEED, kind: int = MIGRATION) -> QNetworks:
    return NETWORKS[config.sharing](config, WIDTH, N_ACTIONS, N_AGENTS, seed, kind, masked=masked)


def fill(networks: QNetworks, rounds: int, scale: float = 1.0) -> None:
    """Random transitions, whose last inputs tell legal actions if the networks are masked."""
    rng = np.random.default_rng(8)
    legal = (rng.random((rounds + 1, N_AGENTS, N_ACTIONS)) < 0.6).astype(np.float32)
    legal[..., 1] = np.where(legal.any(axis=-1), legal[..., 1], 1)
    for t in range(rounds):
        inputs, following = rng.normal(size=(2, N_AGENTS, WIDTH)).astype(np.float32)
        if networks.masked:
            inputs[:, -N_ACTIONS:], following[:, -N_ACTIONS:] = legal[t], legal[t + 1]
        rewards = scale * np.exp(2 * rng.normal(size=N_AGENTS)) * rng.choice([-1, 1], N_AGENTS)
        networks.replay.add(inputs, following, rng.integers(N_ACTIONS, size=N_AGENTS), rewards)


def next_batches(networks: QNetworks, size: int) -> list[ReplayBufferSamples]:
    """The next batch of each of the networks, one if they are shared."""
    replay = networks.replay
    if networks.config.sharing == "shared":
        return [replay.sample(size)]
    batch = replay.samples(replay.draw_each(size), stacked=True)
    return [ReplayBufferSamples(*(None if part is None else part[i] for part in batch)) for i in range(N_AGENTS)]  # type: ignore[arg-type]


def layers_of(networks: QNetworks, part: str, agent: int) -> list[Layer]:
    """The layers of an agent's network, online or target: weights (inputs, outputs) and biases (outputs,)."""
    weights = networks.weights()
    arrays = [weights[name] for name in sorted(weights) if name.startswith(part)]
    own = arrays if networks.config.sharing == "shared" else [array[agent] for array in arrays]
    matrices, biases = ([a for a in own if a.ndim == n] for n in (2, 1))
    return [(matrix.T, bias) for matrix, bias in zip(matrices, biases, strict=True)]


def as_they_are(networks: QNetworks) -> QNetworks:
    return networks


def on_torch(networks: QNetworks) -> QNetworks:
    """The networks as they learn on an accelerator, where torch does the gradient step."""
    networks.use_torch()
    return networks


def plain(networks: QNetworks, agent: int = 0) -> PlainDQN:
    config = networks.config
    return PlainDQN(
        layers_of(networks, "online", agent),
        layers_of(networks, "target", agent),
        learning_rate=config.learning_rate,
        gamma=config.gamma,
        max_gradient_norm=config.max_gradient_norm,
        double=config.double,
    )


def transitions(batch: ReplayBufferSamples, *, masked: bool) -> list[Transition]:
    everything = [True] * N_ACTIONS
    return [
        Transition(
            o.tolist(), int(a), float(r), o_2.tolist(), [x > 0 for x in o_2[-3:].tolist()] if masked else everything
        )
        for o, a, r, o_2 in zip(batch.observations, batch.actions, batch.rewards, batch.next_observations, strict=True)
    ]


def assert_like(networks: QNetworks, agent: int, oracle: PlainDQN) -> None:
    for part, expected in (("online", oracle.online), ("target", oracle.target)):
        flat = [array for layer in layers_of(networks, part, agent) for array in layer]
        for own, tensor in zip(flat, expected, strict=True):
            np.testing.assert_allclose(own, tensor.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("clip", [0.5, 1e9])
@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("place", [as_they_are, on_torch])
def test_networks_learn_what_the_papers_say(
    place: Callable[[QNetworks], QNetworks], sharing: str, clip: float, double: bool, masked: bool
) -> None:
    """The two differ by the precision alone over 10 gradient steps, with target updates between them."""
    config = CONFIG.replace(sharing=sharing, max_gradient_norm=clip, double=double, gradient_steps=2)
    networks, twin = place(networks_of(config, masked=masked)), networks_of(config, masked=masked)
    fill(networks, 20)
    fill(twin, 20)
    oracles = [plain(networks, agent) for agent in range(N_AGENTS if sharing == "independent" else 1)]
    for _ in range(5):
        batches = [next_batches(twin, 6) for _ in range(2)]
        losses = [o.step(transitions(b, masked=masked)) for both in batches for o, b in zip(oracles, both, strict=True)]
        assert networks.train() == pytest.approx(np.mean(losses), rel=1e-4)
        networks.update_target()
        for agent, oracle in enumerate(oracles):
            oracle.update_target(config.tau)
            assert_like(networks, agent, oracle)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_the_gradient_is_clipped_in_these_comparisons(sharing: str) -> None:
    """Else they would say nothing of clipping."""
    ends = []
    for clip in (0.5, 1e9):
        networks = networks_of(CONFIG.replace(sharing=sharing, max_gradient_norm=clip, gradient_steps=10))
        fill(networks, 20)
        networks.train()
        ends.append(np.concatenate([layer[0].ravel() for layer in layers_of(networks, "online", 0)]))
    assert abs(ends[0] - ends[1]).max() > 1e-3


@pytest.mark.parametrize("place", [as_they_are, on_torch])
def test_networks_with_identity_learn_what_the_papers_say(place: Callable[[QNetworks], QNetworks]) -> None:
    config = CONFIG.replace(identity=True)
    networks, twin = place(networks_of(config)), networks_of(config)
    fill(networks, 20)
    fill(twin, 20)
    oracle = plain(networks)
    for _ in range(4):
        (batch,) = next_batches(twin, 6)
        assert batch.observations.shape == (6, N_AGENTS + WIDTH)
        oracle.step(transitions(batch, masked=False))
        networks.train()
        assert_like(networks, 0, oracle)


class NoGame(gymnasium.Env[Any, Any]):
    """Spaces for the constructor of Stable-Baselines3; it is never played."""

    observation_space = Box(-np.inf, np.inf, (WIDTH,), np.float32)
    action_space = Discrete(N_ACTIONS)


class GivenBatches:
    """A replay buffer that returns what it is given."""

    def __init__(self) -> None:
        self.batch: ReplayBufferSamples | None = None

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples | None:
        return self.batch


def sb3_parameters(model: DQN) -> list[tuple[str, list[torch.nn.Parameter]]]:
    return [("online", list(model.q_net.parameters())), ("target", list(model.q_net_target.parameters()))]


def flat_layers(networks: QNetworks, part: str, agent: int) -> list[np.ndarray[Any, Any]]:
    """As torch has them: weights (outputs, inputs), biases."""
    return [array for weight, bias in layers_of(networks, part, agent) for array in (weight.T, bias)]


def sb3_model(networks: QNetworks, agent: int) -> DQN:
    """Built by its own constructor, with the weights of the agent's network."""
    config = networks.config
    model = DQN(
        "MlpPolicy",
        NoGame(),
        learning_rate=config.learning_rate,
        gamma=config.gamma,
        max_grad_norm=config.max_gradient_norm,
        buffer_size=10,
        policy_kwargs={"net_arch": list(config.hidden)},
        device="cpu",
    )
    model.set_logger(Logger(None, []))
    model.replay_buffer = GivenBatches()  # type: ignore[assignment]
    for part, parameters in sb3_parameters(model):
        for parameter, array in zip(parameters, flat_layers(networks, part, agent), strict=True):
            parameter.data = torch.tensor(array)
    return model


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("clip", [0.5, 10.0])
@pytest.mark.parametrize("place", [as_they_are, on_torch])
def test_networks_are_models_of_stable_baselines3(
    place: Callable[[QNetworks], QNetworks], clip: float, sharing: str
) -> None:
    """Each model gets the batches of one network, with rewards of up to some hundreds; targets move now and then."""
    config = CONFIG.replace(sharing=sharing, max_gradient_norm=clip)
    networks, twin = place(networks_of(config)), networks_of(config)
    fill(networks, 20, scale=5)
    fill(twin, 20, scale=5)
    models = [sb3_model(networks, agent) for agent in range(N_AGENTS if sharing == "independent" else 1)]
    for step in range(10):
        losses = []
        for model, batch in zip(models, next_batches(twin, 6), strict=True):
            model.replay_buffer.batch = batch  # type: ignore[union-attr]
            model.train(1, 6)
            losses.append(model.logger.name_to_value["train/loss"])
        assert networks.train() == pytest.approx(np.mean(losses), rel=1e-4)
        if step % 3 == 2:
            networks.update_target()
            for model in models:
                polyak_update(model.q_net.parameters(), model.q_net_target.parameters(), config.tau)
        for agent, model in enumerate(models):
            for part, parameters in sb3_parameters(model):
                for own, parameter in zip(flat_layers(networks, part, agent), parameters, strict=True):
                    np.testing.assert_allclose(own, parameter.detach().numpy(), rtol=1e-4, atol=1e-5)


def constant(networks: QNetworks, online: list[float], target: list[float]) -> None:
    """Makes the networks say these values of any input: weights 0, last biases as given."""
    arrays = {name: np.zeros_like(array) for name, array in networks.weights().items()}
    for part, values in (("online", online), ("target", target)):
        of_part = sorted(name for name in arrays if name.startswith(part))
        (last,) = (name for name in of_part if arrays[name].shape in ((N_ACTIONS,), (N_AGENTS, N_ACTIONS)))
        arrays[last][...] = values
    networks.load_weights(arrays)


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize(("double", "loss"), [(False, 2.0), (True, 0.0)])
def test_only_legal_next_actions_are_bootstrapped_from(sharing: str, double: bool, loss: float) -> None:
    """The illegal action 2 has the highest value in both networks, and Q(o, 1) = 1 with reward 0 and gamma 0.5.

    DQN: the best legal target value is 7, 0.5 x 7 - 1 = 2.5, Huber 2. Double DQN: the online network picks action 0,
    which the target network values at 2, 0.5 x 2 - 1 = 0.
    """
    config = CONFIG.replace(sharing=sharing, double=double, gamma=0.5)
    networks = networks_of(config, masked=True)
    constant(networks, [3, 1, 9], [2, 7, 100])
    inputs = np.zeros((N_AGENTS, WIDTH), np.float32)
    inputs[:, -N_ACTIONS:] = [1, 1, 0]
    networks.replay.add(inputs, inputs, np.ones(N_AGENTS, np.int64), np.zeros(N_AGENTS))
    assert networks.train() == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_every_agent_has_its_values(sharing: str) -> None:
    networks = networks_of(CONFIG.replace(sharing=sharing))
    inputs = np.random.default_rng(2).normal(size=(N_AGENTS, WIDTH)).astype(np.float32)
    for agent in range(N_AGENTS):
        expected = forward(plain(networks, agent).online, inputs[agent].tolist())
        np.testing.assert_allclose(networks.values(inputs)[agent], expected.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_first_weights(sharing: str) -> None:
    """Uniform within 1 / sqrt(inputs) of 0, other ones for each seed, phase and agent; the targets begin as copies."""
    config = CONFIG.replace(sharing=sharing, hidden=(400,))
    networks = networks_of(config)
    (weights, biases), _ = layers_of(networks, "online", 0)
    bound = 1 / WIDTH**0.5
    for array in (weights, biases):
        assert 0.95 * bound < array.max() <= bound
        assert -bound <= array.min() < -0.95 * bound
    assert np.std(weights) == pytest.approx(bound / 3**0.5, rel=0.05)
    others = [
        networks_of(config, seed=SEED + 1),
        networks_of(config, seed=SEED - 2**32),
        networks_of(config, kind=GAME),
    ]
    for other in others:
        assert not np.isclose(weights, layers_of(other, "online", 0)[0][0]).any()
    if sharing == "independent":
        assert not np.isclose(weights, layers_of(networks, "online", 1)[0][0]).any()
    named = networks.weights()
    for name in named:
        np.testing.assert_array_equal(named[name], named[name.replace("online", "target")])


@pytest.mark.parametrize("sharing", SHARINGS)
def test_targets_move_only_when_told(sharing: str) -> None:
    networks = networks_of(CONFIG.replace(sharing=sharing, tau=1.0))
    fill(networks, 5)
    before = {name: array.copy() for name, array in networks.weights().items()}
    networks.train()
    for name, array in networks.weights().items():
        assert (array == before[name]).all() == name.startswith("target")
    networks.update_target()
    after = networks.weights()
    for name, array in after.items():
        np.testing.assert_array_equal(array, after[name.replace("target", "online")])


def numbered(config: DQNConfig, rounds: int) -> AgentReplay:
    """A buffer in which transition t of agent i has reward 100 t + i."""
    replay = AgentReplay(config, WIDTH, N_ACTIONS, N_AGENTS, SEED, MIGRATION)
    agents = np.arange(N_AGENTS)
    for t in range(rounds):
        inputs = np.full((N_AGENTS, WIDTH), t, np.float32)
        replay.add(inputs, inputs + 1, agents % N_ACTIONS, 100 * t + agents)
    return replay


def test_the_newest_transition_takes_the_place_of_the_oldest() -> None:
    arrays = numbered(CONFIG.replace(capacity=5, learning_starts=1), 8).arrays()
    assert arrays["rewards"].tolist() == [[100 * t, 100 * t + 1, 100 * t + 2] for t in (5, 6, 7, 3, 4)]
    assert arrays["observations"][:, 0, 0].tolist() == [5, 6, 7, 3, 4]
    assert arrays["next_observations"][:, 0, 0].tolist() == [6, 7, 8, 4, 5]
    assert len(numbered(CONFIG, 8).arrays()["rewards"]) == 8


def test_batches_draw_every_transition_alike() -> None:
    """4 x 3 transitions, 12,000 draws: 1,000 +- 5 standard deviations of 30 each; each agent's own ones alike."""
    replay = numbered(CONFIG.replace(capacity=4, learning_starts=1), 6)
    rewards = np.concatenate([replay.sample(60).rewards.numpy().ravel() for _ in range(200)])
    values, counts = np.unique(rewards, return_counts=True)
    assert values.tolist() == [100 * t + i for t in (2, 3, 4, 5) for i in range(3)]
    assert abs(counts - 1000).max() < 150
    each = np.concatenate([replay.draw_each(20).rewards for _ in range(200)], axis=1)
    for i in range(N_AGENTS):
        values, counts = np.unique(each[i], return_counts=True)
        assert values.tolist() == [100 * t + i for t in (2, 3, 4, 5)]
        assert abs(counts - 1000).max() < 150
    assert (each[0] != each[1] - 1).mean() > 0.5  # another draw for each agent


@pytest.mark.parametrize("each", [False, True])
def test_batches_depend_on_the_seed_the_phase_and_their_number(each: bool) -> None:
    """Two batches of rewards that are all different agree by chance alone."""

    def rewards(seed: int, kind: int, number: int) -> list[float]:
        replay = AgentReplay(CONFIG.replace(capacity=500), WIDTH, N_ACTIONS, N_AGENTS, seed, kind)
        for t in range(500):
            inputs = np.zeros((N_AGENTS, WIDTH), np.float32)
            replay.add(inputs, inputs, np.zeros(N_AGENTS, np.int64), 3.0 * t + np.arange(N_AGENTS))
        for _ in range(number):
            replay.draw_each(8) if each else replay.draw(8)
        return (replay.draw_each(8) if each else replay.draw(8)).rewards.ravel().tolist()  # type: ignore[no-any-return]

    first = rewards(1, GAME, 0)
    assert rewards(1, GAME, 0) == first
    for other in ((2, GAME, 0), (1 + 2**32, GAME, 0), (1, MIGRATION, 0), (1, GAME, 1)):
        assert (np.array(rewards(*other)) == first).mean() < 0.2


def test_a_batch_keeps_the_parts_of_a_transition_together() -> None:
    each = numbered(CONFIG, 9)
    for batch in (
        numbered(CONFIG.replace(identity=True), 9).sample(40),
        each.samples(each.draw_each(40), stacked=True),
    ):
        rounds, agents = np.divmod(batch.rewards.numpy()[..., 0].astype(int), 100)
        np.testing.assert_array_equal(batch.observations[..., -1], rounds)
        np.testing.assert_array_equal(batch.next_observations[..., -1], rounds + 1)
        np.testing.assert_array_equal(batch.actions[..., 0], agents)
        assert not batch.dones.any()
    identity = numbered(CONFIG.replace(identity=True), 9).sample(40)
    agents = identity.rewards.numpy()[:, 0].astype(int) % 100
    for inputs in (identity.observations, identity.next_observations):
        np.testing.assert_array_equal(inputs[:, :N_AGENTS], np.eye(N_AGENTS)[agents])


@pytest.mark.parametrize("sharing", SHARINGS)
def test_agents_that_see_the_same_differ_by_identity_or_by_network(sharing: str) -> None:
    """Agents that see the same have different values if the networks are told who they are, or are their own."""
    config = CONFIG.replace(hidden=(50,))
    networks = networks_of(config.replace(sharing=sharing, identity=sharing == "shared"))
    values = networks.values(np.zeros((N_AGENTS, WIDTH), np.float32))
    assert len(np.unique(values[:, 0])) == N_AGENTS
    blind = networks_of(config).values(np.zeros((N_AGENTS, WIDTH), np.float32))
    assert len(np.unique(blind[:, 0])) == 1
