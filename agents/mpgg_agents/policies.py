"""What agents have learned, as frozen policies for `mpgg_env.analysis.exploitability`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mpgg_agents.greedy import epsilon_greedy
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.rules import bin_edges, tie_order
from mpgg_env.analysis.joint_states import OBSERVED_PARTS, own_counts
from mpgg_env.analysis.policies import ObservingPolicies, Policies, Rows, TablePolicies
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.core.validation import check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.observation import SLOTS
from mpgg_env.games.mpgg.rules import destinations

if TYPE_CHECKING:
    from mpgg_agents.dqn.agent import DQNAgents
    from mpgg_agents.experiments.mpgg.reader import MPGGRun

N_GAME_ACTIONS: Final = 2
MIGRATES, COOPERATORS = SLOTS.index("migration phase"), SLOTS.index("n_C")


def iql_policies(
    config: MPGGConfig, agent: IQLConfig, tables: Mapping[str, np.ndarray[Any, Any]], *, epsilon: float = 0.0
) -> TablePolicies:
    """The policies of tabular Q-learners: greedy in their tables, or epsilon-greedy.

    Ties are broken as in learning: with `tie="random"` all best actions have the same probability. In states without
    a row all values are the initial one.

    Args:
        config: Rules of the game.
        agent: Hyper-parameters.
        tables: What `IQLTrainer.tables` gives for one replica.
        epsilon: Probability of drawing from all legal actions alike, in [0, 1].

    Raises:
        ValueError: `epsilon` is out of range, or the tables are of another game.
    """
    epsilon = check_real("epsilon", epsilon, 0, 1)
    legal_games = np.ones((config.n_casinos, N_GAME_ACTIONS), np.bool_)
    parts = (("game", legal_games, agent.game_order), ("migration", destinations(config)[1], agent.move_order))
    rows = []
    for name, legal, order in parts:
        states, values = tables[f"{name}_states"], tables[f"{name}_values"]
        if states.ndim != 2 or states.shape[1] != 4 or not np.isin(states[:, 1], np.arange(config.n_casinos)).all():
            raise ValueError(f"{name}_states must be rows of agent, casino, n and n_C, got others")
        if values.shape != (len(states), legal.shape[1]) or not np.isfinite(values).all():
            raise ValueError(f"{name}_values must be finite, of shape {(len(states), legal.shape[1])}")
        ranks = None if agent.tie == "random" else tie_order(order, legal.shape[1], agent.tie)
        rows.append(
            Rows(
                config,
                states,
                epsilon_greedy(values, legal[states[:, 1]], epsilon, ranks),
                epsilon_greedy(np.zeros(legal.shape), legal, epsilon, ranks),
                smallest=_smallest_counts(config, agent),
                shared=agent.table == "shared",
            )
        )
    return TablePolicies(config, *rows)


def _smallest_counts(config: MPGGConfig, agent: IQLConfig) -> IntArray:
    """The smallest count in the bin of each count, (N + 1,): under which the tables' states list it."""
    edges = np.array(bin_edges(agent.count_bins, agent.bin_ratio, config.n_players))
    counts = np.arange(config.n_players + 1)
    return np.asarray(edges[np.searchsorted(edges, counts, side="right") - 1], np.int64)


def dqn_policies(config: MPGGConfig, agents: "DQNAgents", *, epsilon: float = 0.0) -> ObservingPolicies:
    """The policies of deep Q-learners: greedy in what their networks say, or epsilon-greedy.

    Every answer of the networks is computed once and kept. Nothing of the agents changes.

    Args:
        config: Rules of the game.
        agents: The agents of one replica, `DQNTrainer.agents` or `mpgg_agents.dqn.loading.load_agents`.
        epsilon: Probability of drawing from all legal actions alike, in [0, 1].

    Raises:
        ValueError: `epsilon` is out of range, or the networks see more than the present state of the game.
    """
    from mpgg_agents.dqn.answers import Answers

    return Answers(config, agents, check_real("epsilon", epsilon, 0, 1)).policies()


def nash_q_policies(
    config: MPGGConfig, learned: Mapping[str, np.ndarray[Any, Any]], *, epsilon: float = 0.0
) -> "NashQPolicies":
    """The policies of Nash Q-learners: the selected equilibrium of each state's stage game.

    Args:
        config: Rules of the game.
        learned: What `NashQTrainer.learned` gives for one replica.
        epsilon: Probability of drawing from all legal actions alike, in [0, 1].

    Raises:
        ValueError: `epsilon` is out of range, or the policies depend on the step of the episode (horizon "finite").
    """
    if "steps" in learned:
        raise ValueError("horizon must be 'infinite' for policies of the present state alone, got 'finite'")
    return NashQPolicies(config, learned, check_real("epsilon", epsilon, 0, 1))


class NashQPolicies:
    """Equilibrium strategies by what Nash Q-learners see: phase, positions and cooperators.

    The cooperators are those of all casinos when the learners had the environment's `state()`, else those that the
    observations show.

    In a state that was never updated all values are equal, and the equilibrium taken is that of everybody's first legal
    action.

    Args:
        config: Rules of the game.
        learned: `observations`, `positions` and `strategies` of the states that were updated, and `states` if the
            learners had them.
        epsilon: Probability of drawing from all legal actions alike.
    """

    def __init__(self, config: MPGGConfig, learned: Mapping[str, np.ndarray[Any, Any]], epsilon: float) -> None:
        self.config, self._epsilon = config, epsilon
        observations, positions, strategies = learned["observations"], learned["positions"], learned["strategies"]
        self._sees_all = "states" in learned
        self._legal = destinations(config)[1]
        cooperators = observations[:, :, COOPERATORS]
        if self._sees_all:  # empty casinos have none, so that those of the agents' casinos are all there is to know
            cooperators = np.take_along_axis(learned["states"][:, 2 + config.n_casinos :], positions, axis=1)
        keys = np.column_stack([observations[:, 0, MIGRATES], positions, cooperators]).astype(np.int64)
        self._strategies = dict(zip(map(bytes, keys), strategies, strict=True))

    @property
    def sees_last_actions(self) -> bool:
        """Whether the learners saw who cooperated last round."""
        return self._shows_cooperators(0)

    def cooperation(self, positions: IntArray, last_actions: IntArray) -> FloatArray:
        """Probability of C of every agent, (S, N)."""
        legal = np.ones((*positions.shape, N_GAME_ACTIONS), np.bool_)
        return self._played(0, positions, last_actions, legal)[..., 1]

    def migration(self, positions: IntArray, actions: IntArray) -> FloatArray:
        """Probability of every move of every agent, (S, N, n_moves)."""
        return self._played(1, positions, actions, self._legal[positions])

    def _played(self, phase: int, positions: IntArray, actions: IntArray, legal: BoolArray) -> FloatArray:
        cooperators = own_counts(positions, actions, self.config.n_casinos)[1]
        if not self._shows_cooperators(phase):
            cooperators = np.zeros_like(cooperators)
        chances = epsilon_greedy(np.zeros(legal.shape), legal, 0.0, tuple(range(legal.shape[-1])))
        keys = np.column_stack([np.full(len(positions), phase), positions, cooperators]).astype(np.int64)
        for s, key in enumerate(map(bytes, keys)):
            if key in self._strategies:
                chances[s] = self._strategies[key][:, : legal.shape[-1]]
        explored = legal / legal.sum(axis=-1, keepdims=True)
        mixed: FloatArray = (1 - self._epsilon) * chances + self._epsilon * explored
        return mixed

    def _shows_cooperators(self, phase: int) -> bool:
        shown = self.config.obs_migration if phase else self.config.obs_game
        return self._sees_all or OBSERVED_PARTS[shown] == 3


def run_policies(run: "MPGGRun", seed: int, *, epsilon: float = 0.0) -> Policies:
    """The policies that the agents of one replica of a run had after the training.

    Args:
        run: A complete run that kept what its agents learned.
        seed: Seed of the replica, one of `run.seeds`.
        epsilon: Probability of drawing from all legal actions alike, in [0, 1]; 0 is greedy play.

    Raises:
        RunFolderError: The run is not complete, its file has been changed, or it kept nothing that was learned.
        ValueError: The run does not have the seed, its agents have no policies of the state alone, or `epsilon` is out
            of range.
    """
    from mpgg_agents.experiments.files import FINAL_STATE
    from mpgg_agents.experiments.folder import RunFolderError

    game, agent = run.config.game, run.config.agent
    run.replica(seed)
    run.file(FINAL_STATE)
    if not run.config.keeps_learned:
        raise RunFolderError(f"{run.path} kept nothing that its agents learned: train it with --keep-learned")
    if run.config.run.agent == "dqn":
        return dqn_policies(game, _loaded(run, seed), epsilon=epsilon)
    tables = run.learned(seed)
    try:
        if isinstance(agent, IQLConfig):
            return iql_policies(game, agent, tables, epsilon=epsilon)
        return nash_q_policies(game, tables, epsilon=epsilon)
    except KeyError as error:
        raise RunFolderError(f"{run.path / FINAL_STATE} does not fit the run: it has no {error}") from error


def _loaded(run: "MPGGRun", seed: int) -> "DQNAgents":
    from mpgg_agents.errors import MissingExtraError

    try:
        from mpgg_agents.dqn.loading import load_agents  # loads torch
    except ModuleNotFoundError as error:
        raise MissingExtraError("agent 'dqn'", error) from error
    return load_agents(run, seed)
