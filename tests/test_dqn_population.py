"""Deep Q-learners through the PettingZoo interface: which environments they take, and stopping, saving, playing on."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN

from mpgg_agents.dqn import DQNAgents, DQNConfig, DQNPopulation, DQNTrainer, load_agents, new_agents, train
from mpgg_agents.dqn.shared import SharedNetworks
from mpgg_agents.experiments import Experiment, load_run, train_run
from mpgg_env import MaskInObs, MPGGConfig, MPGGParallelEnv, parallel_env
from tests.support import fresh_python

SMALL: dict[str, Any] = {"n_agents": 6, "grid_shape": (2, 2), "boundary": "mask"}
QUICK = DQNConfig(hidden=(8,), batch_size=4, learning_starts=2, decay=0.9)


def test_the_environment_must_have_one_action_space_for_both_phases() -> None:
    with pytest.raises(ValueError, match=r"^env must have action_mode='masked', got one with 10 actions$"):
        new_agents(parallel_env(**SMALL, action_mode="joint"), QUICK, 0)


def test_the_environment_must_have_vectors_as_observations() -> None:
    with pytest.raises(ValueError, match=r"^env must have observations that are vectors, .*got Dict"):
        new_agents(MaskInObs(parallel_env(**SMALL)), QUICK, 0)


def test_masks_are_needed_where_moves_can_be_illegal_and_only_there() -> None:
    with pytest.raises(ValueError, match=r"^env must tell the legal moves in its infos"):
        next(train(parallel_env(**SMALL, action_mask="none"), QUICK, 5, 0))
    free = parallel_env(**{**SMALL, "boundary": "torus"}, action_mask="none")
    played = [result.moves for _, result in train(free, QUICK, 5, 0)]
    same = [result.moves for _, result in train(parallel_env(**{**SMALL, "boundary": "torus"}), QUICK, 5, 0)]
    np.testing.assert_array_equal(played, same)


def test_no_illegal_action_is_played_on_a_board_with_a_mask() -> None:
    env = parallel_env(**SMALL, strict=True)  # which raises on the first one
    *_, (population, _) = train(env, QUICK, 60, 0)
    assert population.agents.round == 60


def test_a_round_needs_an_episode() -> None:
    env = parallel_env(**SMALL)
    with pytest.raises(RuntimeError, match=r"^call begin_episode\(\) first$"):
        DQNPopulation(env, new_agents(env, QUICK, 0)).play_round()


def test_the_agents_of_a_run_play_through_the_pettingzoo_interface(tmp_path: Path) -> None:
    settings = {"agent": "dqn", "rounds": 20, "seeds": [4], "evaluation_rounds": 0, "figures": False}
    train_run(Experiment.build({"game": SMALL, "agent": QUICK.to_dict(), "run": settings}), tmp_path / "run")
    run = load_run(tmp_path / "run")
    env = MPGGParallelEnv(run.config.game)
    played = []
    for _ in range(2):
        population = DQNPopulation(env, load_agents(run, run.seeds[0]))
        population.begin_episode(seed=5)
        before = population.agents.weights()
        played.append([population.play_round().moves.tolist() for _ in range(10)])
        after = population.agents.weights()
        assert all((before[name] == after[name]).all() for name in before)
    assert played[0] == played[1]


def test_a_stopped_replica_returns_after_its_round() -> None:
    """As when Ctrl-C is pressed twice: the threads must not play on to the end of their rounds."""
    trainer = DQNTrainer(MPGGConfig(**SMALL), QUICK, [0, 1], 10**6, threads=2)
    played = []
    first, threads = trainer._replicas[0], threading.active_count()
    plain = first._play_round

    def interrupted(*arguments: Any) -> None:
        plain(*arguments)
        played.append(1)
        if len(played) == 3:
            raise KeyboardInterrupt

    first._play_round = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        trainer.advance(10**6)
    assert len(played) == 3
    assert trainer.rounds_done == 0
    assert threading.active_count() == threads


def test_evaluation_leaves_what_is_stored_as_it_was_but_for_the_places() -> None:
    trainer = DQNTrainer(MPGGConfig(**SMALL), QUICK, [0], 20)
    trainer.advance(20)
    before = trainer.state_arrays()
    trainer.evaluate(7)
    after = trainer.state_arrays()
    moved = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert all(
        name.split(".")[1] in {"positions", "last_actions", "payoffs", "game", "move", "encoder"} for name in moved
    )
    DQNTrainer(MPGGConfig(**SMALL), QUICK, [0], 20).restore(after)


def test_windows_of_a_record_that_begins_within_one_are_those_of_the_training() -> None:
    whole = DQNTrainer(MPGGConfig(**SMALL), QUICK, [0], 30, window=10)
    parts = DQNTrainer(MPGGConfig(**SMALL), QUICK, [0], 30, window=10)
    expected = whole.advance(30).casino_occupancy[0]
    first, second = (parts.advance(rounds).casino_occupancy[0] for rounds in (13, 17))
    assert (len(first), len(second)) == (2, 2)
    np.testing.assert_array_equal(first[0], expected[0])
    np.testing.assert_array_equal(first[1] + second[0], expected[1])
    np.testing.assert_array_equal(second[1], expected[2])


def on_torch(agents: DQNAgents) -> DQNAgents:
    """Agents who learn as on a graphics card, where torch does the gradient steps."""
    agents.Q_G.use_torch()
    agents.Q_M.use_torch()
    return agents


@pytest.mark.parametrize("sharing", ["shared", "independent"])
def test_training_on_torch_goes_on_from_what_was_stored(sharing: Any) -> None:
    config = QUICK.replace(sharing=sharing)
    trainers = [DQNTrainer(MPGGConfig(**SMALL), config, [3], 40) for _ in range(2)]
    for trainer in trainers:
        on_torch(trainer.agents(0))
    trainers[0].advance(15)
    trainers[1].restore(trainers[0].state_arrays())
    records = [trainer.advance(25) for trainer in trainers]
    np.testing.assert_array_equal(records[0].welfare, records[1].welfare)
    states = [trainer.state_arrays() for trainer in trainers]
    assert all(states[0][name].tobytes() == states[1][name].tobytes() for name in states[0])


def test_the_model_of_shared_networks_is_one_of_stable_baselines3(tmp_path: Path) -> None:
    trainer = DQNTrainer(MPGGConfig(**{**SMALL, "boundary": "torus"}), QUICK, [0], 50)
    trainer.advance(50)
    networks = trainer.agents(0).Q_G
    assert isinstance(networks, SharedNetworks)
    inputs = networks.replay.observations[7]
    values = networks.values(inputs)
    np.testing.assert_array_equal(networks.model.predict(inputs, deterministic=True)[0], values.argmax(axis=1))
    networks.model.save(tmp_path / "model")
    loaded = DQN.load(tmp_path / "model", device="cpu")
    with torch.no_grad():
        np.testing.assert_allclose(loaded.q_net(torch.as_tensor(inputs)).numpy(), values, rtol=1e-5, atol=1e-6)


def test_without_the_libraries_the_import_says_how_to_install_them() -> None:
    said = fresh_python(
        """
import sys
sys.modules["torch"] = None
import mpgg_agents.dqn
from mpgg_agents.errors import MissingExtraError
print(mpgg_agents.dqn.DQNConfig().sharing)
try:
    mpgg_agents.dqn.DQNTrainer
except MissingExtraError as error:
    print(error)
"""
    )
    assert said.splitlines() == [
        "shared",
        'mpgg_agents.dqn.DQNTrainer needs torch, which is not installed: pip install "mpgg-env[deep]"',
    ]
