"""The trained Nash Q-learners of a run, to be played with."""

from mpgg_agents.experiments.folder import FINAL_STATE, RunFolderError
from mpgg_agents.experiments.reader import Run
from mpgg_agents.experiments.results import learned_name
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
    if seed not in run.seeds:
        raise ValueError(f"seed must be one of {', '.join(map(str, run.seeds))}, got {seed!r}")
    prefix, path = learned_name(seed, ""), run.path / FINAL_STATE
    state = run.final_state()
    arrays = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
    if not arrays:
        raise RunFolderError(f"{path} holds no tables: the run was made with keep_learned = False")
    population = NashQPopulation(MPGGParallelEnv(game), config, seed, shared=True)
    population.greedy()
    try:
        restore_learned(population, arrays)
    except (KeyError, ValueError, IndexError) as error:
        raise RunFolderError(f"{path} does not fit the run: {error}") from error
    return population
