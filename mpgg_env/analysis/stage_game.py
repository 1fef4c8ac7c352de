"""The stage game: one casino whose n members stay and choose between D and C, mechanism included.

[MPGG2025] section 2.1. Members are alike and have two actions, so everything follows from n numbers: what C gains over
D when j of the others cooperate. Without a mechanism that is c (r / n - 1) for every j.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from mpgg_env.analysis.payoffs import (
    Game,
    best_values,
    game_of,
    magnitudes,
    role_payoff,
    tolerance_of,
    without_transfers,
)
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray, IntArray
from mpgg_env.core.validation import check_choice, check_integer, check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT

Dominance = Literal["C", "weakly C", "indifferent", "weakly D", "D", "none"]
MOST_MEMBERS: Final = 10**7
# 2**16 profiles of 16 payoffs; every further player doubles and more.
MOST_PLAYERS_NORMAL_FORM: Final = 16
METHODS: Final = ("pure", "vertices", "lemke_howson")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageGame:
    """The game among the n members of one casino.

    Tolls are in the payoffs, their rebates are not: neither depends on anybody's action.

    Attributes:
        casino: Casino m.
        members: Its members n.
        payoffs: Payoff of a defector and of a cooperator with k cooperators, (n + 1, 2); NaN for a role nobody has.
        gross: Sum of the members' payoffs before all transfers with k cooperators, (n + 1,).
        value: What a cooperator among cooperators earns without mechanism, v.
        tolerance: Largest gain that counts as none, since rounding makes as much.
    """

    casino: int
    members: int
    payoffs: FloatArray
    gross: FloatArray
    value: float
    tolerance: float

    @property
    def advantage(self) -> FloatArray:
        """What C gains over D when j of the n - 1 others cooperate, (n,)."""
        return self.payoffs[1:, COOPERATE] - self.payoffs[:-1, DEFECT]

    @property
    def potential(self) -> FloatArray:
        """Exact potential of k cooperators, (n + 1,), 0 at k = 0: c (r / n - 1) k without a mechanism.

        A symmetric game with two actions always has one, so it exists with a mechanism too.
        """
        return np.concatenate([[0.0], np.cumsum(self.advantage)])

    @property
    def welfare(self) -> FloatArray:
        """Sum of the members' payoffs with k cooperators, (n + 1,)."""
        k = np.arange(self.members + 1)
        defectors = np.where(k < self.members, (self.members - k) * self.payoffs[:, DEFECT], 0.0)
        return defectors + np.where(k > 0, k * self.payoffs[:, COOPERATE], 0.0)

    @property
    def efficiency(self) -> FloatArray:
        """Gross welfare with k cooperators relative to n v, (n + 1,): k / n without a capacity; NaN if v <= 0.

        The price of anarchy is infinite wherever nobody cooperates; efficiency stays finite.
        """
        if self.value <= 0:
            return np.full(self.members + 1, np.nan)
        return self.gross / (self.members * self.value)

    @property
    def exploitability(self) -> FloatArray:
        """Largest gain of one member from its other action with k cooperators, (n + 1,), at least 0."""
        gains = np.zeros(self.members + 1)
        gains[1:] = np.maximum(gains[1:], -self.advantage)
        gains[:-1] = np.maximum(gains[:-1], self.advantage)
        return gains

    @property
    def dominance(self) -> Dominance:
        """Which action dominates the other, up to `tolerance`: strictly, weakly, or neither (none)."""
        better, worse = self.advantage > self.tolerance, self.advantage < -self.tolerance
        if better.all() or worse.all():
            return "C" if better.all() else "D"
        if better.any() and worse.any():
            return "none"
        if better.any() or worse.any():
            return "weakly C" if better.any() else "weakly D"
        return "indifferent"

    def equilibria(self, tolerance: float | None = None) -> IntArray:
        """All numbers of cooperators k at which no member gains more than `tolerance` from its other action.

        None is the game's own tolerance.
        """
        allowed = self.tolerance if tolerance is None else check_real("tolerance", tolerance, 0)
        return np.flatnonzero(self.exploitability <= allowed)


def stage_game(config: MPGGConfig, casino: int, members: int) -> StageGame:
    """The game among `members` members of a casino, of which there may be more than agents in the game.

    Raises:
        ValueError: A number is out of range.
        TypeError: A number is no integer.
    """
    m = check_integer("casino", casino, 0, config.n_casinos - 1)
    n = check_integer("members", members, 1, MOST_MEMBERS)
    game = game_of(config)
    payoffs, plain = np.empty((n + 1, 2)), np.empty((n + 1, 2))
    _fill_payoffs(m, game, payoffs)
    _fill_payoffs(m, without_transfers(game), plain)
    k = np.arange(n + 1)
    gross = (np.stack([n - k, k], axis=-1) * np.nan_to_num(plain)).sum(axis=-1)
    return StageGame(
        casino=m,
        members=n,
        payoffs=payoffs,
        gross=gross,
        value=float(best_values(config)[m]),
        tolerance=tolerance_of(magnitudes(game.rules)[m]),
    )


def normal_form(config: MPGGConfig, casino: int, members: int) -> FloatArray:
    """The stage game with a payoff for each profile of actions, as `quantecon.game_theory.NormalFormGame` takes it.

    Returns:
        (2, ..., 2, n): element [a_1, ..., a_n, i] is the payoff of member i, action 0 = D, 1 = C.

    Raises:
        ValueError: A number is out of range, or there are more than 16 members.
    """
    n = check_integer("members", members, 1, MOST_PLAYERS_NORMAL_FORM)
    payoffs = stage_game(config, casino, n).payoffs
    actions = np.moveaxis(np.indices((2,) * n), 0, -1)
    return np.asarray(payoffs[actions.sum(axis=-1)[..., None], actions])


def quantecon_equilibria(
    config: MPGGConfig, casino: int, members: int, method: Literal["pure", "vertices", "lemke_howson"] = "pure"
) -> list[FloatArray]:
    """Equilibria of the stage game by QuantEcon.py's solvers, as a check of `StageGame.equilibria` for few members.

    Args:
        config: Rules of the game.
        casino: Casino m.
        members: Its members n, 2 to 16.
        method: pure (enumeration of the profiles), or for two members vertices (all extreme equilibria of a
            non-degenerate game) or lemke_howson (one of them).

    Returns:
        Each equilibrium as the probability of C of each member, (n,).

    Raises:
        ValueError: A number is out of range, or the method needs two members.
        ImportError: QuantEcon.py is not installed; it comes with the extra `equilibria`.
    """
    check_choice("method", method, METHODS)
    if method != "pure":
        check_integer(f"members (with method={method!r})", members, 2, 2)
    check_integer("members", members, 2, MOST_PLAYERS_NORMAL_FORM)
    theory = quantecon_theory()
    game = theory.NormalFormGame(normal_form(config, casino, members))
    if method == "pure":
        return [np.array(profile, np.float64) for profile in theory.pure_nash_brute(game)]
    solve = theory.vertex_enumeration if method == "vertices" else lambda form: [theory.lemke_howson(form)]
    return [np.array([mixture[COOPERATE] for mixture in profile]) for profile in solve(game)]


def quantecon_theory() -> Any:
    """The module `quantecon.game_theory`.

    Raises:
        ImportError: QuantEcon.py is not installed.
    """
    try:
        from quantecon import game_theory
    except ImportError as error:
        raise ImportError('this needs QuantEcon.py: pip install "mpgg-env[equilibria]"') from error
    return game_theory


@compiled
def _fill_payoffs(m: int, game: Game, payoffs: FloatArray) -> None:
    n = len(payoffs) - 1
    for k in range(n + 1):
        payoffs[k, DEFECT] = role_payoff(DEFECT, m, n, k, game)
        payoffs[k, COOPERATE] = role_payoff(COOPERATE, m, n, k, game)
