"""The trained Nash Q-learners of a run, to be played with."""

from mpgg_agents.experiments.files import FINAL_STATE
from mpgg_agents.experiments.folder import RunFolderError
from mpgg_agents.experiments.reader import Run
from mpgg_agents.nash_q.config import NashQConfig
from mpgg_agents.nash_q.learned import restore_learned
from mpgg_agents.nash_q.training import NashQPopulation
from mpgg_env.games.mpgg.env import MPGGParallelEnv


def load_population(run: Run, seed: int) -> NashQPopulation:
    """The learners of one replica of a run as they were after the last training round, in a game of their own.

    They explore and learn no more; `begin_episode` comes first.

    Args:
        run: A complete run of Nash Q-learning whose tables were kept.
        seed: The seed of the replica, one of `run.seeds`.

    Raises:
        RunFolderError: The run is not complete, its file has been changed, or it does not hold these tables.
        ValueError: The run is not one of Nash Q-learning or does not have the seed.
    """
    game, config = run.config.game, run.config.agent
    if not isinstance(config, NashQConfig):
        raise ValueError(f"run must be one of agent 'nash_q', got {run.path} of agent {run.config.run.agent!r}")
    path = run.path / FINAL_STATE
    arrays = run.learned(seed)
    if not arrays:
        raise RunFolderError(f"{path} holds no tables: the run was made with keep_learned = False")
    population = NashQPopulation(MPGGParallelEnv(game), config, seed, shared=True)
    population.greedy()
    try:
        restore_learned(population, arrays)
    except (KeyError, ValueError, IndexError) as error:
        raise RunFolderError(f"{path} does not fit the run: {error}") from error
    return population
