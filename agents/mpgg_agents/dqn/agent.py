"""Deep Q-learning on the two-phase game: all agents of one environment, as arrays."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch

from mpgg_agents.dqn.config import DQNConfig
from mpgg_agents.dqn.draws import GAME, MIGRATION, choose
from mpgg_agents.dqn.encoding import N_GAME_ACTIONS, Encoder
from mpgg_agents.dqn.independent import IndependentNetworks
from mpgg_agents.dqn.network import QNetworks
from mpgg_agents.dqn.shared import SharedNetworks
from mpgg_agents.errors import TrainingError
from mpgg_agents.schedules import exploration_threshold, exponential_decay
from mpgg_agents.stored import Arrays, check_actions, section
from mpgg_env.core.types import Float32Array, FloatArray, Int8Array, IntArray
from mpgg_env.core.validation import check_integer
from mpgg_env.games.mpgg.config import MPGGConfig

NETWORKS: Final = {"shared": SharedNetworks, "independent": IndependentNetworks}


class DQNAgents:
    """N agents with the networks `Q_G` (what to do) and `Q_M` (where to go), dual buffers and epsilon-greedy choice.

    Every round calls, in this order: `see_games`, `choose_games`, `receive`, `see_migration`, `choose_moves`,
    `end_round`; an episode begins with `begin_episode`. As in tabular learning, a game is paid at once and a move by
    the next round's game; the next observation is that of the same phase one round later.

    Args:
        config: Hyper-parameters.
        high: Upper bounds of an observation, (8 f,).
        n_agents: Agents N.
        n_moves: Migration actions.
        seed: Seed of the run, in [0, 2**64).
        restricted: Whether some moves may be illegal; the networks then see which ones are legal.
        payoff_unit: The payoff that counts as 1 in an input; None for the highest cost x gain by the bounds.

    Raises:
        ValueError: The observation is not that of the game, or the device is unknown or not there.
    """

    def __init__(
        self,
        config: DQNConfig,
        high: Float32Array,
        n_agents: int,
        n_moves: int,
        seed: int,
        *,
        restricted: bool,
        payoff_unit: float | None = None,
    ) -> None:
        check_device(config.device)
        self.config, self.n_agents, self.n_moves, self.restricted = config, n_agents, n_moves, restricted
        self.seed = seed = check_integer("seed", seed, 0, 2**64 - 1)
        self.encoder = Encoder(config, high, n_agents, n_moves, payoff_unit)
        networks = NETWORKS[config.sharing]
        width = self.encoder.width
        self.Q_G: QNetworks = networks(config, width, N_GAME_ACTIONS, n_agents, seed, GAME, masked=False)
        width += n_moves if restricted else 0
        self.Q_M: QNetworks = networks(config, width, n_moves, n_agents, seed, MIGRATION, masked=restricted)
        self.round = 0
        self.learns = True
        self._greedy_rounds = 0
        self.losses: dict[str, float] = {}
        self._all_games = np.ones((n_agents, N_GAME_ACTIONS), np.int8)
        self._game = _Pending(self.Q_G)
        self._move = _Pending(self.Q_M)
        self._payoffs: FloatArray = np.zeros(n_agents)

    @property
    def epsilon(self) -> float:
        """Exploration rate of this round; 0 when the agents do not learn."""
        config = self.config
        return exponential_decay(config.eps_0, config.decay, config.eps_min, self.round) if self.learns else 0.0

    @property
    def payoffs(self) -> FloatArray:
        """Payoffs of the last game, (N,)."""
        return self._payoffs

    @property
    def n_networks(self) -> int:
        """Networks that are trained, target networks not counted."""
        return 2 * (self.n_agents if self.config.sharing == "independent" else 1)

    def begin_episode(self) -> None:
        """Drops the transitions that wait for their end; networks, buffers and exploration go on."""
        self.encoder.forget()
        self._game.drop()
        self._move.drop()

    def see_games(self, observations: Float32Array) -> None:
        """o_G(t), (N, 8 f): it completes the transitions of the last game."""
        self._game.see(self.encoder(observations), self._payoffs, learns=self.learns)

    def choose_games(self) -> IntArray:
        """a_G(t), (N,), epsilon-greedy in Q_G."""
        actions = self._choose(self._game, self._all_games, GAME)
        self.encoder.note_games(actions)
        return actions

    def receive(self, payoffs: FloatArray) -> None:
        """R(t), (N,), the payoffs of the game."""
        self._payoffs = payoffs
        self.encoder.note_payoffs(payoffs)

    def see_migration(self, observations: Float32Array, legal: Int8Array) -> None:
        """o_M(t), (N, 8 f), and the legal moves (N, n_moves): with R(t) they complete the last moves' transitions."""
        inputs = self.encoder(observations)
        if self.restricted:
            inputs = np.concatenate([inputs, legal], axis=1, dtype=np.float32)
        self._legal_moves = legal
        self._move.see(inputs, self._payoffs, learns=self.learns)

    def choose_moves(self) -> IntArray:
        """a_M(t), (N,), epsilon-greedy in Q_M."""
        moves = self._choose(self._move, self._legal_moves, MIGRATION)
        self.encoder.note_moves(moves)
        return moves

    def end_round(self) -> None:
        """The gradient steps that are due, the target networks, and the decay of epsilon.

        Raises:
            TrainingError: A loss is not finite.
        """
        if not self.learns:
            self._greedy_rounds += 1
            return
        self.round += 1
        for name, networks in (("Q_G", self.Q_G), ("Q_M", self.Q_M)):
            if self.round % self.config.train_every == 0 and networks.replay.size() >= self.config.learning_starts:
                self._train(name, networks)
            if self.round % self.config.target_every == 0:
                networks.update_target()

    def arrays(self) -> Arrays:
        """Everything that the rest of the training depends on, as numeric arrays by name, at the end of a round.

        Raises:
            TrainingError: A weight is not finite, so that nothing could go on from here.
        """
        self.check_finite()
        arrays: Arrays = {"round": np.array(self.round, np.int64), "payoffs": self._payoffs}
        parts = {"game": self._game.arrays(), "move": self._move.arrays(), "encoder": self.encoder.arrays()}
        for name, networks in (("Q_G", self.Q_G), ("Q_M", self.Q_M)):
            parts[name] = networks.arrays()
        return arrays | {f"{part}.{name}": array for part, named in parts.items() for name, array in named.items()}

    def check_finite(self) -> None:
        """Raises TrainingError unless all weights are finite: the last step may have spoilt what no loss will tell."""
        for name, networks in (("Q_G", self.Q_G), ("Q_M", self.Q_M)):
            if not networks.is_finite():
                raise self._diverged(f"a weight of {name} is not finite")

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`; the names, types and shapes have been checked.

        Raises:
            ValueError: A number is not finite or out of its range.
        """
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{name} must hold finite numbers")
        for name in ("Q_G", "Q_M"):
            batches = int(arrays[f"{name}.replay.counters"][2])
            if batches > int(arrays["round"]) * self.config.gradient_steps:
                raise ValueError(
                    f"{name}.replay.counters must be those of {arrays['round']} rounds, got {batches} batches"
                )
        for name, part in (("Q_G", self.Q_G), ("Q_M", self.Q_M), ("game", self._game), ("move", self._move)):
            part.restore(section(arrays, name))
        for name, array in self.encoder.arrays().items():
            array[:] = arrays[f"encoder.{name}"]
        self._payoffs = np.array(arrays["payoffs"])
        self.round = int(arrays["round"])

    def weights(self) -> Arrays:
        """The weights of all networks, `Q_G.online.<name>`, `Q_G.target.<name>`, and those of `Q_M` alike."""
        named = {"Q_G": self.Q_G.weights(), "Q_M": self.Q_M.weights()}
        return {f"{networks}.{name}": array for networks, arrays in named.items() for name, array in arrays.items()}

    def load_weights(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes the weights from `weights()` of agents with the same hyper-parameters.

        Raises:
            ValueError: The arrays are of other networks.
        """
        own = self.weights()
        for name in sorted(own.keys() | arrays.keys()):
            if name not in own or name not in arrays or form(own[name]) != form(arrays[name]):
                raise ValueError(f"the weights are of other networks: they differ in {name}")
        self.Q_G.load_weights(section(arrays, "Q_G"))
        self.Q_M.load_weights(section(arrays, "Q_M"))

    def _choose(self, pending: "_Pending", legal: Int8Array, kind: int) -> IntArray:
        actions = np.zeros(self.n_agents, np.int64)
        threshold = exploration_threshold(self.epsilon)
        step = self.round + self._greedy_rounds
        choose(pending.values(), legal, threshold, np.uint64(self.seed), step, kind, actions)
        pending.actions = actions
        return actions

    def _train(self, name: str, networks: QNetworks) -> None:
        loss = networks.train()
        if not math.isfinite(loss):
            raise self._diverged(f"the loss of {name} is {loss}")
        self.losses[name] = loss

    def _diverged(self, what: str) -> TrainingError:
        return TrainingError(
            f"{what} in round {self.round} of seed {self.seed}: the training has diverged; "
            f"a smaller learning_rate (now {self.config.learning_rate:g}) or max_gradient_norm may help"
        )


def check_device(name: str) -> None:
    """Raises ValueError unless torch can put a tensor on this device."""
    try:
        torch.zeros(1, device=name).cpu().numpy()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"device must be one that torch can use here, such as 'cpu', got {name!r}: {reason}") from None


def form(array: np.ndarray[Any, Any]) -> tuple[str, tuple[int, ...]]:
    """Element type and shape."""
    return array.dtype.str, array.shape


def has_illegal_moves(config: MPGGConfig) -> bool:
    """Whether some of the environment's actions may be illegal as moves."""
    return config.boundary == "mask" or config.n_moves < N_GAME_ACTIONS


class _Pending:
    """The newest inputs and actions of one phase, a transition that the next inputs of the phase complete."""

    def __init__(self, networks: QNetworks) -> None:
        self._networks = networks
        self._waits = False
        self._inputs: Float32Array = np.zeros((networks.n_agents, networks.width), np.float32)
        self.actions: IntArray = np.zeros(networks.n_agents, np.int64)

    def see(self, inputs: Float32Array, rewards: FloatArray, *, learns: bool) -> None:
        """The next inputs (N, width), and the rewards (N,) of the last actions."""
        if self._waits and learns:
            self._networks.replay.add(self._inputs, inputs, self.actions, rewards)
        self._inputs, self._waits = inputs, True

    def values(self) -> Float32Array:
        """Q values of the newest inputs, (N, n_actions)."""
        return self._networks.values(self._inputs)

    def drop(self) -> None:
        """Forgets the transition."""
        self._waits = False

    def arrays(self) -> Arrays:
        """The transition as arrays by name."""
        return {"waits": np.array(self._waits), "inputs": self._inputs, "actions": self.actions}

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """The inverse of `arrays`.

        Raises:
            ValueError: An action is out of range.
        """
        check_actions(arrays["actions"], self._networks.n_actions)
        self._waits = bool(arrays["waits"])
        self._inputs, self.actions = np.array(arrays["inputs"]), np.array(arrays["actions"])
