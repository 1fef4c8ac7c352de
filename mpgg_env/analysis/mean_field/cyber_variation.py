"""How far the attackers' best value in cyber security can exceed its interpolation, from bounds of first variations.

Coordinates of the defenders are (D, DI, UI), the shares of the defended and of the infected in D and in U; DS = D - DI
and US = 1 - D - UI. For fixed actions the second derivative of the attackers' return along a line is

    sum_s gamma^{s+1} 2 [ w_D delta DS (b_D delta v + q_DD delta DI + q_DU delta UI) + the same for U ],

w_D and w_U the derivatives of the return by DI and UI: everything but infection is linear. All ranges here hold for any
attack and any point of the grids.
"""

from typing import NamedTuple

import numpy as np

from mpgg_env.analysis.mean_field.cyber_kernels import Rates
from mpgg_env.analysis.mean_field.intervals import Interval, between, exactly
from mpgg_env.core.types import FloatArray


class Box(NamedTuple):
    """Ranges of (D, share of infected in D, share in U, v), (4,) each."""

    low: FloatArray
    high: FloatArray


def curvatures(rates: list[Rates], boxes: list[Box]) -> FloatArray:
    """C for each step and axis, (T, 4): second derivatives of returns along the axes are at least -C."""
    jacobians = _jacobians(rates, boxes)
    worth = [exactly(np.zeros((3, 1)))]
    for step, jacobian in zip(reversed(rates), reversed(jacobians), strict=True):
        own = exactly(np.array([[0.0], [step.gain], [step.gain]]))
        worth.append(own + jacobian[:, :3].transposed.applied(worth[-1]).times(step.discount))
    worth = worth[::-1]
    return np.stack([_curvature(rates[t:], jacobians[t:], worth[t + 1 :], box) for t, box in enumerate(boxes)])


def _curvature(rates: list[Rates], jacobians: list[Interval], worth: list[Interval], box: Box) -> FloatArray:
    (d, i, u, _), (d_high, i_high, u_high, _) = box
    # Changes of (D, DI, UI) along the four axes, (3, 4), and of v, (4,).
    low = np.array([[1.0, 0, 0, 0], [i, d, 0, 0], [-u_high, 0, 1 - d_high, 0]])
    high = np.array([[1.0, 0, 0, 0], [i_high, d_high, 0, 0], [-u, 0, 1 - d, 0]])
    change, turned = between(low, high), exactly([0.0, 0.0, 0.0, 1.0])
    least, factor = np.zeros(4), 1.0
    for step, jacobian, later in zip(rates, jacobians, worth, strict=True):
        factor *= step.discount
        of_d, of_di, of_ui = change[0], change[1], change[2]
        on_d = turned.times(step.attack_d) + of_di.times(step.dd) + of_ui.times(step.du)
        on_u = turned.times(step.attack_u) + of_ui.times(step.uu) + of_di.times(step.ud)
        per_d = (of_d - of_di) * on_d * later[1]
        per_u = (exactly(np.zeros(4)) - of_d - of_ui) * on_u * later[2]
        least += 2 * factor * (per_d + per_u).low
        change = jacobian[:, :3].applied(change) + jacobian[:, 3:] * turned[None]
        # Every next v is reached with switching probabilities that add up to between 1 and 2.
        turned = turned * between(1 - 2 * step.turn, 1 - step.turn)
    return np.asarray(np.maximum(0.0, -least))


def _jacobians(rates: list[Rates], boxes: list[Box]) -> list[Interval]:
    """Derivatives of the next (D, DI, UI) by the present (D, DI, UI, v), (3, 4) per step."""
    infected, found = None, []
    for r, box in zip(rates, boxes, strict=True):
        own = _infected(box)
        infected = own if infected is None else _hull(infected, own)
        found.append(_jacobian(r, box, infected))
        infected = _next_infected(r, infected, box)
    return found


def _jacobian(r: Rates, box: Box, infected: Interval) -> Interval:
    d, active = between(box.low[0], box.high[0]), between(box.low[3], box.high[3])
    susceptible = exactly(1.0) - infected
    zero = np.zeros(())
    in_d = between(zero, np.minimum(d.high, susceptible.high))
    in_u = between(zero, np.minimum(1 - d.low, susceptible.high))
    on_d = active.times(r.attack_d) + infected * between(min(r.dd, r.du), max(r.dd, r.du))
    on_u = active.times(r.attack_u) + infected * between(min(r.uu, r.ud), max(r.uu, r.ud))
    minus_u = exactly(0.0) - on_u
    rows = (
        (1 - r.leave_s - r.enter_s, r.leave_s - r.leave_i, r.enter_i - r.enter_s, 0.0),
        (
            on_d,
            exactly(1 - r.recover_d - r.leave_i) - on_d + in_d.times(r.dd),
            exactly(r.enter_i) + in_d.times(r.du),
            in_d.times(r.attack_d),
        ),
        (
            minus_u,
            exactly(r.leave_i) + in_u.times(r.ud),
            exactly(1 - r.recover_u - r.enter_i) + minus_u + in_u.times(r.uu),
            in_u.times(r.attack_u),
        ),
    )
    entries = [[e if isinstance(e, Interval) else exactly(e) for e in row] for row in rows]
    return between([[float(e.low) for e in row] for row in entries], [[float(e.high) for e in row] for row in entries])


def _infected(box: Box) -> Interval:
    """Shares of infected at the points of a box: linear in each coordinate, hence extreme at corners."""
    corners = [
        d * i + (1 - d) * u
        for d in (box.low[0], box.high[0])
        for i in (box.low[1], box.high[1])
        for u in (box.low[2], box.high[2])
    ]
    return between(min(corners), max(corners))


def _next_infected(r: Rates, infected: Interval, box: Box) -> Interval:
    """Shares of infected after a step from any of these, with any split into D and U."""
    found = []
    least = (min(r.attack_d, r.attack_u), min(r.dd, r.du, r.uu, r.ud), max(r.recover_d, r.recover_u))
    most = (max(r.attack_d, r.attack_u), max(r.dd, r.du, r.uu, r.ud), min(r.recover_d, r.recover_u))
    for share in (infected.low, infected.high):
        for (attack, spread, recover), active in ((least, box.low[3]), (most, box.high[3])):
            found.append(share + (1 - share) * (attack * active + spread * share) - recover * share)
    # Concave in the share: highest at an end plus what it bulges between.
    bulge = most[1] * (infected.high - infected.low) ** 2 / 4
    return between(max(min(found), 0.0), min(max(found) + bulge, 1.0))


def _hull(first: Interval, second: Interval) -> Interval:
    return between(np.minimum(first.low, second.low), np.maximum(first.high, second.high))
