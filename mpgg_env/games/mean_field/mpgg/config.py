"""Parameters of the migratory public goods game as a mean-field-type game: those of the finite game, and coalitions."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from mpgg_env.core.validation import check_integer, check_real
from mpgg_env.games.mpgg.config import DilemmaWarning, MPGGConfig

# What the limit has no form of, with the only value that is allowed. Masks would need an action space per casino.
FIXED = {"payoff": "text", "min_players": 1, "mechanism": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanFieldMPGGConfig(MPGGConfig):
    """The migratory public goods game between coalitions of many agents. Board and casinos are those of `MPGGConfig`.

    Warns by `DilemmaWarning` unless 1 < lowest gain < K_c < highest gain: a coalition cooperates in a casino where the
    gain times its share of the agents there exceeds 1, so that coalitions rather than heads are what crowds.

    Attributes:
        n_agents: Number of agents N of the finite game with which the limit is compared.
        n_coalitions: Number K_c of coalitions, at least 1; with 1 a planner decides for everybody.
        weights: Share w_k > 0 of the agents in each coalition, with the sum 1; default: equal shares.
        discount: Discount gamma per step, in [0, 1).
        max_cycles: Length T of an episode in steps; one step is a whole round, a game and a migration.
    """

    cell_values: Literal["upper", "center", "linspace"] = "center"
    boundary: Literal["torus", "wall", "mask"] = "wall"
    grid_shape: tuple[int, int] = (3, 3)
    gain_range: tuple[float, float] = (1.2, 3.0)
    max_cycles: int = 20
    n_coalitions: int = 2
    weights: tuple[float, ...] | None = None
    discount: float = 0.95

    def __post_init__(self) -> None:
        # Its own checks first: MPGGConfig's last one, of the dilemma, is replaced below and needs them.
        self._set("n_coalitions", check_integer("n_coalitions", self.n_coalitions, 1))
        self._set("weights", _weights(self.weights, self.n_coalitions))
        self._set("discount", check_real("discount", self.discount, 0, 1, open_maximum=True))
        MPGGConfig.__post_init__(self)
        if self.boundary == "mask":
            raise ValueError("boundary must be 'torus' or 'wall' in the mean-field game, got 'mask'")
        for name, value in FIXED.items():
            if getattr(self, name) != value:
                raise ValueError(f"{name} must be {value!r} in the mean-field game, got {getattr(self, name)!r}")

    @classmethod
    def of(cls, game: MPGGConfig, **coalitions: Any) -> Self:
        """The mean-field game of a finite one; `coalitions` are fields of this class, `max_cycles` among them.

        Raises:
            ValueError: The finite game has rules that the limit has no form of, or a field is out of range.
        """
        values = {name: value for name, value in game.to_dict().items() if name != "max_cycles"}
        return cls.from_dict({**values, **coalitions})

    def finite(self, n_agents: int, *, rounds: int | None = None) -> MPGGConfig:
        """The finite game of so many agents on this board, for so many rounds; None for T."""
        own = {name: getattr(self, name) for name in MPGGConfig.field_names()}
        cycles = 2 * (self.max_cycles if rounds is None else check_integer("rounds", rounds, 1))
        with warnings.catch_warnings():
            # The finite game's condition is about heads per casino, which is another question.
            warnings.simplefilter("ignore", DilemmaWarning)
            return MPGGConfig(**{**own, "n_agents": n_agents, "max_cycles": cycles, "strict_dilemma": False})

    @property
    def shares(self) -> tuple[float, ...]:
        """w_k of each coalition."""
        return self.weights or (1.0 / self.n_coalitions,) * self.n_coalitions

    def _check_dilemma(self) -> None:
        low, high = (min(self.gain), max(self.gain)) if self.gain is not None else self.gain_range
        if 1 < low < self.n_coalitions < high:
            return
        message = (
            f"not every casino poses a dilemma: 1 < lowest gain < n_coalitions < highest gain does not hold "
            f"for gains {low:g} to {high:g} and n_coalitions = {self.n_coalitions}"
        )
        if self.strict_dilemma:
            raise ValueError(f"{message}; strict_dilemma=True demands it")
        warnings.warn(message, DilemmaWarning, stacklevel=5)


def _weights(values: Any, n_coalitions: int) -> tuple[float, ...] | None:
    if values is None:
        return None
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"weights must be a sequence of {n_coalitions} numbers, got {values!r}")
    if len(values) != n_coalitions:
        raise ValueError(f"weights must be one for each of the {n_coalitions} coalitions, got {len(values)}")
    shares = tuple(check_real(f"weights[{k}]", share, 0, 1, open_minimum=True) for k, share in enumerate(values))
    if abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"weights must sum to 1, got {shares} with the sum {sum(shares)!r}")
    return shares
