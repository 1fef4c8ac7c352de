"""The market's configuration: every difference between the paper and its authors' code is a named option here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_real

IMPACTS = ("sqrt", "linear", "none")
SCALINGS = ("sum", "mean_field")
OBSERVATIONS = ("paper", "full", "full_mean")
PRICE_VARIANCES = ("authors", "diffusion")
REFERENCE_AGENTS = 5  # at which impact_scaling="mean_field" changes nothing: the number of the paper
GRID_TOLERANCE = 1e-9


class IllPosedMarketWarning(UserWarning):
    """The market's equilibrium does not exist or means nothing, so that there is nothing for learners to find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketConfig(Config):
    """Rules of one trading market ([Casgrain2022] section 6). Times are in hours.

    Attributes:
        n_agents: Number of traders N, at least 2.
        horizon: Length T of an episode, > 0, a multiple of dt.
        dt: Time between two decisions, > 0; rates are constant in between.
        mean_reversion: Rate kappa at which the price returns to its level, >= 0, per hour.
        price_level: Level theta to which the price returns, >= price_floor.
        volatility: Volatility sigma of the price, >= 0, per square root of an hour.
        permanent_impact: Impact eta >= 0 of the total rate on the drift of the price.
        transient_impact: Impact gamma >= 0 of the total rate V on the transient part of the price.
        transient_decay: Rate rho >= 0 at which the transient impact decays, per hour.
        impact: Shape h of the transient impact: sqrt, sign(V) sqrt(|V|); linear, V; none, 0.
        impact_scaling: sum, the impacts are per unit of the total rate; mean_field, both are multiplied by
            5 / N.
        transaction_cost: b1 >= 0, the price a trader pays over the market's per unit of its rate; one number, or one
            per trader.
        terminal_penalty: b2 >= 0, per squared unit of inventory at the end; one number, or one per trader.
        running_penalty: b3 >= 0, per squared unit of inventory and hour; one number, or one per trader.
        init_inv_var: Variance of each trader's initial inventory, >= 0, around 0.
        s0_var: Variance of the initial price around its level: authors, what the authors' code draws with, which is
            sigma sqrt((1 - exp(-2 kappa T)) / (2 kappa)), a standard deviation in the place of a variance; diffusion,
            sigma^2 (1 - exp(-2 kappa T)) / (2 kappa); or a number >= 0.
        y0_var: Variance of the initial transient impact around 0; default: (sigma / 2)^2, as in the authors' code.
        price_floor: Lowest price a step can end with, > 0. The rewards do not know it, and it never binds at the
            default settings.
        observation: What a trader sees: paper, time to go, price less transient impact, its inventory, the impact and
            the mean of what the others have bought; full, time to go, price less its level, impact, its inventory and
            every other's; full_mean, the same with the mean of the others' inventories.
    """

    n_agents: int = 5
    horizon: float = 5.0
    dt: float = 0.5
    mean_reversion: float = 0.5
    price_level: float = 10.0
    volatility: float = 0.1
    permanent_impact: float = 0.05
    transient_impact: float = 0.02
    transient_decay: float = 0.5
    impact: Literal["sqrt", "linear", "none"] = "sqrt"
    impact_scaling: Literal["sum", "mean_field"] = "sum"
    transaction_cost: float | tuple[float, ...] = 0.1
    terminal_penalty: float | tuple[float, ...] = 0.1
    running_penalty: float | tuple[float, ...] = 0.0
    init_inv_var: float = 50.0
    s0_var: float | Literal["authors", "diffusion"] = "authors"
    y0_var: float | None = None
    price_floor: float = 0.01
    observation: Literal["paper", "full", "full_mean"] = "paper"

    def __post_init__(self) -> None:
        self._set("n_agents", check_integer("n_agents", self.n_agents, 2, 2**31 - 1))
        for name in ("horizon", "dt", "price_floor"):
            self._set(name, check_real(name, getattr(self, name), 0, open_minimum=True))
        for name in (
            *("mean_reversion", "volatility", "permanent_impact", "transient_impact", "transient_decay"),
            "init_inv_var",
        ):
            self._set(name, check_real(name, getattr(self, name), 0))
        self._set("price_level", check_real("price_level", self.price_level, self.price_floor))
        self._check_grid()
        check_choice("impact", self.impact, IMPACTS)
        check_choice("impact_scaling", self.impact_scaling, SCALINGS)
        for name in ("transaction_cost", "terminal_penalty", "running_penalty"):
            self._set(name, _per_agent(name, getattr(self, name), self.n_agents))
        if isinstance(self.s0_var, str):
            check_choice("s0_var", self.s0_var, PRICE_VARIANCES)
        else:
            self._set("s0_var", check_real("s0_var", self.s0_var, 0))
        if self.y0_var is not None:
            self._set("y0_var", check_real("y0_var", self.y0_var, 0))
        check_choice("observation", self.observation, OBSERVATIONS)

    @property
    def n_steps(self) -> int:
        """Number of decisions M = T / dt."""
        return round(self.horizon / self.dt)

    def time_to_go(self, step: int) -> float:
        """Hours until the end of the episode after `step` decisions: T before the first, 0 after the last."""
        # T - step dt may end below 0 by rounding, which no observation space would contain.
        return self.horizon * ((self.n_steps - step) / self.n_steps)

    @property
    def impact_factor(self) -> float:
        """What both impacts are multiplied by: 1, or 5 / N under mean-field scaling."""
        return REFERENCE_AGENTS / self.n_agents if self.impact_scaling == "mean_field" else 1.0

    @property
    def scaled_permanent_impact(self) -> float:
        """The permanent impact as it acts, scaling included."""
        return self.permanent_impact * self.impact_factor

    @property
    def scaled_transient_impact(self) -> float:
        """The transient impact as it acts, scaling included; 0 without transient impact."""
        return 0.0 if self.impact == "none" else self.transient_impact * self.impact_factor

    @property
    def initial_price_variance(self) -> float:
        """Variance of the initial price, by `s0_var`."""
        if not isinstance(self.s0_var, str):
            return self.s0_var
        doubled = 2 * self.mean_reversion
        # The integral of exp(-2 kappa s) over [0, T], T itself without mean reversion.
        hours = -math.expm1(-doubled * self.horizon) / doubled if doubled else self.horizon
        variance = self.volatility**2 * hours
        return math.sqrt(variance) if self.s0_var == "authors" else variance

    @property
    def initial_impact_variance(self) -> float:
        """Variance of the initial transient impact, by `y0_var`."""
        return (self.volatility / 2) ** 2 if self.y0_var is None else self.y0_var

    @property
    def preferences(self) -> tuple[tuple[float, float, float], ...]:
        """Transaction cost, terminal and running penalty of each trader, (N, 3)."""
        columns = (self.transaction_cost, self.terminal_penalty, self.running_penalty)
        rows = [value if isinstance(value, tuple) else (value,) * self.n_agents for value in columns]
        return tuple(zip(*rows, strict=True))

    @property
    def has_identical_preferences(self) -> bool:
        """Whether all traders have the same costs and penalties."""
        return len(set(self.preferences)) == 1

    def _check_grid(self) -> None:
        ratio = self.horizon / self.dt
        if round(ratio) < 1 or abs(ratio - round(ratio)) > GRID_TOLERANCE * ratio:
            raise ValueError(f"dt must divide the horizon of {self.horizon:g}, got {self.dt:g}")


def _per_agent(name: str, value: Any, n_agents: int) -> float | tuple[float, ...]:
    """One number for all, or one per trader; equal ones become one number, so that equal rules compare equal."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return check_real(name, value, 0)
    if len(value) == 1:
        return check_real(name, value[0], 0)
    if len(value) != n_agents:
        raise ValueError(f"{name} must be one number or one per trader ({n_agents}), got {len(value)}")
    numbers = tuple(check_real(f"{name}[{i}]", number, 0) for i, number in enumerate(value))
    return numbers[0] if len(set(numbers)) == 1 else numbers
