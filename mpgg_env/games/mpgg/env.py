"""The game as a PettingZoo `ParallelEnv`: a thin dictionary facade over the array engine."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box, Discrete
from pettingzoo.utils.env import ParallelEnv

from mpgg_env.core.snapshot import generator_of
from mpgg_env.core.types import Float32Array, FloatArray, IntArray
from mpgg_env.core.validation import check_choice, check_integer, check_known
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.render import ansi_frame, rgb_frame
from mpgg_env.games.mpgg.snapshot import check_snapshot
from mpgg_env.games.mpgg.state import Phase
from mpgg_env.games.mpgg.vector import MPGGVectorEnv

ACTION_MASKS = ("info", "none")
PLAIN_INTEGERS = frozenset({int, np.int64})
Dicts = tuple[dict[str, Float32Array], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


class MPGGParallelEnv(ParallelEnv[str, Any, Any]):
    """The migratory public goods game ([MPGG2025] section 2.1): play with whoever is in your casino, then move.

    A round is two calls of `step`: the game phase, then the migration phase.

    **Action space**: `Discrete(n_actions)`, the same object at every call. `action_mode="masked"`: in the game
    phase 0 = D, 1 = C; in the migration phase 0..4 = stay, up, down, left, right (or the moves of the
    configuration). The legal set is in `info["action_mask"]`; an illegal action is replaced by a uniformly random
    legal one and counted in `info["illegal"]`, or refused under `strict`. `action_mode="joint"`: 2 x n_moves
    actions, `a % 2` plays and `a // 2` moves; only a move off a board with `boundary="mask"` is illegal.

    **Observation space**: `Box(float32)` of shape (8,), every lower bound 0:

    | slot | meaning | largest value |
    |---|---|---|
    | 0, 1 | the coming phase: 1 0 game, 0 1 migration | 1 |
    | 2, 3 | row and column of the agent's casino, from 0 | rows - 1, columns - 1 |
    | 4, 5 | cost c and gain factor r of the casino | the highest of any casino |
    | 6 | n, the agents in the casino | N |
    | 7 | n_C, its present members whose last game action was C | N |

    A count that the configuration hides in a phase is 0.

    **Rewards**, in units of the cost: the game phase pays r c k / n to each of the n members of a casino with k
    cooperators, less c to a cooperator (`payoff="code"`: r k / n, less c); the migration phase pays 0. Mechanisms
    change what the game pays. A learner that discounts per step uses `gamma_step = sqrt(gamma_round)`.

    **Infos**: `action_mask` (int8, n_actions), unless `action_mask="none"`; `illegal`, the number of this
    agent's actions in this episode that were illegal and replaced; with mechanisms `transfer`, the money (float) that
    the agent received from them in the game just played, less what it paid, 0 in the other phase.

    **Episode end**: all agents are truncated after `max_cycles` steps (it can be assigned), never terminated.

    **Arguments**: `config`, the rules; `action_mode` and `strict`, as above; `action_mask`, "info" or "none";
    `obs_scale`, "natural" or "unit" (every slot divided by its upper bound); `render_mode`, None, "rgb_array",
    "human" (prints the board to the terminal) or "ansi".

    **Version history**: v0, the first.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "migratory_public_goods_v0",
        "render_modes": ["rgb_array", "human", "ansi"],
        "is_parallelizable": True,
        "render_fps": 4,
    }

    def __init__(
        self,
        config: MPGGConfig | None = None,
        *,
        action_mode: Literal["masked", "joint"] = "masked",
        action_mask: Literal["info", "none"] = "info",
        strict: bool = False,
        obs_scale: Literal["natural", "unit"] = "natural",
        render_mode: Literal["rgb_array", "human", "ansi"] | None = None,
    ) -> None:
        check_choice("action_mask", action_mask, ACTION_MASKS)
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.config = MPGGConfig() if config is None else config
        self.action_mask = action_mask
        self.render_mode = render_mode
        self.engine = MPGGVectorEnv(self.config, action_mode=action_mode, strict=strict, obs_scale=obs_scale)
        self.possible_agents = [f"agent_{i}" for i in range(self.engine.n_agents)]
        self.agents: list[str] = []
        self._known_agents = frozenset(self.possible_agents)
        high = self.engine.observer.high
        self.observation_spaces = {a: Box(np.zeros_like(high), high, dtype=np.float32) for a in self.possible_agents}
        self.action_spaces = {a: Discrete(self.engine.n_actions) for a in self.possible_agents}
        counts = np.full(2 * self.config.n_casinos, self.engine.n_agents, np.float32)
        state_high = np.concatenate([np.ones(2, np.float32), counts])
        self.state_space = Box(np.zeros_like(state_high), state_high, dtype=np.float32)

    def observation_space(self, agent: str) -> Box:
        """The observation space of an agent, the same object at every call."""
        return self.observation_spaces[agent]  # type: ignore[return-value]

    def action_space(self, agent: str) -> Discrete:
        """The action space of an agent, the same object at every call and in both phases."""
        return self.action_spaces[agent]  # type: ignore[return-value]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Float32Array], dict[str, dict[str, Any]]]:
        """Starts an episode.

        Args:
            seed: Seed of the environment's generator; None goes on with it.
            options: `{"positions": casinos}` places each agent; other keys are ignored.

        Returns:
            Observations and infos of all agents.
        """
        positions = (options or {}).get("positions")
        observations, infos = self.engine.reset(None if seed is None else [seed], positions)
        self.agents = self.possible_agents.copy()
        return dict(zip(self.agents, observations[0], strict=True)), self._info_dicts(infos)

    def step(self, actions: Mapping[str, Any]) -> Dicts:
        """Plays the coming phase with one action for every agent.

        Raises:
            RuntimeError: The episode is over, or has not begun.
            ValueError: An agent's action is missing, out of range, or illegal under `strict`; an agent is unknown.
            TypeError: An action is not an integer.
        """
        if not self.agents:
            raise RuntimeError("no agent is live: call reset()")
        agents = self.agents
        observations, rewards, _, truncated, infos = self.engine.step(self._action_row(actions))
        ended = bool(truncated[0])
        if ended:
            self.agents = []
        return (
            dict(zip(agents, observations[0], strict=True)),
            dict(zip(agents, rewards[0].tolist(), strict=True)),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, ended),
            self._info_dicts(infos),
        )

    def state(self) -> Float32Array:
        """The global state, (2 + 2 M,): `[game phase, migration phase, occupancy, cooperators]`, per casino."""
        state = self.engine.state
        phase = (1, 0) if state.phase == "game" else (0, 1)
        return np.concatenate([phase, state.occupancy[0], state.cooperators[0]]).astype(np.float32)

    def render(self) -> Any:
        """The board as drawn from the state: a uint8 frame ("rgb_array"), a text ("ansi"), or a print ("human")."""
        if self.render_mode is None:
            raise ValueError("render() needs a render_mode: pass render_mode='rgb_array', 'human' or 'ansi'")
        if self.render_mode == "rgb_array":
            return rgb_frame(self.config, self.engine.state)
        text = ansi_frame(self.config, self.engine.state)
        if self.render_mode == "ansi":
            return text
        print(text)  # noqa: T201 - printing is what this mode is for
        return None

    def close(self) -> None:
        """Nothing to release."""

    @property
    def np_random(self) -> np.random.Generator:
        """The environment's generator: leftover agents at the start, and replacements of illegal actions."""
        return self.engine.generators[0]

    @property
    def max_cycles(self) -> int:
        """Length of an episode in steps, two per round; it can be assigned."""
        return self.engine.max_cycles

    @max_cycles.setter
    def max_cycles(self, value: int) -> None:
        self.engine.max_cycles = check_integer("max_cycles", value, 1)

    @property
    def positions(self) -> IntArray:
        """Casino of each agent, (n_agents,), a copy."""
        return np.array(self.engine.state.positions[0])

    @property
    def occupancy(self) -> IntArray:
        """Agents in each casino, (n_casinos,), a copy."""
        return np.array(self.engine.state.occupancy[0])

    @property
    def cooperators(self) -> IntArray:
        """Present members of each casino whose last game action was C, (n_casinos,), a copy."""
        return np.array(self.engine.state.cooperators[0])

    @property
    def cost(self) -> FloatArray:
        """Cost of cooperating in each casino, (n_casinos,), a copy."""
        return self.engine.cost.copy()

    @property
    def gain(self) -> FloatArray:
        """Gain factor of each casino, (n_casinos,), a copy."""
        return self.engine.gain.copy()

    @property
    def phase(self) -> Phase:
        """The phase that the next step plays, "game" or "migration"."""
        return self.engine.state.phase

    @property
    def round(self) -> int:
        """Rounds completed in this episode."""
        return self.engine.state.round

    def get_state(self) -> dict[str, Any]:
        """Everything that the rest of the episode depends on, the generator included, in a plain dict of copies."""
        return {
            "config": self.config.to_dict(),
            "state": self.engine.state.copy(),
            "cycle": self.engine.cycle,
            "max_cycles": self.engine.max_cycles,
            "illegal": self.engine.illegal.copy(),
            "live": bool(self.agents),
            "generator": copy.deepcopy(self.np_random.bit_generator.state),
            "seed": int(self.engine.seeds[0]),
            "games_played": self.engine.games_played,
        }

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Continues from a `get_state()` of an environment with the same configuration, bit for bit.

        Raises:
            ValueError: The snapshot is of a game with other rules, or a part of it is missing or out of range.
            TypeError: A part of the snapshot has the wrong type.
        """
        check_snapshot(snapshot, self.config)
        self.np_random.bit_generator.state = generator_of(snapshot).bit_generator.state
        self.engine.seeds[0], self.engine.games_played = snapshot["seed"], snapshot["games_played"]
        live = snapshot["live"]
        self.engine.restore(snapshot["state"].copy(), snapshot["cycle"], snapshot["illegal"].copy(), ended=not live)
        self.engine.max_cycles = snapshot["max_cycles"]
        self.agents = self.possible_agents.copy() if live else []

    def _action_row(self, actions: Mapping[str, Any]) -> IntArray:
        """The actions as an integer array (1, n_agents), in the order of the agents."""
        try:
            values = [actions[agent] for agent in self.agents]
        except KeyError as error:
            raise ValueError(f"the action of {error.args[0]!r} is missing") from None
        if len(actions) != len(values):
            check_known(actions, self._known_agents, "agent")
        if not PLAIN_INTEGERS.issuperset(map(type, values)):
            # One by one, since an array of True and 2, or of an unsigned 1 and -1, changes the type of its elements.
            values = [_integer_action(agent, value) for agent, value in zip(self.agents, values, strict=True)]
        try:
            return np.fromiter(values, np.int64, len(values))[None]
        except OverflowError:
            agent, value = next(pair for pair in zip(self.agents, values, strict=True) if abs(pair[1]) >= 2**63)
            raise ValueError(f"action of {agent} must be in [0, {self.engine.n_actions - 1}], got {value}") from None

    def _info_dicts(self, infos: dict[str, Any]) -> dict[str, dict[str, Any]]:
        # One literal per agent: a shared dict would corrupt wrappers that write into the infos.
        counts = infos["illegal"][0].tolist()
        if "transfer" in infos:
            return self._info_dicts_with_transfers(infos, counts)
        if self.action_mask == "none":
            return {agent: {"illegal": n} for agent, n in zip(self.possible_agents, counts, strict=True)}
        masks = infos["action_mask"][0]
        return {
            agent: {"action_mask": mask, "illegal": n}
            for agent, mask, n in zip(self.possible_agents, masks, counts, strict=True)
        }

    def _info_dicts_with_transfers(self, infos: dict[str, Any], counts: list[int]) -> dict[str, dict[str, Any]]:
        received = infos["transfer"][0].tolist()
        if self.action_mask == "none":
            return {
                agent: {"illegal": n, "transfer": money}
                for agent, n, money in zip(self.possible_agents, counts, received, strict=True)
            }
        masks = infos["action_mask"][0]
        return {
            agent: {"action_mask": mask, "illegal": n, "transfer": money}
            for agent, mask, n, money in zip(self.possible_agents, masks, counts, received, strict=True)
        }


def _integer_action(agent: str, value: Any) -> int:
    scalar = np.asarray(value)
    if scalar.dtype.kind not in "iu" or scalar.ndim:
        raise TypeError(f"the action of {agent} must be an integer, got {value!r}")
    return int(scalar)
