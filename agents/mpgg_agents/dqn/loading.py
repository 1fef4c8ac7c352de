"""The trained deep Q-learners of a run, to be played with."""

import numpy as np

from mpgg_agents.dqn.agent import DQNAgents, has_illegal_moves
from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.experiments.files import FINAL_STATE
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.reader import Run
from mpgg_env.games.mpgg.observation import upper_bounds
from mpgg_env.games.mpgg.vector import MPGGVectorEnv


def load_agents(run: Run, seed: int, *, device: str = "cpu") -> DQNAgents:
    """The agents of one replica of a run as they were after the last training round; they play greedily.

    They are driven as `DQNAgents` says, or through the PettingZoo interface in the place of the `agents` of a
    `DQNPopulation`.

    Args:
        run: A complete run of deep Q-learning whose networks were kept.
        seed: The seed of the replica, one of `run.seeds`.
        device: Where the networks live now.

    Raises:
        RunFolderError: The run is not complete, its file has been changed, or it does not hold these networks.
        ValueError: The run is not one of deep Q-learning or does not have the seed, or the device is not there.
    """
    agents = _untrained(run, seed, device)
    weights = run.learned(seed)
    path = run.path / FINAL_STATE
    if not weights:
        raise RunFolderError(f"{path} holds no networks: the run was made with keep_learned = False")
    if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in weights.values()):
        raise RunFolderError(f"{path} does not fit the run: the weights must be finite float32 numbers")
    try:
        agents.load_weights(weights)
    except ValueError as error:
        raise RunFolderError(f"{path} does not fit the run: {error}") from error
    return agents


def _untrained(run: Run, seed: int, device: str) -> DQNAgents:
    game, config = run.config.game, run.config.agent
    if not isinstance(config, DQNConfig):
        raise ValueError(f"run must be one of agent 'dqn', got {run.path} of agent {run.config.run.agent!r}")
    run.replica(seed)
    agents = DQNAgents(
        config.replace(device=device),
        upper_bounds(game),
        game.n_players,
        MPGGVectorEnv(game).n_actions,
        seed,
        restricted=has_illegal_moves(game),
    )
    agents.learns = False
    return agents
