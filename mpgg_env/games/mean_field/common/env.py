"""Every mean-field-type game as a PettingZoo `ParallelEnv`: a thin dictionary facade over the array interface."""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils.seeding import np_random
from pettingzoo.utils.env import ParallelEnv

from mpgg_env.core.snapshot import generator_of
from mpgg_env.core.types import Float32Array, FloatArray
from mpgg_env.core.validation import check_choice, check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.inputs import checked_options, matrices_of, start_of
from mpgg_env.games.mean_field.common.render import ansi_frame, rgb_frame
from mpgg_env.games.mean_field.common.snapshot import check_snapshot, state_in
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of

SIGHTS = ("full", "own")
Infos = dict[str, dict[str, float]]
Dicts = tuple[dict[str, Float32Array], dict[str, float], dict[str, bool], dict[str, bool], Infos]


class CoalitionParallelEnv(ParallelEnv[str, Any, Any]):
    """A mean-field-type game ([Shao2024] section 2): the agents are the central players of m coalitions of many.

    **Agents**: `coalition_0`, `coalition_1`, ..., in the order of the game's page. None ever leaves before the end.

    **Action space**: `Box(0, 1, (S_i, A_i), float32)`, the same object at every call: row x is what the coalition's
    agents in state x do, pi_i(a | x). Rows are divided by their sum, and rows of zeros become uniform; in the
    migratory public goods game column 0 is the probability of cooperating and the others alone are divided by their
    sum. Any real element type is welcome and is used in double precision. An entry that is not finite or out of
    [0, 1] is refused, never clipped.

    **Observation space**: `Box(0, 1, float32)`, flat. With `sight="full"` the joint mean-field state: the
    distributions mu_0, mu_1, ... of all coalitions one after the other, then the context (the home room of four rooms)
    as one-hot. With `sight="own"` the coalition's own distribution alone, then the context if it concerns her: the
    ablated players of the paper.

    **Rewards** are those of the distributions and actions of the step, before the agents have moved.

    **Infos**, all floats: `discount`, gamma per step; `discounted_return`, the sum of gamma^t r_t so far; in the
    migratory public goods game `cooperation`, the share of the coalition's agents that cooperated in the last step, and
    `welfare`, the mean payoff of all agents in it, both 0 after `reset`.

    **Episode end**: all agents are truncated after `max_cycles` steps, at first the configuration's, never terminated:
    the game goes on without end, so that a learner should bootstrap there. `max_cycles` can be assigned.

    **Arguments**: `config`, which also says which game it is; `sight`; `render_mode`, None, "rgb_array", "human"
    (prints the distributions to the terminal) or "ansi".

    **Version history**: v0, the first.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "mftg_v0",
        "render_modes": ["rgb_array", "human", "ansi"],
        "is_parallelizable": True,
        "render_fps": 4,
    }

    def __init__(
        self,
        config: Episodic,
        *,
        sight: Literal["full", "own"] = "full",
        render_mode: Literal["rgb_array", "human", "ansi"] | None = None,
    ) -> None:
        check_choice("sight", sight, SIGHTS)
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.batch = MeanFieldBatch(config)
        self.config, self.sight, self.render_mode = config, sight, render_mode
        self.metadata = {**self.metadata, "name": f"mftg_{game_of(config)}_v0"}  # type: ignore[misc]
        self.possible_agents = [f"coalition_{i}" for i in range(self.batch.n_coalitions)]
        self.agents: list[str] = []
        self.max_cycles = config.max_cycles
        self._shapes = dict(zip(self.possible_agents, self.batch.shapes, strict=True))
        self._make_spaces()
        self._generator = np_random()[0]
        self._state: MeanFieldState | None = None
        self._forget()
        self._path: list[MeanFieldState] = []  # what a picture of the episode needs; empty without a render_mode

    def observation_space(self, agent: str) -> Box:
        """The observation space of an agent, the same object at every call."""
        return self.observation_spaces[agent]  # type: ignore[return-value]

    def action_space(self, agent: str) -> Box:
        """The action space of an agent, the same object at every call."""
        return self.action_spaces[agent]  # type: ignore[return-value]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Float32Array], Infos]:
        """Starts an episode. All its random numbers are drawn here, whatever the options, which replace them.

        Args:
            seed: Seed of the environment's generator; None goes on with it.
            options: `mu0`, a distribution (S_i,) for each coalition, or `test_index`, the number of an entry of the
                testing set; without either the training law draws. `home`, the home room of four rooms, replaces the
                one that is drawn or belongs to the test. Other keys are ignored.

        Returns:
            Observations and infos of all agents.

        Raises:
            ValueError: An option has the wrong shape, is out of range, or does not go with another or with the game.
            TypeError: An option or the seed has the wrong type.
        """
        given = checked_options(options or {}, self.batch)
        if seed is not None:
            self._generator = np_random(check_integer("seed", seed, 0))[0]
        self._state = start_of(self.batch, self.batch.drawn_state(self._generator, 1), given)
        self._forget()
        self._path = [self._state] if self.render_mode else []
        self.agents = self.possible_agents.copy()
        return self._observation_dict(self._state), self._info_dicts()

    def step(self, actions: Mapping[str, Any]) -> Dicts:
        """One step of all coalitions.

        Raises:
            RuntimeError: The episode is over, or has not begun.
            ValueError: An action is missing, has another shape, or an entry is not finite or out of [0, 1]; an agent is
                unknown.
            TypeError: An action is not of real numbers.
        """
        if not self.agents:
            raise RuntimeError("no agent is live: call reset()")
        before, agents = self._live_state(), self.agents
        chosen = self.batch.normalised(tuple(matrices_of(actions, self._shapes)))
        state, rewards = self.batch.step(before, chosen)
        self._remember(before, chosen, rewards)
        self._state = state
        if self.render_mode:
            self._path.append(state)
        ended = state.step >= self.max_cycles
        if ended:
            self.agents = []
        return (
            self._observation_dict(state),
            dict(zip(agents, rewards[0].tolist(), strict=True)),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, ended),
            self._info_dicts(),
        )

    def state(self) -> Float32Array:
        """The joint mean-field state with the context, as in the observations with `sight="full"`."""
        return self._joint(self._live_state())

    def render(self) -> Any:
        """The episode so far: a uint8 frame ("rgb_array"), a text ("ansi"), or a print ("human").

        After `set_state` it begins where the snapshot was taken.
        """
        if self.render_mode is None:
            raise ValueError("render() needs a render_mode: pass render_mode='rgb_array', 'human' or 'ansi'")
        state = self._live_state()
        if self.render_mode == "rgb_array":
            return rgb_frame(self.config, self._path, horizon=self.max_cycles)
        text = ansi_frame(self.config, state, horizon=self.max_cycles)
        if self.render_mode == "ansi":
            return text
        print(text)  # noqa: T201 - printing is what this mode is for
        return None

    def close(self) -> None:
        """Nothing to release."""

    @property
    def np_random(self) -> np.random.Generator:
        """The environment's generator: initial distributions and homes, drawn by `reset`. Steps are deterministic."""
        return self._generator

    @property
    def max_cycles(self) -> int:
        """Steps of an episode; it can be assigned, also in mid-episode."""
        return self._max_cycles

    @max_cycles.setter
    def max_cycles(self, value: int) -> None:
        self._max_cycles = check_integer("max_cycles", value, 1)

    @property
    def distributions(self) -> tuple[FloatArray, ...]:
        """mu_i of each coalition, (S_i,), in double precision, as copies."""
        return tuple(mu[0].copy() for mu in self._live_state().distributions)

    @property
    def context(self) -> int | None:
        """The context of the episode, the home room of four rooms; None in games without."""
        context = self._live_state().context
        return None if context is None else int(context[0])

    def get_state(self) -> dict[str, Any]:
        """Everything that the rest of the episode depends on, the generator included, in a plain dict of copies."""
        return {
            "config": self.config.to_dict(),
            "step": self._live_state().step,
            "distributions": self.distributions,
            "context": self.context,
            "discounted_return": self._return.copy(),
            "measures": self._measures.copy(),
            "max_cycles": self.max_cycles,
            "live": bool(self.agents),
            "generator": copy.deepcopy(self._generator.bit_generator.state),
        }

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Continues from a `get_state()` of an environment with the same configuration, bit for bit.

        Raises:
            ValueError: The snapshot is of a game with other rules, or a part of it is missing or out of range.
            TypeError: A part of the snapshot has the wrong type.
        """
        check_snapshot(snapshot, self.batch)
        self._generator = generator_of(snapshot)
        self._state = state_in(snapshot)
        self._return, self._measures = snapshot["discounted_return"].copy(), snapshot["measures"].copy()
        self._path = [self._state] if self.render_mode else []
        self.max_cycles = snapshot["max_cycles"]
        self.agents = self.possible_agents.copy() if snapshot["live"] else []

    def _make_spaces(self) -> None:
        contexts = self.batch.rules.n_contexts
        joint = sum(states for states, _ in self.batch.shapes) + contexts
        self.state_space = Box(0.0, 1.0, (joint,), np.float32)
        self.observation_spaces, self.action_spaces = {}, {}
        for i, (agent, shape) in enumerate(self._shapes.items()):
            seen = contexts if contexts and self.batch.rules.own_context[i] else 0
            size = joint if self.sight == "full" else shape[0] + seen
            self.observation_spaces[agent] = Box(0.0, 1.0, (size,), np.float32)
            self.action_spaces[agent] = Box(0.0, 1.0, shape, np.float32)

    def _live_state(self) -> MeanFieldState:
        if self._state is None:
            raise RuntimeError("there is no episode yet: call reset()")
        return self._state

    def _forget(self) -> None:
        self._return = np.zeros(self.batch.n_coalitions)
        self._measures = np.zeros((len(self.batch.rules.measures), self.batch.n_coalitions))

    def _remember(self, state: MeanFieldState, actions: tuple[FloatArray, ...], rewards: FloatArray) -> None:
        """What the infos say of the step at this state."""
        self._return = self._return + self.config.discount**state.step * rewards[0]
        if self.batch.rules.measures:
            measured = self.batch.rules.measured(state.distributions, actions, rewards)
            self._measures = np.concatenate(measured)

    def _joint(self, state: MeanFieldState) -> Float32Array:
        return self.batch.observations(state)[0].astype(np.float32)  # type: ignore[no-any-return]

    def _observation_dict(self, state: MeanFieldState) -> dict[str, Float32Array]:
        if self.sight == "full":
            joint = self._joint(state)
            return {agent: joint.copy() for agent in self.possible_agents}
        return {
            agent: self.batch.own_observations(state, i)[0].astype(np.float32)
            for i, agent in enumerate(self.possible_agents)
        }

    def _info_dicts(self) -> Infos:
        # A dict of its own for each agent: a shared one would corrupt wrappers that write into the infos.
        infos: Infos = {
            agent: {"discount": self.config.discount, "discounted_return": earned}
            for agent, earned in zip(self.possible_agents, self._return.tolist(), strict=True)
        }
        for name, values in zip(self.batch.rules.measures, self._measures.tolist(), strict=True):
            for agent, value in zip(self.possible_agents, values, strict=True):
                infos[agent][name] = value
        return infos
