"""The array interface: B replicas of the game in one call, without dictionaries."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from gymnasium.utils.seeding import np_random

from mpgg_env.core.types import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, UInt64Array
from mpgg_env.core.validation import check_choice, check_flag, check_integer
from mpgg_env.games.mpgg import kernels
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import by_mechanism, rules_of
from mpgg_env.games.mpgg.observation import OBSERVATION_SCALES, Observer
from mpgg_env.games.mpgg.rules import GAME_ACTIONS, destinations, initial_positions, move_names
from mpgg_env.games.mpgg.state import MPGGState, Phase

ACTION_MODES: Final = ("masked", "joint")


class MPGGVectorEnv:
    """B independent replicas of the migratory public goods game, stepped together on arrays.

    Replica b, reset with seed s, plays exactly the episode of a `ParallelEnv` reset with seed s. All replicas
    are in the same phase and end together; after the end the caller resets.

    Args:
        config: Rules of the game.
        n_replicas: Number of replicas B.
        action_mode: "masked": one action index for both phases (game 0 = D, 1 = C; migration one index per
            move), an illegal one is replaced by a uniformly random legal one and counted. "joint":
            `2 * n_moves` actions, `a % 2` is played in the game phase and `a // 2` moves.
        strict: Raise ValueError on an illegal action instead of replacing it.
        obs_scale: "natural" units or "unit" (every slot divided by its upper bound).
    """

    def __init__(
        self,
        config: MPGGConfig,
        n_replicas: int = 1,
        *,
        action_mode: Literal["masked", "joint"] = "masked",
        strict: bool = False,
        obs_scale: Literal["natural", "unit"] = "natural",
    ) -> None:
        if not isinstance(config, MPGGConfig):
            raise TypeError(f"config must be an MPGGConfig, got {config!r}")
        check_choice("action_mode", action_mode, ACTION_MODES)
        check_choice("obs_scale", obs_scale, OBSERVATION_SCALES)
        self.config = config
        self.n_replicas = check_integer("n_replicas", n_replicas, 1)
        self.n_agents = config.n_players
        self.action_mode = action_mode
        self.strict = check_flag("strict", strict)
        self.max_cycles = config.max_cycles
        self.rules = rules_of(config)
        self.cost: FloatArray = self.rules.cost
        self.gain: FloatArray = self.rules.gain
        self.observer = Observer(config, obs_scale)
        self.n_actions = 2 * config.n_moves if action_mode == "joint" else max(len(GAME_ACTIONS), config.n_moves)
        self.cycle = 0
        self.ended = False
        self.illegal: IntArray = np.zeros((self.n_replicas, self.n_agents), np.int64)
        self._seed(None)
        self._outcome = kernels.Outcome.allocate(
            self.n_replicas, self.n_agents, config.n_casinos, active=self.rules.terms.active
        )
        self._destinations, legal_moves = destinations(config)
        self._masks = self._masks_by_casino(legal_moves)
        self._n_legal = {phase: masks.sum(axis=1) for phase, masks in self._masks.items()}
        # The legal actions of each casino come first in its row, in their order.
        self._options = {phase: np.argsort(-masks, axis=1, kind="stable") for phase, masks in self._masks.items()}
        self._state: MPGGState | None = None

    @property
    def state(self) -> MPGGState:
        """The live state record; copy it to keep it.

        Raises:
            RuntimeError: The environment has not been reset yet.
        """
        if self._state is None:
            raise RuntimeError("call reset() first: there is no state before it")
        return self._state

    def reset(
        self, seed: int | Sequence[int] | None = None, positions: Any = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Starts a new episode in every replica.

        Args:
            seed: One seed per replica, or one integer s for the seeds s, s + 1, ...; None goes on with the
                generators as they are.
            positions: Casinos of the agents, (N,) or (B, N), in place of the configured start.

        Returns:
            Observations (B, N, 8) and `{"action_mask": (B, N, n_actions) int8, "illegal": (B, N) int64}`; with
            mechanisms also `"transfer": (B, N)`, what each agent received from them, less what it paid, in the game
            just played, 0 in the other phase.
        """
        starts = None if positions is None else self._checked_positions(positions)
        if seed is not None:
            self._seed(self._seeds(seed))
        if starts is None:
            starts = np.stack([initial_positions(self.config, generator) for generator in self.generators])
        shape, counts = starts.shape, (self.n_replicas, self.config.n_casinos)
        self._state = MPGGState(
            positions=starts,
            last_actions=np.zeros(shape, np.int8),
            occupancy=np.zeros(counts, np.int64),
            cooperators=np.zeros(counts, np.int64),
            phase="game",
            round=0,
        )
        self._count()
        self._forget_game()
        self.cycle = 0
        self.ended = False
        self.illegal = np.zeros(shape, np.int64)
        return self.observer.observe(self._state), self._infos(None)

    def step(self, actions: Any) -> tuple[Float32Array, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Plays the coming phase in every replica.

        Args:
            actions: Integer actions in [0, n_actions), (B, N).

        Returns:
            Observations (B, N, 8), rewards (B, N) (the game phase pays, the migration phase pays 0), terminated
            (B,) (never), truncated (B,) (the cycle `max_cycles` has been played), and the infos of `reset`.

        Raises:
            TypeError: The actions are not integers.
            ValueError: An action is out of range, or illegal in this phase under `strict`.
            RuntimeError: The episode is over.
        """
        state = self.state
        if self.ended:  # a max_cycles assigned below the cycles played must not leave live agents without a last step
            raise RuntimeError("the episode is over: call reset()")
        chosen = self._legal_actions(self._checked_actions(actions))
        played = state.phase == "game"
        rewards = self._play_game(chosen) if played else self._migrate(chosen)
        received = self._outcome.received.sum(axis=1) if played and self.rules.terms.active else None
        self.cycle += 1
        self.ended = self.cycle >= self.max_cycles
        terminated = np.zeros(self.n_replicas, np.bool_)
        truncated = np.full(self.n_replicas, self.ended)
        return self.observer.observe(state), rewards, terminated, truncated, self._infos(received)

    @property
    def transfers(self) -> dict[str, FloatArray]:
        """Who paid what in the last game: money that each agent received, less what it paid, (B, N), by mechanism.

        0 before the first game of an episode, and after a snapshot until the next game.
        """
        return by_mechanism(self.config, self._outcome.received.swapaxes(0, 1).copy())

    @property
    def produced(self) -> FloatArray:
        """Welfare that the last game produced, (B,): the sum of all payoffs before any transfer."""
        return self._outcome.produced.copy()

    @property
    def plays(self) -> BoolArray:
        """Who found a seat in the last game, (B, N): everybody unless a capacity was exceeded."""
        return self._outcome.plays.copy()

    def restore(self, state: MPGGState, cycle: int, illegal: IntArray, *, ended: bool) -> None:
        """Continues from a state record of this game; generators, seeds and games played are the caller's concern."""
        self._state, self.cycle, self.illegal, self.ended = state, cycle, illegal, ended
        self._forget_game()

    def action_masks(self) -> Int8Array:
        """Which actions are legal in the coming phase, (B, N, n_actions), 1 or 0, in a new array."""
        return self._masks[self.state.phase][self.state.positions]

    def action_names(self, action: int) -> str:
        """What an action does in the coming phase, for messages."""
        names = GAME_ACTIONS if self.state.phase == "game" else move_names(self.config)
        index = action
        if self.action_mode == "joint":
            index = action % 2 if self.state.phase == "game" else action // 2
        return names[index] if index < len(names) else "nothing"

    def _play_game(self, chosen: IntArray) -> FloatArray:
        """Every action is in before the first payoff is computed: payoffs must not depend on the order of agents."""
        state = self.state
        state.last_actions = (chosen % 2 if self.action_mode == "joint" else chosen).astype(np.int8)
        self._count()
        rewards = np.empty(state.positions.shape)
        kernels.pay(
            state.positions,
            state.last_actions,
            state.occupancy,
            state.cooperators,
            self.rules,
            self.seeds,
            self.games_played,
            self._outcome,
            rewards,
        )
        self.games_played += 1
        state.phase = "migration"
        return rewards

    def _migrate(self, chosen: IntArray) -> FloatArray:
        state = self.state
        kernels.relocate(chosen // 2 if self.action_mode == "joint" else chosen, self._destinations, state.positions)
        self._count()
        state.phase = "game"
        state.round += 1
        return np.zeros(state.positions.shape)

    def _count(self) -> None:
        state = self.state
        kernels.count(state.positions, state.last_actions, state.occupancy, state.cooperators)

    def _forget_game(self) -> None:
        """Or the numbers of a game that another episode has played would be taken for this one's."""
        self._outcome.received[:] = 0
        self._outcome.produced[:] = 0
        self._outcome.plays[:] = True

    def _masks_by_casino(self, legal_moves: BoolArray) -> dict[Phase, Int8Array]:
        """Which actions are legal in each casino, (M, n_actions), 1 or 0, in both phases."""
        game = np.ones((self.config.n_casinos, self.n_actions), np.int8)
        if self.action_mode == "joint":
            return {"game": game, "migration": np.repeat(legal_moves, 2, axis=1).astype(np.int8)}
        game[:, len(GAME_ACTIONS) :] = 0
        moves = np.zeros_like(game)
        moves[:, : self.config.n_moves] = legal_moves
        return {"game": game, "migration": moves}

    def _infos(self, received: FloatArray | None) -> dict[str, Any]:
        infos = {"action_mask": self.action_masks(), "illegal": self.illegal.copy()}
        if self.rules.terms.active:
            infos["transfer"] = np.zeros(self.illegal.shape) if received is None else received
        return infos

    def _checked_actions(self, actions: Any) -> IntArray:
        chosen = np.asarray(actions)
        if chosen.dtype.kind not in "iu":
            raise TypeError(f"actions must be integers, got an array of {chosen.dtype}")
        if chosen.shape != (self.n_replicas, self.n_agents):
            raise ValueError(f"actions must have shape {(self.n_replicas, self.n_agents)}, got {chosen.shape}")
        if chosen.min() < 0 or chosen.max() >= self.n_actions:
            replica, agent = np.argwhere((chosen < 0) | (chosen >= self.n_actions))[0]
            raise ValueError(
                f"action of agent_{agent} must be in [0, {self.n_actions - 1}], got {chosen[replica, agent]}"
            )
        return chosen.astype(np.int64)

    def _legal_actions(self, chosen: IntArray) -> IntArray:
        """The actions, every illegal one replaced by a uniformly random legal one from its replica's generator."""
        phase, positions = self.state.phase, self.state.positions
        legal = self._masks[phase][positions, chosen] == 1
        if legal.all():
            return chosen
        if self.strict:
            self._refuse(chosen, legal)
        for b, generator in enumerate(self.generators):
            agents = np.flatnonzero(~legal[b])
            casinos = positions[b, agents]
            # Below 1 times a small integer stays below that integer in floating point, so that the place is in range.
            places = (generator.random(len(agents)) * self._n_legal[phase][casinos]).astype(np.int64)
            chosen[b, agents] = self._options[phase][casinos, places]
        self.illegal += ~legal
        return chosen

    def _refuse(self, chosen: IntArray, legal: BoolArray) -> None:
        replica, agent = np.argwhere(~legal)[0]
        allowed = np.flatnonzero(self.action_masks()[replica, agent]).tolist()
        raise ValueError(
            f"agent_{agent}: action {chosen[replica, agent]} is illegal in the {self.state.phase} phase; "
            f"legal: {', '.join(f'{a} ({self.action_names(a)})' for a in allowed)}"
        )

    def _checked_positions(self, positions: Any) -> IntArray:
        given = np.asarray(positions)
        if given.dtype.kind not in "iu":
            raise TypeError(f"positions must be integer casinos, got an array of {given.dtype}")
        if given.shape not in ((self.n_agents,), (self.n_replicas, self.n_agents)):
            raise ValueError(f"positions must give a casino for each of the {self.n_agents} agents, got {given.shape}")
        if given.min() < 0 or given.max() >= self.config.n_casinos:
            wrong = given[(given < 0) | (given >= self.config.n_casinos)][0]
            raise ValueError(f"positions must be in [0, {self.config.n_casinos - 1}], got {wrong}")
        return np.broadcast_to(given, (self.n_replicas, self.n_agents)).astype(np.int64)

    def _seed(self, seeds: list[int] | None) -> None:
        """Generators of these seeds, or of fresh ones, and the seeds themselves for the draws by address."""
        pairs = [np_random(None if seeds is None else seeds[b]) for b in range(self.n_replicas)]
        self.generators = [generator for generator, _ in pairs]
        self.seeds: UInt64Array = np.array([seed % 2**64 for _, seed in pairs], np.uint64)
        self.games_played = 0

    def _seeds(self, seed: int | Sequence[int]) -> list[int]:
        if isinstance(seed, Sequence | np.ndarray):
            if len(seed) != self.n_replicas:
                raise ValueError(f"seed must give one seed for each of the {self.n_replicas} replicas, got {len(seed)}")
            return [check_integer("seed", value, 0) for value in seed]
        first = check_integer("seed", seed, 0)
        return [first + b for b in range(self.n_replicas)]
