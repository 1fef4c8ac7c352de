"""The game's configuration: every ambiguity of the source text is a named option here."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_pair, check_real
from mpgg_env.games.mpgg.mechanism_config import Mechanism, mechanism_tuple

CELL_VALUES = ("upper", "center", "linspace")
BOUNDARIES = ("torus", "wall", "mask")
MOVES = ("von_neumann", "moore", "anywhere")
PAYOFFS = ("text", "code")
GAME_OBSERVATIONS = ("m_n", "m_n_nC", "m")
MIGRATION_OBSERVATIONS = ("m_n_nC", "m_n", "m")
# One move per casino makes tables of M x M entries: 8 MB here, and already 800 MB on 100 x 100 casinos.
MOST_CASINOS_ANYWHERE = 1024
REMAINDERS = ("random", "first", "drop", "error")


class DilemmaWarning(UserWarning):
    """The gain factors do not enclose the initial occupancy, which the source asks for ([MPGG2025] section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MPGGConfig(Config):
    """Rules of one migratory public goods game ([MPGG2025] section 2.1).

    Casino m = row * columns + column. The row is the index of the cost, the column the index of the gain.

    Attributes:
        n_agents: Number of agents N, at least 1.
        grid_shape: Rows (cost levels) and columns (gain levels) of the board of casinos.
        gain_range: Lowest and highest gain factor r; a casino has r = low + (high - low) * alpha.
        cost_range: Lowest and highest cost c of cooperating; a casino has c = low + (high - low) * fraction.
        cell_values: Fraction of cell k out of K on either axis: upper (k + 1) / K, center (k + 0.5) / K,
            linspace k / (K - 1).
        boundary: What happens at the edge: torus wraps around, wall turns the move into a stay, mask makes it
            illegal.
        moves: von_neumann (stay, up, down, left, right), moore (these and the four diagonals) or anywhere
            (one move per casino, on at most 1,024 casinos). Up is towards higher cost, right towards higher gain.
        payoff: A cooperator's payoff: text r c k / n - c, code r k / n - c; a defector's is the same without - c.
        obs_game: What an agent sees before it plays: casino (m), occupancy (n), and the number of present
            members who cooperated last round (nC).
        obs_migration: What an agent sees before it moves: casino (m), occupancy (n), and cooperators (nC).
        remainder: Where the N mod M agents go that do not fill every casino equally: random (distinct random
            casinos), first (casinos 0, 1, ...), drop (they do not play), error.
        min_players: Occupancy below which no game takes place and everybody gets 0.
        mechanism: What changes the payoffs, at most one of each kind: fine (amount), subsidy (amount),
            subsidy_local (amount), toll (fee, surcharge, seats), pigou (rate), capacity (seats), peer (punishment,
            cost); default: none.
        strict_dilemma: Raise instead of warning unless 1 < lowest gain < N / M < highest gain.
        max_cycles: Length of an episode in env steps, two per round.
        cost: Cost of each casino, in the order of m, in place of cost_range and cell_values.
        gain: Gain factor of each casino, in the order of m, in place of gain_range and cell_values.
    """

    n_agents: int = 150
    grid_shape: tuple[int, int] = (5, 5)
    gain_range: tuple[float, float] = (1.5, 6.0)
    cost_range: tuple[float, float] = (0.0, 1.0)
    cell_values: Literal["upper", "center", "linspace"] = "upper"
    boundary: Literal["torus", "wall", "mask"] = "torus"
    moves: Literal["von_neumann", "moore", "anywhere"] = "von_neumann"
    payoff: Literal["text", "code"] = "text"
    obs_game: Literal["m_n", "m_n_nC", "m"] = "m_n"
    obs_migration: Literal["m_n_nC", "m_n", "m"] = "m_n_nC"
    remainder: Literal["random", "first", "drop", "error"] = "random"
    min_players: int = 1
    mechanism: Mechanism | tuple[Mechanism, ...] | None = None
    strict_dilemma: bool = False
    max_cycles: int = 1000
    cost: tuple[float, ...] | None = None
    gain: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        self._set("n_agents", check_integer("n_agents", self.n_agents, 1, 2**31 - 1))
        rows, columns = check_pair("grid_shape", self.grid_shape)
        self._set("grid_shape", (check_integer("grid_shape[0]", rows, 1), check_integer("grid_shape[1]", columns, 1)))
        if self.n_casinos > 2**31 - 1:
            raise ValueError(f"grid_shape must have fewer than 2**31 casinos, got {self.grid_shape}")
        self._set("gain_range", _range("gain_range", self.gain_range))
        self._set("cost_range", _range("cost_range", self.cost_range))
        check_choice("cell_values", self.cell_values, CELL_VALUES)
        check_choice("boundary", self.boundary, BOUNDARIES)
        check_choice("moves", self.moves, MOVES)
        self._check_moves()
        check_choice("payoff", self.payoff, PAYOFFS)
        check_choice("obs_game", self.obs_game, GAME_OBSERVATIONS)
        check_choice("obs_migration", self.obs_migration, MIGRATION_OBSERVATIONS)
        check_choice("remainder", self.remainder, REMAINDERS)
        self._set("min_players", check_integer("min_players", self.min_players, 1))
        self._set("mechanism", mechanism_tuple(self.mechanism))
        for mechanism in self.mechanisms:
            mechanism.check_casinos(self.n_casinos)
        check_flag("strict_dilemma", self.strict_dilemma)
        self._set("max_cycles", check_integer("max_cycles", self.max_cycles, 1))
        self._set("cost", _casino_values("cost", self.cost, self.n_casinos))
        self._set("gain", _casino_values("gain", self.gain, self.n_casinos))
        self._check_remainder()
        self._check_dilemma()

    @property
    def n_casinos(self) -> int:
        """Number of casinos M = rows * columns."""
        return self.grid_shape[0] * self.grid_shape[1]

    @property
    def n_players(self) -> int:
        """Number of agents that really play: `n_agents`, less the leftover under `remainder="drop"`."""
        if self.remainder == "drop":
            return self.n_agents - self.n_agents % self.n_casinos
        return self.n_agents

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The mechanisms in force, in the order of `MECHANISMS`; empty without any."""
        return self.mechanism or ()  # type: ignore[return-value]  # stored as None or a tuple

    @property
    def n_moves(self) -> int:
        """Number of migration actions."""
        return {"von_neumann": 5, "moore": 9, "anywhere": self.n_casinos}[self.moves]

    def _check_moves(self) -> None:
        if self.moves == "anywhere" and self.n_casinos > MOST_CASINOS_ANYWHERE:
            raise ValueError(
                f"grid_shape must have at most {MOST_CASINOS_ANYWHERE} casinos with moves='anywhere', "
                f"got {self.grid_shape}"
            )

    def _check_remainder(self) -> None:
        if self.remainder == "error" and self.n_agents % self.n_casinos:
            raise ValueError(
                f"n_agents must be a multiple of the {self.n_casinos} casinos "
                f"with remainder='error', got {self.n_agents}"
            )
        if self.n_players == 0:
            raise ValueError(
                f"n_agents must be at least the {self.n_casinos} casinos with remainder='drop', got {self.n_agents}"
            )

    def _check_dilemma(self) -> None:
        low, high = (min(self.gain), max(self.gain)) if self.gain is not None else self.gain_range
        occupancy = self.n_agents // self.n_casinos
        if 1 < low < occupancy < high:
            return
        message = (
            f"not every casino poses a dilemma: 1 < lowest gain < N / M < highest gain does not hold "
            f"for gains {low:g} to {high:g} and N / M = {occupancy}"
        )
        if self.strict_dilemma:
            raise ValueError(f"{message}; strict_dilemma=True demands it")
        warnings.warn(message, DilemmaWarning, stacklevel=4)


def grid_shape_of(side: float, cell: float) -> tuple[int, int]:
    """Shape of a square board of side L cut into cells of side l ([MPGG2025] section 2.1).

    Raises:
        ValueError: L / l is not a positive integer.
    """
    side, cell = check_real("side", side, 0, open_minimum=True), check_real("cell", cell, 0, open_minimum=True)
    count = round(side / cell)
    if count < 1 or not math.isclose(count * cell, side, rel_tol=1e-9):
        raise ValueError(f"side / cell must be a positive integer, got {side!r} / {cell!r}; give grid_shape instead")
    return count, count


def _range(name: str, value: Any) -> tuple[float, float]:
    low, high = check_pair(name, value)
    low, high = check_real(f"{name}[0]", low, 0), check_real(f"{name}[1]", high, 0)
    if low > high:
        raise ValueError(f"{name} must go from low to high, got {value!r}")
    return low, high


def _casino_values(name: str, values: Any, n_casinos: int) -> tuple[float, ...] | None:
    if values is None:
        return None
    if hasattr(values, "tolist"):  # a numpy array, flat or of the board's shape
        values = values.reshape(-1).tolist()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of {n_casinos} numbers, got {values!r}")
    if len(values) != n_casinos:
        raise ValueError(f"{name} must have one value for each of the {n_casinos} casinos, got {len(values)} values")
    return tuple(check_real(f"{name}[{m}]", value, 0) for m, value in enumerate(values))
