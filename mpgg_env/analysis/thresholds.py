"""Mechanisms in a casino of n agents: the parameter from which cooperation is an equilibrium, in closed form.

Everywhere c is the cost, r the gain and g = c (1 - r / n) the temptation: what a defector gains over a cooperator
without mechanism, positive iff n > r. With the code payoff g = c - r / n. A game takes place: n is at least
`min_players`. `stage_game` gives the same answers by enumeration, and for any combination of mechanisms.
"""

import math
from typing import Final, Literal

import numpy as np

from mpgg_env.analysis.payoffs import tolerance_of
from mpgg_env.core.rounding import ROUNDING
from mpgg_env.core.types import IntArray
from mpgg_env.core.validation import check_choice, check_integer, check_real
from mpgg_env.games.mpgg.config import PAYOFFS
from mpgg_env.games.mpgg.mechanism_config import MECHANISMS

Payoff = Literal["text", "code"]
LARGEST_MEMBERS: Final = 2**31


def temptation(cost: float, gain: float, members: int, *, payoff: Payoff = "text") -> float:
    """What a defector gains over a cooperator without mechanism, g = c (1 - r / n), or c - r / n with the code payoff.

    Args:
        cost: Cost c, at least 0.
        gain: Gain factor r, at least 0.
        members: Members n of the casino, at least 1.
        payoff: text (a cooperator adds r c to the pool) or code (it adds r).

    Raises:
        ValueError: A number is out of range, or the payoff is none of the two.
        TypeError: A value has the wrong type.
    """
    cost, n = check_real("cost", cost, 0), check_integer("members", members, 1, LARGEST_MEMBERS)
    share = pool(cost, gain, payoff=payoff) / n
    # 0.2 and 0.6 / 3 are equal but for rounding, and no mechanism is needed against that.
    return 0.0 if math.isclose(share, cost, rel_tol=ROUNDING) else cost - share


def pool(cost: float, gain: float, *, payoff: Payoff = "text") -> float:
    """What a cooperator adds to the pool: r c, or r with the code payoff. Raises as `temptation` does."""
    check_choice("payoff", payoff, PAYOFFS)
    cost, gain = check_real("cost", cost, 0), check_real("gain", gain, 0)
    return gain * cost if payoff == "text" else gain


def cooperation_threshold(mechanism: str, cost: float, gain: float, members: int, *, payoff: Payoff = "text") -> float:
    """The parameter of a mechanism from which on full cooperation is an equilibrium of a casino with n members.

    | mechanism | parameter | from which on |
    |---|---|---|
    | fine | amount | g |
    | subsidy | amount | g |
    | subsidy_local | amount | g n / (n - 1) |
    | toll | fee or surcharge | never: both actions pay it |
    | pigou | rate | g n / (r c (n - 1)) = (n - r) / (r (n - 1)) |
    | capacity | seats | *up to* floor(r), or floor(r / c) with the code payoff |
    | peer | punishment | g / (n - 1), whatever its cost |

    A cooperator without other members (n = 1) gets nothing from a fine, a local subsidy, a rate or peers.

    Args:
        mechanism: Its name, a key of `MECHANISMS`.
        cost: Cost c, at least 0.
        gain: Gain factor r, at least 0.
        members: Members n of the casino, at least 1.
        payoff: text or code.

    Returns:
        The lowest parameter, 0 if full cooperation is an equilibrium without mechanism, inf if no parameter makes it
        one. For a capacity the highest number of seats: inf if no limit is needed, 0 if even one seat is too many.

    Raises:
        ValueError: A number is out of range, or a name unknown.
        TypeError: A value has the wrong type.
    """
    check_choice("mechanism", mechanism, tuple(MECHANISMS))
    g = temptation(cost, gain, members, payoff=payoff)
    if mechanism == "capacity":
        return math.inf if g <= 0 else float(_most_players(cost, gain, payoff))
    if g <= 0:
        return 0.0
    if mechanism == "subsidy":
        return g
    if mechanism == "toll" or members == 1:
        return math.inf
    if mechanism == "pigou":
        return _ratio(g * members, pool(cost, gain, payoff=payoff) * (members - 1))
    return {"fine": g, "subsidy_local": g * members / (members - 1), "peer": g / (members - 1)}[mechanism]


def defection_threshold(mechanism: str, cost: float, gain: float, members: int, *, payoff: Payoff = "text") -> float:
    """The parameter of a mechanism above which universal defection is no longer an equilibrium among n members.

    A fine needs only g / (n - 1): a lone cooperator collects it from all others. Subsidies and rates need as much as
    for full cooperation. Against peer punishment universal defection always stands, since nobody is there to punish;
    its cost, taken for 0 here, strengthens it.

    Returns:
        The parameter: at it universal defection is still one, above it no longer; 0 if every positive parameter
        removes it, inf if none does. For a capacity the number of seats *below* which it is none, r or r / c, 0 if
        it always is one (c = 0), inf if no limit is needed.

    Raises as `cooperation_threshold` does.
    """
    check_choice("mechanism", mechanism, tuple(MECHANISMS))
    g = temptation(cost, gain, members, payoff=payoff)
    if mechanism == "capacity":
        # At c = 0 without anything to gain even a lone player may defect.
        return math.inf if g < 0 else (pool(cost, gain, payoff=payoff) / cost if cost else 0.0)
    if g < 0:
        return 0.0
    if mechanism == "peer" or (members == 1 and mechanism != "subsidy"):
        return math.inf
    if mechanism == "pigou" and pool(cost, gain, payoff=payoff) == 0:
        return math.inf  # nothing is produced, so that there is nothing to hand over
    if mechanism == "fine":
        return g / (members - 1)
    if g == 0:
        return math.inf if mechanism == "toll" else 0.0
    return cooperation_threshold(mechanism, cost, gain, members, payoff=payoff)


def fine_equilibria(cost: float, gain: float, members: int, amount: float, *, payoff: Payoff = "text") -> IntArray:
    """All numbers of cooperators that are an equilibrium among n members under a fine f.

    With j other cooperators C gains n f / (j + 1) - g over D, or (n - 1) f - g if j = 0. Hence for g > 0: nobody up to
    f = g / (n - 1), everybody from f = g on, and in between floor(n f / g), also one less if n f / g is an integer.

    Returns:
        The numbers in ascending order. Raises as `temptation` does, and ValueError for an `amount` below 0.
    """
    g, f = temptation(cost, gain, members, payoff=payoff), check_real("amount", amount, 0)
    n, tolerance = int(members), tolerance_of(cost, pool(cost, gain, payoff=payoff), f)
    if abs(g) <= tolerance and f <= tolerance:
        return np.arange(n + 1)
    crossing = min(math.floor(n * f / g), n) if g > 0 else n
    candidates = {0, 1, crossing - 1, crossing, crossing + 1, n}

    def advantage(others: int) -> float:
        return (n * f / (others + 1) if others else (n - 1) * f) - g

    def stable(k: int) -> bool:
        return (k == 0 or advantage(k - 1) >= -tolerance) and (k == n or advantage(k) <= tolerance)

    return np.array([k for k in sorted(candidates) if 0 <= k <= n and stable(k)], np.int64)


def tipping_point(
    cost: float,
    gain: float,
    members: int,
    punishment: float,
    punishment_cost: float = 0.0,
    *,
    payoff: Payoff = "text",
) -> float:
    """How many other cooperators make C as good as D under peer punishment: (g + kappa (n - 1)) / (phi + kappa).

    With fewer D is better, with more C. Above n - 1 D is always better, below 0 C.

    Args:
        cost: Cost c, at least 0.
        gain: Gain factor r, at least 0.
        members: Members n of the casino, at least 1.
        punishment: What a defector loses to each cooperator, phi, at least 0.
        punishment_cost: What a cooperator spends on each defector, kappa, at least 0.
        payoff: text or code.

    Returns:
        The number, not rounded; without any punishment inf, -inf or NaN for g > 0, < 0, = 0.

    Raises as `temptation` does.
    """
    g = temptation(cost, gain, members, payoff=payoff)
    phi, kappa = check_real("punishment", punishment, 0), check_real("punishment_cost", punishment_cost, 0)
    if phi + kappa == 0:
        return math.inf * g if g else math.nan
    return (g + kappa * (members - 1)) / (phi + kappa)


def flat_fee(value: float, level: float) -> float:
    """The fee v - u that leaves a cooperator among cooperators with `level` u, the same in every casino.

    Such fees hold every allocation of cooperators that leaves a seat free, n_m <= floor(r_m) - 1, if what the fees
    bring is given back independently of where anybody is, or kept: `Toll(rebate="none")`. Other rebates go to those
    outside, and so reward moving: `payoffs.exploitability` says how much a given allocation leaves to gain.

    Args:
        value: What a cooperator among cooperators earns, v (`payoffs.best_values`).
        level: What it shall keep, u, at most v.

    Raises:
        ValueError: The level is above the value, so that the fee would be negative, or a number is not finite.
        TypeError: A value is no number.
    """
    value = check_real("value", value)
    return value - check_real("level", level, maximum=value)


def toll_jump(cost: float, gain: float, *, payoff: Payoff = "text") -> float:
    """The surcharge above floor(r) members from which a full casino with a flat fee attracts no defector.

    An entrant would defect for r c s / (s + 1), s = floor(r), which exceeds v by g at s + 1 members:
    c (1 - r / (s + 1)). With the code payoff s = floor(r / c). inf if no number of members is too many (c = 0).

    Raises as `temptation` does, and ValueError if floor(r) or floor(r / c) is 2**31 or more.
    """
    if check_real("cost", cost, 0) == 0:
        return math.inf
    return temptation(cost, gain, _most_players(cost, gain, payoff) + 1, payoff=payoff)


def _most_players(cost: float, gain: float, payoff: Payoff) -> int:
    """The largest number of players, for c > 0, among whom cooperating is no loss."""
    ratio = pool(cost, gain, payoff=payoff) / cost
    if not ratio < LARGEST_MEMBERS:
        name = "gain" if payoff == "text" else "gain / cost"
        raise ValueError(f"{name} must be below {LARGEST_MEMBERS}, got {gain!r} with cost {cost!r}")
    most = math.floor(ratio)
    return most + (temptation(cost, gain, most + 1, payoff=payoff) <= 0)  # 0.6 / 0.2 is below 3


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.inf
