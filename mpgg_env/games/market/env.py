"""The market as a PettingZoo `ParallelEnv`: a thin dictionary facade over the array interface."""

import copy
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils.seeding import np_random
from pettingzoo.utils.env import ParallelEnv

from mpgg_env.core.snapshot import generator_of
from mpgg_env.core.types import Float32Array, FloatArray
from mpgg_env.core.validation import check_choice, check_integer, check_known, check_real
from mpgg_env.games.market import rules
from mpgg_env.games.market.config import IllPosedMarketWarning, MarketConfig
from mpgg_env.games.market.inputs import checked_options, rate_of
from mpgg_env.games.market.observation import n_features, observations, standard_location, standard_scale
from mpgg_env.games.market.posedness import check_well_posed
from mpgg_env.games.market.render import ansi_frame, rgb_frame
from mpgg_env.games.market.snapshot import check_snapshot, copied
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

OBS_SCALES = ("natural", "standard")
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
Infos = dict[str, dict[str, float]]
Dicts = tuple[dict[str, Float32Array], dict[str, float], dict[str, bool], dict[str, bool], Infos]


class MarketParallelEnv(ParallelEnv[str, Any, Any]):
    """The trading market ([Casgrain2022] section 6): N traders move the price at which they all trade.

    **Action space**: `Box(float32)` of shape (1,), the same object at every call: the rate at which the trader buys,
    in units per hour, negative to sell. It has no bounds, or with `max_rate` those of [-max_rate, max_rate]. A rate may
    be a float, or an array of shape () or (1,) of any real type, and is used in double precision. One that is not
    finite or out of bounds is refused, never clipped.

    **Observation space**: `Box(float32)`, 5 numbers; 3 + N in "full". Only time is bounded, in [0, T].

    | slot | `observation="paper"` | `"full_mean"` | `"full"` |
    |---|---|---|---|
    | 0 | time to go, hours | the same | the same |
    | 1 | price less transient impact, S - Y | price less its level, S - theta | as full_mean |
    | 2 | own inventory | transient impact Y | as full_mean |
    | 3 | transient impact Y | own inventory | as full_mean |
    | 4... | mean of what the others have bought | mean of the others' inventories | every other's, in order |

    `obs_scale="standard"` gives (x - m) / s with `standard_location` and `standard_scale` of `observation.py`.

    **Rewards** are marked to market: the change of cash + inventory x price, less the running penalty and, with
    the last decision, the terminal one. Their sum is [Casgrain2022] eq. 22 less q_0 S_0: `total_reward` of the last
    info, less inventory x price of the first one, unless the price has met its floor, which rewards do not know.

    **Infos**, all floats: `cash` since the start, `inventory`, `price`, `impact`, and what has been charged so far,
    `running_cost`; `terminal_cost`, 0 before the last decision.

    **Episode end**: all agents are truncated after M = T / dt decisions, never terminated. Nothing follows decision
    M: the value of its last observation is 0, and a learner must not bootstrap there. `max_cycles`, M at first, can
    be assigned: the episode ends after `max_cycles` decisions if that is earlier. It is then cut short: nobody pays
    the terminal penalty, and a learner should bootstrap. The horizon is part of the rules and does not change. `step`
    after the end raises; the authors' code does nothing there and returns the last rewards once more.

    **Arguments**: `config`, the rules; `obs_scale`, "natural" or "standard"; `max_rate`, None or a bound > 0 on rates
    for learners that need a bounded action space; `render_mode`, None, "rgb_array", "human" (prints the market to the
    terminal) or "ansi".

    **Warns**: `IllPosedMarketWarning` where the equilibrium does not exist or means nothing.

    **Version history**: v0, the first.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "market_v0",
        "render_modes": ["rgb_array", "human", "ansi"],
        "is_parallelizable": True,
        "render_fps": 2,
    }

    def __init__(
        self,
        config: MarketConfig | None = None,
        *,
        obs_scale: Literal["natural", "standard"] = "natural",
        max_rate: float | None = None,
        render_mode: Literal["rgb_array", "human", "ansi"] | None = None,
    ) -> None:
        check_choice("obs_scale", obs_scale, OBS_SCALES)
        if max_rate is not None:
            max_rate = check_real("max_rate", max_rate, 0, LARGEST_FLOAT32, open_minimum=True)
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.config = _checked_config(config)
        self.obs_scale, self.max_rate, self.render_mode = obs_scale, max_rate, render_mode
        self.batch = MarketBatch(self.config)
        self.possible_agents = [f"agent_{i}" for i in range(self.config.n_agents)]
        self.agents: list[str] = []
        self.max_cycles = self.config.n_steps
        # The bound as the space has it: single precision may round it up, and what the space contains is welcome.
        self._largest_rate = LARGEST_FLOAT32 if max_rate is None else float(np.float32(max_rate))
        self._make_spaces()
        self._generator = np_random()[0]
        self._state: MarketState | None = None
        self._noise = np.zeros(self.config.n_steps)
        self._running_cost = np.zeros((1, self.config.n_agents))
        self._path: list[MarketState] = []  # what a picture of the episode needs; empty without a render_mode

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
            options: `inventory` (N,), `price` and `impact` are the start, `noise` (M,) the standard normal shocks of
                the price; other keys are ignored.

        Returns:
            Observations and infos of all agents.

        Raises:
            ValueError: An option has the wrong shape or is not finite.
            TypeError: An option or the seed is not a number.
        """
        n, m = self.config.n_agents, self.config.n_steps
        given = checked_options(options or {}, self.config)
        if seed is not None:
            self._generator = np_random(check_integer("seed", seed, 0))[0]
        draw = self._generator.standard_normal
        drawn = self.batch.drawn_state(draw((1, n)), draw(1), draw(1))
        self._noise = given.get("noise", draw(m))
        start = [given.get(name, getattr(drawn, name)[0])[None] for name in ("inventory", "price", "impact")]
        self._state = self.batch.initial_state(*start)
        self._running_cost = np.zeros((1, n))
        self._path = [self._state] if self.render_mode else []
        self.agents = self.possible_agents.copy()
        return self._observation_dict(), self._info_dicts()

    def step(self, actions: Mapping[str, Any]) -> Dicts:
        """Trades for dt at the rates of all agents.

        Raises:
            RuntimeError: The episode is over, or has not begun.
            ValueError: An agent's rate is missing, not finite or out of bounds; an agent is unknown.
            TypeError: A rate is not a real number.
        """
        if not self.agents:
            raise RuntimeError("no agent is live: call reset()")
        state, agents = self._live_state(), self.agents
        self._state, rewards = self.batch.step(state, self._rates(actions), self._noise[state.step, None])
        held = self._state.inventory
        self._running_cost = self._running_cost + rules.running_cost(held, self.batch.running_penalty, self.config.dt)
        if self.render_mode:
            self._path.append(self._state)
        ended = self._state.step >= min(self.max_cycles, self.config.n_steps)
        if ended:
            self.agents = []
        return (
            self._observation_dict(),
            dict(zip(agents, rewards[0].tolist(), strict=True)),
            dict.fromkeys(agents, False),
            dict.fromkeys(agents, ended),
            self._info_dicts(),
        )

    def state(self) -> Float32Array:
        """The global state in natural units, (3 + N,): `[time to go, price, impact, inventories]`."""
        state = self._live_state()
        head = [self.config.time_to_go(state.step), state.price[0], state.impact[0]]
        return np.concatenate([head, state.inventory[0]]).astype(np.float32)

    def render(self) -> Any:
        """The episode so far: a uint8 frame ("rgb_array"), a text ("ansi"), or a print ("human").

        After `set_state` it begins where the snapshot was taken.
        """
        if self.render_mode is None:
            raise ValueError("render() needs a render_mode: pass render_mode='rgb_array', 'human' or 'ansi'")
        self._live_state()
        if self.render_mode == "rgb_array":
            return rgb_frame(self.config, self._path)
        text = ansi_frame(self.config, self._path)
        if self.render_mode == "ansi":
            return text
        print(text)  # noqa: T201 - printing is what this mode is for
        return None

    def close(self) -> None:
        """Nothing to release."""

    @property
    def np_random(self) -> np.random.Generator:
        """The environment's generator: initial states and shocks of the price, drawn by `reset`."""
        return self._generator

    @property
    def max_cycles(self) -> int:
        """Most decisions of an episode; it can be assigned, and above M it changes nothing."""
        return self._max_cycles

    @max_cycles.setter
    def max_cycles(self, value: int) -> None:
        self._max_cycles = check_integer("max_cycles", value, 1)

    @property
    def market(self) -> MarketState:
        """The state of the market, arrays of one replica, as a copy."""
        return copied(self._live_state())

    def get_state(self) -> dict[str, Any]:
        """Everything that the rest of the episode depends on, the generator included, in a plain dict of copies."""
        return {
            "config": self.config.to_dict(),
            "state": self.market,
            "noise": self._noise.copy(),
            "running_cost": self._running_cost.copy(),
            "max_cycles": self.max_cycles,
            "live": bool(self.agents),
            "generator": copy.deepcopy(self._generator.bit_generator.state),
        }

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Continues from a `get_state()` of an environment with the same configuration, bit for bit.

        Raises:
            ValueError: The snapshot is of a market with other rules, or a part of it is missing or out of range.
            TypeError: A part of the snapshot has the wrong type.
        """
        check_snapshot(snapshot, self.config)
        self._generator = generator_of(snapshot)
        self._state = copied(snapshot["state"])
        self._noise, self._running_cost = snapshot["noise"].copy(), snapshot["running_cost"].copy()
        self._path = [self._state] if self.render_mode else []
        self.max_cycles = snapshot["max_cycles"]
        self.agents = self.possible_agents.copy() if snapshot["live"] else []

    def _make_spaces(self) -> None:
        size, n = n_features(self.config), self.config.n_agents
        self._location, self._scale = np.zeros(size), np.ones(size)
        if self.obs_scale == "standard":
            self._location, self._scale = standard_location(self.config), standard_scale(self.config)
        low, high = np.full(size, -np.inf), np.full(size, np.inf)
        low[0], high[0] = 0.0, self.config.horizon
        low, high = self._scaled(low), self._scaled(high)
        rate = np.inf if self.max_rate is None else self._largest_rate
        self.observation_spaces = {a: Box(low, high, dtype=np.float32) for a in self.possible_agents}
        self.action_spaces = {a: Box(-rate, rate, (1,), np.float32) for a in self.possible_agents}
        least, most = np.full(3 + n, -np.inf, np.float32), np.full(3 + n, np.inf, np.float32)
        least[0], most[0] = 0.0, self.config.horizon
        self.state_space = Box(least, most, dtype=np.float32)

    def _live_state(self) -> MarketState:
        if self._state is None:
            raise RuntimeError("there is no episode yet: call reset()")
        return self._state

    def _scaled(self, features: FloatArray) -> Float32Array:
        return ((features - self._location) / self._scale).astype(np.float32)

    def _rates(self, actions: Mapping[str, Any]) -> FloatArray:
        """The actions as rates (1, N), in the order of the agents."""
        try:
            values = [rate_of(agent, actions[agent]) for agent in self.agents]
        except KeyError as error:
            raise ValueError(f"the action of {error.args[0]!r} is missing") from None
        if len(actions) != len(values):
            check_known(actions, self.possible_agents, "agent")
        rates = np.array(values)
        wrong = np.flatnonzero(~(np.abs(rates) <= self._largest_rate))  # NaN compares as False
        if len(wrong):
            allowed = "finite" if self.max_rate is None else f"in [{-self.max_rate:g}, {self.max_rate:g}]"
            raise ValueError(f"action of {self.agents[wrong[0]]} must be {allowed}, got {rates[wrong[0]]}")
        return rates[None]

    def _observation_dict(self) -> dict[str, Float32Array]:
        seen = self._scaled(observations(self.config, self._live_state(), np)[0])
        return dict(zip(self.possible_agents, seen, strict=True))

    def _info_dicts(self) -> Infos:
        state = self._live_state()
        price, impact = float(state.price[0]), float(state.impact[0])
        charged = self.batch.terminal_penalty if state.step == self.config.n_steps else 0.0
        terminal = -rules.terminal_reward(state.inventory, charged)
        columns = (state.cash, state.inventory, self._running_cost, terminal)
        rows = zip(*(column[0].tolist() for column in columns), strict=True)
        # One literal per agent: a shared dict would corrupt wrappers that write into the infos.
        return {
            agent: {
                "cash": cash,
                "inventory": inventory,
                "price": price,
                "impact": impact,
                "running_cost": running,
                "terminal_cost": terminal,
            }
            for agent, (cash, inventory, running, terminal) in zip(self.possible_agents, rows, strict=True)
        }


def total_reward(info: Mapping[str, float]) -> float:
    """[Casgrain2022] eq. 22 from an agent's last info: cash, inventory at the price, less what inventory has cost."""
    parts = ("cash", "inventory", "price", "running_cost", "terminal_cost")
    return float(rules.total_reward(*(info[name] for name in parts)))


def _checked_config(config: MarketConfig | None) -> MarketConfig:
    """The rules, the default ones for None, with a warning where they are ill posed."""
    if config is None:
        config = MarketConfig()
    if not isinstance(config, MarketConfig):
        raise TypeError(f"config must be a MarketConfig, got {config!r}")
    problem = check_well_posed(config)
    if problem is not None:
        warnings.warn(problem, IllPosedMarketWarning, stacklevel=3)
    return config
