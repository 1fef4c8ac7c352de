"""The market's equilibrium by brute force, in rational numbers: slow, plain, written from the rules alone.

One step is played as a person would write it down, with cash. Values are quadratic forms, and what a step returns is a
quadratic polynomial of states and rates, whose coefficients are found by playing it at unit vectors and their sums. The
noise takes the values +1 and -1, which has the moments that a quadratic value can see. Numbers are rounded to 2^-300
between steps, so that they stay short.
"""

import math
from fractions import Fraction

from mpgg_env.games.market.config import MarketConfig

Vector = list[Fraction]
Matrix = list[Vector]
LEVEL = Fraction(10)  # of the price; it must not matter


def _step(
    config: MarketConfig, step: int, state: Vector, rates: Vector, noise: int, costs: list[tuple[Fraction, ...]]
) -> tuple[Vector, Vector]:
    """The next state (z, Y, q_1, ...) and the rewards."""
    dt, price, impact, total = Fraction(config.dt), LEVEL + state[0], state[1], sum(rates, Fraction(0))
    scale = Fraction(5, config.n_agents) if config.impact_scaling == "mean_field" else Fraction(1)
    push = total if config.impact == "linear" else Fraction(0)
    decay = Fraction(math.exp(-config.transient_decay * config.dt))
    next_impact = decay * impact + scale * Fraction(config.transient_impact) * push * dt
    next_price = (
        price
        + Fraction(config.mean_reversion) * (LEVEL - price) * dt
        + Fraction(config.volatility * math.sqrt(config.dt)) * noise
        + (next_impact - impact)
        + scale * Fraction(config.permanent_impact) * total * dt
    )
    inventories, rewards = [], []
    for before, rate, (transaction, terminal, running) in zip(state[2:], rates, costs, strict=True):
        after = before + rate * dt
        reward = -rate * (price + transaction * rate) * dt + after * next_price - before * price
        reward -= running * dt * after**2
        if step == config.n_steps - 1:
            reward -= terminal * after**2
        inventories.append(after)
        rewards.append(reward)
    return [next_price - LEVEL, next_impact, *inventories], rewards


def _form(matrix: Matrix, x: Vector) -> Fraction:
    return sum((x[a] * matrix[a][b] * x[b] for a in range(len(x)) for b in range(len(x)) if x[a] and x[b]), Fraction(0))


def _returns(config: MarketConfig, step: int, joint: Vector, values: list[tuple[Matrix, Fraction]]) -> Vector:
    """Expected reward and value afterwards of every trader, at a state and rates."""
    costs = [tuple(map(Fraction, row)) for row in config.preferences]
    found = [Fraction(0)] * config.n_agents
    for noise in (1, -1):
        state, rewards = _step(config, step, joint[: config.n_agents + 2], joint[config.n_agents + 2 :], noise, costs)
        for i, (form, constant) in enumerate(values):
            found[i] += (rewards[i] + _form(form, state) + constant) / 2
    return found


def _coefficients(
    config: MarketConfig, step: int, values: list[tuple[Matrix, Fraction]]
) -> tuple[list[Matrix], Vector]:
    """Of every trader's return: the second derivatives by states and rates, and the constant."""
    size = 2 * config.n_agents + 2

    def at(*units: int) -> Vector:
        return _returns(config, step, [Fraction(units.count(a)) for a in range(size)], values)

    origin, single = at(), [at(a) for a in range(size)]
    hessians = [[[Fraction(0)] * size for _ in range(size)] for _ in range(config.n_agents)]
    for a in range(size):
        for b in range(a + 1):
            both = at(a, b)
            for i in range(config.n_agents):
                second = both[i] - single[a][i] - single[b][i] + origin[i]
                hessians[i][a][b] = hessians[i][b][a] = second
    return hessians, origin


def _solved(matrix: Matrix, right: Matrix) -> Matrix:
    """X with matrix X = right, by elimination."""
    rows = [[*left, *values] for left, values in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next(r for r in range(k, len(rows)) if rows[r][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for r in range(len(rows)):
            if r != k and rows[r][k] != 0:
                rows[r] = [x - rows[r][k] * y for x, y in zip(rows[r], rows[k], strict=True)]
    return [row[len(matrix) :] for row in rows]


def _dot(x: Vector, y: Vector) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True) if a and b), Fraction(0))


def _substituted(hessian: Matrix, columns: Matrix) -> Matrix:
    """Half the second derivatives along the columns: the form of what is left when the rates follow rules."""
    images = [[_dot(row, column) for row in hessian] for column in columns]
    return [[_short(_dot(column, image) / 2) for image in images] for column in columns]


def _short(value: Fraction) -> Fraction:
    return Fraction(round(value * 2**300), 2**300)


def equilibrium(config: MarketConfig) -> tuple[list[list[list[float]]], list[float]]:
    """Rows (M, N, N + 2) of the rules on (z, Y, q_1, ..., q_N), and the expected return of every trader, (N,)."""
    n, d = config.n_agents, config.n_agents + 2
    values = [([[Fraction(0)] * d for _ in range(d)], Fraction(0)) for _ in range(n)]
    rules: list[list[list[float]]] = []
    for step in reversed(range(config.n_steps)):
        hessians, constants = _coefficients(config, step, values)
        gradients = [hessians[i][d + i] for i in range(n)]
        gains = _solved([row[d:] for row in gradients], [[-x for x in row[:d]] for row in gradients])
        gains = [[_short(x) for x in row] for row in gains]
        columns = [[Fraction(a == b) for a in range(d)] + [gains[j][b] for j in range(n)] for b in range(d)]
        values = []
        for i in range(n):
            values.append((_substituted(hessians[i], columns), _short(constants[i])))
        rules.insert(0, [[float(x) for x in row] for row in gains])
    spread = [config.initial_price_variance, config.initial_impact_variance, *[config.init_inv_var] * n]
    returns = [
        constant + _dot([Fraction(x) for x in spread], [form[a][a] for a in range(d)]) for form, constant in values
    ]
    return rules, [float(x) for x in returns]


def response(config: MarketConfig, gains: list[list[float]]) -> list[list[float]]:
    """The best rule (M, 4) on (z, Y, own q, mean m of the others' q) when each other follows `gains` on its own four.

    All others together are played as one trader of the total rate (N - 1) w; traders have the first one's costs.
    """
    n, costs = config.n_agents, [tuple(map(Fraction, config.preferences[0]))] * 2
    form, rules = [[Fraction(0)] * 4 for _ in range(4)], []
    for step in reversed(range(config.n_steps)):
        g = [Fraction(value) for value in gains[step]]

        def at(*units: int, g: Vector = g, form: Matrix = form, step: int = step) -> Fraction:
            z, y, q, m, rate = (Fraction(units.count(a)) for a in range(5))
            # On average over the others, the mean that one of them sees is (q + (N - 2) m) / (N - 1).
            w = g[0] * z + g[1] * y + g[2] * m + g[3] * (q + (n - 2) * m) / (n - 1)
            state, rewards = _step(config, step, [z, y, q, Fraction(0)], [rate, (n - 1) * w], 0, costs)
            return rewards[0] + _form(form, [*state[:3], m + w * Fraction(config.dt)])

        single = [at(a) for a in range(5)]
        hessian = [[at(a, b) - single[a] - single[b] for b in range(5)] for a in range(5)]
        rule = [_short(-hessian[4][a] / hessian[4][4]) for a in range(4)]
        form = _substituted(hessian, [[*(Fraction(a == b) for a in range(4)), rule[b]] for b in range(4)])
        rules.insert(0, [float(x) for x in rule])
    return rules
