"""What the networks of deep Q-learners say in every state that their agents can see, asked once and kept."""

from typing import Literal

import numpy as np

from mpgg_agents.dqn.agent import DQNAgents
from mpgg_agents.dqn.encoding import N_GAME_ACTIONS, Encoder
from mpgg_agents.dqn.network import QNetworks
from mpgg_agents.greedy import epsilon_greedy
from mpgg_env.analysis.policies import ObservingPolicies
from mpgg_env.core.types import BoolArray, Float32Array, FloatArray, IntArray
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.observation import Observer, upper_bounds
from mpgg_env.games.mpgg.rules import destinations
from mpgg_env.games.mpgg.state import MPGGState


class Answers:
    """Epsilon-greedy policies of the networks.

    Args:
        config: Rules of the game.
        agents: The agents of one replica.
        epsilon: Probability of drawing from all legal actions alike.

    Raises:
        ValueError: The networks see more than the present state of the game.
    """

    def __init__(self, config: MPGGConfig, agents: DQNAgents, epsilon: float) -> None:
        settings = agents.config
        for name, wanted in (("frames", 1), ("previous_action", False), ("previous_payoff", False)):
            if getattr(settings, name) != wanted:
                raise ValueError(
                    f"{name} must be {wanted} for policies of the present state alone, got {getattr(settings, name)}"
                )
        if agents.n_agents != config.n_players:
            raise ValueError(f"agents must be the {config.n_players} of the game, got {agents.n_agents}")
        self.config, self.agents, self.epsilon = config, agents, epsilon
        self._encoder = Encoder(settings, upper_bounds(config), config.n_players, agents.n_moves)
        self._observer = Observer(config, "natural")
        self._legal = destinations(config)[1]
        self._known: dict[str, dict[int, FloatArray]] = {"game": {}, "migration": {}}

    def policies(self) -> ObservingPolicies:
        """The policies of all agents."""
        return ObservingPolicies(
            self.config,
            lambda *seen: self._probabilities("game", *seen)[..., 1],
            lambda *seen: self._probabilities("migration", *seen),
        )

    def _probabilities(
        self, phase: Literal["game", "migration"], casinos: IntArray, occupancy: IntArray, cooperators: IntArray
    ) -> FloatArray:
        """Probability of every action, (S, N, n_actions), in what the agents see, (S, N) each."""
        counts = self.config.n_players + 1
        keys, places = np.unique((casinos * counts + occupancy) * counts + cooperators, return_inverse=True)
        known = self._known[phase]
        for key in keys.tolist():
            if key not in known:
                known[key] = self._ask(phase, key // (counts * counts), key // counts % counts, key % counts)
        answers = np.stack([known[key] for key in keys.tolist()])
        return np.asarray(answers[places.reshape(casinos.shape), np.arange(self.config.n_players)])

    def _ask(self, phase: Literal["game", "migration"], casino: int, occupancy: int, cooperators: int) -> FloatArray:
        """Probabilities (N, n_actions) of the agents, each of whom sees the same."""
        inputs = self._encoder(self._observation(phase, casino, occupancy, cooperators))
        agents = self.agents
        if phase == "game":
            return _chosen(agents.Q_G, inputs, np.ones(N_GAME_ACTIONS, np.bool_), self.epsilon)
        legal = self._legal[casino]
        if agents.restricted:
            padded = np.zeros((len(inputs), agents.n_moves), np.float32)
            padded[:, : len(legal)] = legal
            inputs = np.concatenate([inputs, padded], axis=1)
        return _chosen(agents.Q_M, inputs, legal, self.epsilon)

    def _observation(self, phase: Literal["game", "migration"], casino: int, n: int, k: int) -> Float32Array:
        """The observation (N, 8) of agents in a casino with n members and n_C cooperators."""
        counts = np.zeros((2, 1, self.config.n_casinos), np.int64)
        counts[:, 0, casino] = n, k
        everybody = np.full((1, self.config.n_players), casino, np.int64)
        state = MPGGState(
            positions=everybody,
            last_actions=np.zeros_like(everybody, np.int8),
            occupancy=counts[0],
            cooperators=counts[1],
            phase=phase,
            round=0,
        )
        return np.asarray(self._observer.observe(state)[0])


def _chosen(networks: QNetworks, inputs: Float32Array, legal: BoolArray, epsilon: float) -> FloatArray:
    values = networks.values(inputs)[:, : len(legal)].astype(np.float64)
    return epsilon_greedy(values, np.broadcast_to(legal, values.shape), epsilon)
