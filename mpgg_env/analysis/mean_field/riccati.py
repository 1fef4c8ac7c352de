"""Newton steps of flows through time, one small matrix per time step instead of one large one for all of them.

With d_t(x) = sum_a D_t(x, a), the policy pi = D / d, its transition matrix F_t, and W_t the covariance of the next
state under D_t, a Newton step of all flows y, values V and distributions mu solves

    dy_t = c_t - D_t (U_t - K dV_{t+1}),   U_t = dV_t - G_t dmu_t,   sum_a dy_t = dmu_t,   dmu_{t+1} = dy_t K + e_{t+1}.

Substituting backwards in time, dV_t = P_t dmu_t + p_t with

    P_t = G_t - 1 / d_t + F_t J P_{t+1} F_t',   J = (1 - P_{t+1} W_t)^-1,

the recursion of a linear-quadratic control problem. G + G' <= 0 (concave rewards, or a zero-sum coupling) keeps
1 - P W regular.
"""

import numpy as np

from mpgg_env.analysis.mean_field.flow_problem import FlowProblem
from mpgg_env.core.types import BoolArray, FloatArray


class NewtonSystem:
    """The linear system at one iterate, factorised.

    Args:
        problem: The game.
        live: Where agents can be, (B, T, m, S).
        ratio: D, flows over their reduced costs, (B, T, m, S, A); 0 where nobody can be.
        curvature: G, (B, T, m S, m S); 0 where nobody can be.
    """

    def __init__(self, problem: FlowProblem, live: BoolArray, ratio: FloatArray, curvature: FloatArray) -> None:
        self._problem, self._live, self._ratio, self._curvature = problem, live, ratio, curvature
        total = ratio.sum(-1)
        self._inverse = np.where(live, 1.0 / np.where(live, total, 1.0), 0.0)
        games, steps, coalitions, n_states, _ = problem.shape
        size = coalitions * n_states
        self._moves = np.zeros((games, steps, size, size))  # F
        self._jump = np.zeros((games, steps, size, size))  # J
        self._pull = np.zeros((games, steps, size, size))  # J P
        self._factorise()

    def solve(self, c: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The changes dmu (B, T, m, S), dV (B, T + 1, m, S), dy (B, T, m, S, A), and dV - G dmu - U, which is rounding.

        Args:
            c: (B, T, m, S, A), 0 where nobody can be.
            error: What mu lacks at each time, (B, T, m, S); the first is that of the start.
        """
        problem, (games, steps, coalitions, n_states, _) = self._problem, self._problem.shape
        flat = (games, coalitions * n_states, 1)
        summed, pushed = c.sum(-1), problem.after(c)
        affine = self._affine_values(summed, pushed, error)
        dmu, dvalue = np.zeros(summed.shape), np.zeros((games, steps + 1, coalitions, n_states))
        dflow, slack = np.zeros(c.shape), np.zeros(summed.shape)
        dmu[:, 0] = error[:, 0]
        for t in range(steps):
            if t + 1 < steps:
                moved = np.swapaxes(self._moves[:, t], 1, 2) @ (dmu[:, t] - summed[:, t]).reshape(flat)
                arriving = (pushed[:, t] + error[:, t + 1]).reshape(flat) + moved
                later = self._jump[:, t] @ affine[t + 1] + self._pull[:, t] @ arriving
                dvalue[:, t + 1] = later.reshape(dmu[:, t].shape)
            ahead = (self._moves[:, t] @ dvalue[:, t + 1].reshape(flat)).reshape(dmu[:, t].shape)
            slack[:, t] = self._inverse[:, t] * (summed[:, t] - dmu[:, t]) + ahead
            change = c[:, t] - self._ratio[:, t] * (slack[:, t, ..., None] - problem.ahead(dvalue[:, t + 1]))
            dflow[:, t] = np.where(self._live[:, t, ..., None], change, 0.0)
            if t + 1 < steps:
                # From the flows and not from the recursion, so that flows stay conserved to rounding.
                dmu[:, t + 1] = problem.after(dflow[:, t]) + error[:, t + 1]
        bend = self.bend(dmu)
        dvalue[:, 0] = slack[:, 0] + bend[:, 0]
        return dmu, dvalue, dflow, np.where(self._live, dvalue[:, :-1] - bend - slack, 0.0)

    def bend(self, dmu: FloatArray) -> FloatArray:
        """G dmu, (B, T, m, S)."""
        games, steps = dmu.shape[:2]
        return np.asarray((self._curvature @ dmu.reshape(games, steps, -1, 1)).reshape(dmu.shape))

    def _affine_values(self, summed: FloatArray, pushed: FloatArray, error: FloatArray) -> list[FloatArray]:
        """p_t, (B, m S, 1) each, for the times 0 to T."""
        games, steps, coalitions, n_states, _ = self._problem.shape
        flat = (games, coalitions * n_states, 1)
        values = [np.zeros(flat)]
        for t in reversed(range(steps)):
            moves, own = self._moves[:, t], (self._inverse[:, t] * summed[:, t]).reshape(flat)
            later = np.zeros(flat)
            if t + 1 < steps:
                moved = np.swapaxes(moves, 1, 2) @ summed[:, t].reshape(flat)
                arriving = (pushed[:, t] + error[:, t + 1]).reshape(flat) - moved
                later = self._jump[:, t] @ values[-1] + self._pull[:, t] @ arriving
            values.append(own + moves @ later)
        return values[::-1]

    def _factorise(self) -> None:
        games, steps, coalitions, n_states, n_actions = self._problem.shape
        size, policies = coalitions * n_states, self._ratio * self._inverse[..., None]
        diagonal = np.arange(size)
        quadratic = np.zeros((games, size, size))
        for t in reversed(range(steps)):
            spread = np.zeros((games, size, size))  # W
            for i in range(coalitions):
                block = slice(i * n_states, (i + 1) * n_states)
                follow = np.einsum("bxa,xay->bxy", policies[:, t, i], self._problem.kernel)
                centred = self._problem.kernel - follow[:, :, None, :]
                centred = centred.reshape(games, n_states * n_actions, n_states)
                weighted = self._ratio[:, t, i].reshape(games, -1, 1) * centred
                spread[:, block, block] = np.swapaxes(centred, 1, 2) @ weighted
                self._moves[:, t, block, block] = follow
            moves = self._moves[:, t]
            if t + 1 < steps:
                self._jump[:, t] = np.linalg.inv(np.eye(size) - quadratic @ spread)
                self._pull[:, t] = self._jump[:, t] @ quadratic
            quadratic = self._curvature[:, t] + moves @ self._pull[:, t] @ np.swapaxes(moves, 1, 2)
            quadratic[:, diagonal, diagonal] -= self._inverse[:, t].reshape(games, size)
