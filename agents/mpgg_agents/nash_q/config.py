"""Hyper-parameters of Nash Q-learning."""

from dataclasses import dataclass
from typing import Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_real

SELECTIONS = ("first", "social", "risk_dominant")
STATES = ("all", "observations")
HORIZONS = ("infinite", "finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class NashQConfig(Config):
    """Nash Q-learning for general-sum stochastic games ([Hu2003] section 3), for two to four agents.

    Attributes:
        alpha: Learning rate, in (0, 1]; default: falling with the visits of state and joint action.
        alpha_power: Without alpha, the learning rate of the k-th visit is k^-alpha_power, in (0, 1]; 1 is the
            average over the visits.
        gamma: Discount per round, in [0, 1]. In the migratory public goods game a round is two steps, a game and a
            migration, each of which discounts by sqrt(gamma).
        eps_0: Exploration rate of the first round, in [0, 1].
        decay: Factor on the exploration rate per round, in (0, 1]: eps(t) = max(eps_min, eps_0 decay^t).
        eps_min: Lowest exploration rate, in [0, 1].
        selection: Which pure equilibrium of a stage game all learners take: the lexicographically first one, that with
            the highest sum of values (social), or that with the highest product of deviation losses (risk_dominant).
            Without a pure one it is the mixed one that the solver finds.
        state: What makes two states one state: all takes the environment's `state()`, where it has one, together with
            the observations of all agents; observations takes these alone. See the agent's README for the migratory
            public goods game, where the observations are enough.
        horizon: infinite has stationary values, and the end of an episode by a time limit is bootstrapped; finite has
            the step of the episode in the state, and nothing is worth anything after its end.
        initial_value: Value of every entry at the start.
        episodes: Episodes, each as long as the run's rounds unless the game ends earlier. The game is reset between
            them, tables and exploration go on.
    """

    alpha: float | None = None
    alpha_power: float = 1.0
    gamma: float = 0.95
    eps_0: float = 1.0
    decay: float = 0.99995
    eps_min: float = 0.05
    selection: Literal["first", "social", "risk_dominant"] = "first"
    state: Literal["all", "observations"] = "all"
    horizon: Literal["infinite", "finite"] = "infinite"
    initial_value: float = 0.0
    episodes: int = 1

    def __post_init__(self) -> None:
        if self.alpha is not None:
            self._set("alpha", check_real("alpha", self.alpha, 0, 1, open_minimum=True))
        self._set("alpha_power", check_real("alpha_power", self.alpha_power, 0, 1, open_minimum=True))
        self._set("gamma", check_real("gamma", self.gamma, 0, 1))
        self._set("eps_0", check_real("eps_0", self.eps_0, 0, 1))
        self._set("decay", check_real("decay", self.decay, 0, 1, open_minimum=True))
        self._set("eps_min", check_real("eps_min", self.eps_min, 0, 1))
        check_choice("selection", self.selection, SELECTIONS)
        check_choice("state", self.state, STATES)
        check_choice("horizon", self.horizon, HORIZONS)
        self._set("initial_value", check_real("initial_value", self.initial_value))
        self._set("episodes", check_integer("episodes", self.episodes, 1))
