"""The compiled backward step of the attackers' dynamic program in cyber security."""

from typing import NamedTuple

from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray


class Rates(NamedTuple):
    """What moves the defenders in one step: the game's rates times dt, and the switching probabilities.

    Attributes:
        recover_d, recover_u: Of infected computers with and without defence.
        attack_d, attack_u: Infection per share of active attackers.
        dd, du, uu, ud: Infection of D by DI, of D by UI, of U by UI, of U by DI.
        leave_i, leave_s: Switches from DI and from DS.
        enter_i, enter_s: Switches from UI and from US.
        gain, cost: Reward per share of infected, and cost per share of active attackers.
        turn: The largest share of attackers that switch.
        discount: Per step.
    """

    recover_d: float
    recover_u: float
    attack_d: float
    attack_u: float
    dd: float
    du: float
    uu: float
    ud: float
    leave_i: float
    leave_s: float
    enter_i: float
    enter_s: float
    gain: float
    cost: float
    turn: float
    discount: float


@compiled
def defenders_next(
    rates: Rates, defended: float, in_d: float, in_u: float, active: float
) -> tuple[float, float, float]:
    """The next share of defended, of infected among the defended, and of infected among the others.

    Args:
        rates: Of this step.
        defended: Share D.
        in_d: Share of the infected in D.
        in_u: Share of the infected in U.
        active: Share v of active attackers.
    """
    di, ui = defended * in_d, (1.0 - defended) * in_u
    ds, us = defended - di, 1.0 - defended - ui
    out_i, out_s, back_i, back_s = rates.leave_i * di, rates.leave_s * ds, rates.enter_i * ui, rates.enter_s * us
    next_d = defended - out_i - out_s + back_i + back_s
    on_d = rates.attack_d * active + rates.dd * di + rates.du * ui
    on_u = rates.attack_u * active + rates.uu * ui + rates.ud * di
    next_di = di - rates.recover_d * di - out_i + back_i + ds * on_d
    next_ui = ui - rates.recover_u * ui + out_i - back_i + us * on_u
    first = next_di / next_d if next_d > 0.0 else 0.0
    second = next_ui / (1.0 - next_d) if next_d < 1.0 else 0.0
    return next_d, min(max(first, 0.0), 1.0), min(max(second, 0.0), 1.0)


@compiled
def image_ranges(rates: Rates, nodes: FloatArray, counts: tuple[int, int, int, int], ranges: FloatArray) -> None:
    """Ranges of where the defenders go from the nodes of a grid, (3, 2); `ranges` is written."""
    for axis in range(3):
        ranges[axis, 0], ranges[axis, 1] = 1.0, 0.0
    for a in range(counts[0]):
        for b in range(counts[1]):
            for c in range(counts[2]):
                for d in range(counts[3]):
                    point = defenders_next(rates, nodes[0, a], nodes[1, b], nodes[2, c], nodes[3, d])
                    for axis in range(3):
                        ranges[axis, 0] = min(ranges[axis, 0], point[axis])
                        ranges[axis, 1] = max(ranges[axis, 1], point[axis])


@compiled
def backward_step(
    rates: Rates,
    nodes: FloatArray,
    counts: tuple[int, int, int, int],
    box: FloatArray,
    later: FloatArray,
    slack: float,
    values: FloatArray,
) -> None:
    """Values at the nodes of one time from a table of values of the next time; `values` is written.

    Args:
        rates: Of this step.
        nodes: Coordinates (D, share in D, share in U, v) of the grid's nodes, (4, most nodes of an axis).
        counts: Nodes along each axis.
        box: First coordinate and spacing of each axis of the next grid, (4, 2); spacing 0 for an axis of one node.
        later: Values at the next grid's nodes, four axes.
        slack: What interpolation in that table can miss.
        values: (counts), modified in place.
    """
    for a in range(counts[0]):
        for b in range(counts[1]):
            for c in range(counts[2]):
                for d in range(counts[3]):
                    defended, in_d, in_u, active = nodes[0, a], nodes[1, b], nodes[2, c], nodes[3, d]
                    point = defenders_next(rates, defended, in_d, in_u, active)
                    infected = defended * in_d + (1.0 - defended) * in_u
                    best = _best_next(rates, point, active, box, later)
                    now = rates.gain * infected - rates.cost * active
                    values[a, b, c, d] = now + rates.discount * (best + slack)


@compiled
def _place(x: float, first: float, spacing: float, count: int) -> tuple[int, float]:
    """The node below x and how far x is on the way to the next, in [0, 1]."""
    if spacing == 0.0:
        return 0, 0.0
    position = (x - first) / spacing
    index = min(max(int(position), 0), count - 2)
    return index, min(max(position - index, 0.0), 1.0)


@compiled
def _best_next(
    rates: Rates, point: tuple[float, float, float], active: float, box: FloatArray, later: FloatArray
) -> float:
    """The largest interpolated value over the attackers' next shares. It is linear between nodes of v."""
    low, high = active * (1.0 - rates.turn), active + (1.0 - active) * rates.turn
    count = later.shape[3]
    i, wi = _place(point[0], box[0, 0], box[0, 1], later.shape[0])
    j, wj = _place(point[1], box[1, 0], box[1, 1], later.shape[1])
    k, wk = _place(point[2], box[2, 0], box[2, 1], later.shape[2])
    first, w_first = _place(low, box[3, 0], box[3, 1], count)
    last, w_last = _place(high, box[3, 0], box[3, 1], count)
    best = _along(later, i, wi, j, wj, k, wk, first, w_first)
    best = max(best, _along(later, i, wi, j, wj, k, wk, last, w_last))
    for node in range(first + 1, last + 1):
        best = max(best, _along(later, i, wi, j, wj, k, wk, node, 0.0))
    return best


@compiled
def _along(
    later: FloatArray, i: int, wi: float, j: int, wj: float, k: int, wk: float, node: int, weight: float
) -> float:
    """The interpolated value at a place between `node` and the next along v."""
    value = _at(later, i, wi, j, wj, k, wk, node)
    if weight > 0.0:
        value += weight * (_at(later, i, wi, j, wj, k, wk, node + 1) - value)
    return value


@compiled
def _at(later: FloatArray, i: int, wi: float, j: int, wj: float, k: int, wk: float, node: int) -> float:
    """The value at a node of v, interpolated along the other three axes."""
    total = 0.0
    for a in range(2):
        weight_a = wi if a else 1.0 - wi
        if weight_a == 0.0:
            continue
        for b in range(2):
            weight_b = weight_a * (wj if b else 1.0 - wj)
            if weight_b == 0.0:
                continue
            for c in range(2):
                weight = weight_b * (wk if c else 1.0 - wk)
                if weight > 0.0:
                    total += weight * later[i + a, j + b, k + c, node]
    return total
