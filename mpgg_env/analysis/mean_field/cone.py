"""Second-order cones in an interior-point method, with the scaling of Nesterov and Todd ([Nesterov1997]).

A point (x_0, x_1) is in the cone when |x_1| <= x_0. Products are Jordan's: x o y = (<x, y>, x_0 y_1 + y_0 x_1).
"""

import numpy as np

from mpgg_env.core.types import FloatArray


class Cone:
    """Complementary points of cones: `primal` moves with what it measures, the first entry of `dual` stays.

    Args:
        primal: (..., 1 + S), inside the cone.
        dual: (..., 1 + S), inside the cone.
    """

    def __init__(self, primal: FloatArray, dual: FloatArray) -> None:
        self.primal, self.dual = primal, dual
        self._primal_change, self._dual_change = np.zeros_like(primal), np.zeros_like(dual)

    def gap(self) -> FloatArray:
        """<primal, dual>, (...)."""
        return np.asarray((self.primal * self.dual).sum(-1))

    def scale(self, offsets: FloatArray) -> FloatArray:
        """Scales at the present points, whose primal parts x_1 become `offsets`, which rounding lets drift apart.

        Returns:
            The derivative of the dual part z_1 by x_1 along a Newton step, (..., S, S).
        """
        self.primal[..., 1:] = offsets
        length = np.sqrt((offsets**2).sum(-1))
        self.primal[..., 0] = np.maximum(self.primal[..., 0], length * (1 + 1e-14) + 1e-13)
        sizes = [_determinant(point) for point in (self.primal, self.dual)]
        x, z = (point / np.sqrt(size)[..., None] for point, size in zip((self.primal, self.dual), sizes, strict=True))
        half = np.sqrt((1 + (x * z).sum(-1)) / 2)[..., None]
        self._axis = (x[..., 1:] - z[..., 1:]) / (2 * half)
        self._head = np.sqrt(1 + (self._axis**2).sum(-1))
        self._size = (sizes[0] / sizes[1]) ** 0.25
        self._scaled = self._size[..., None] * self._apply(self.dual, 1.0)
        self._corner = 2 * self._head**2 - 1
        outer = self._axis[..., :, None] * self._axis[..., None, :] * (2 / self._corner)[..., None, None]
        return np.asarray((outer - np.eye(offsets.shape[-1])) / (self._size**2)[..., None, None])

    def aim(self, target: FloatArray, second_order: bool) -> FloatArray:
        """Sets what a Newton step heads for: primal o dual = (target, 0), scaled.

        Args:
            target: At least 0, broadcast to (...).
            second_order: Whether the product of the changes along the last step is taken off ([Mehrotra1992]).

        Returns:
            The change of z_1 where x_1 stays, (..., S).
        """
        wanted = -_product(self._scaled, self._scaled)
        if second_order:
            change = self._apply(self._primal_change, -1.0) / self._size[..., None]
            wanted -= _product(change, self._apply(self._dual_change, 1.0) * self._size[..., None])
        wanted[..., 0] += target
        self._wanted = self._apply(_quotient(self._scaled, wanted), -1.0) / self._size[..., None]
        tilt = 2 * (self._head / self._corner)[..., None] * self._axis
        return np.asarray(self._wanted[..., 1:] + tilt * self._wanted[..., :1])

    def follow(self, change: FloatArray) -> None:
        """Completes the step from the change of x_1, (..., S)."""
        square, along = self._size**2, (self._axis * change).sum(-1)
        head = (square * self._wanted[..., 0] + 2 * self._head * along) / self._corner
        self._primal_change = np.concatenate([head[..., None], change], -1)
        mirror = np.concatenate([self._head[..., None], -self._axis], -1)
        reflected = self._primal_change * np.append(1.0, -np.ones(change.shape[-1]))
        inverse = 2 * mirror * (mirror * self._primal_change).sum(-1, keepdims=True) - reflected
        self._dual_change = self._wanted - inverse / square[..., None]
        self._dual_change[..., 0] = 0.0

    def longest_step(self) -> FloatArray:
        """The share of the step at which a point leaves its cone, (...)."""
        return np.minimum(_exit(self.primal, self._primal_change), _exit(self.dual, self._dual_change))

    def move(self, share: FloatArray) -> None:
        """Makes a share of the step, broadcast to (..., 1)."""
        self.primal = self.primal + share * self._primal_change
        self.dual = self.dual + share * self._dual_change

    def _apply(self, point: FloatArray, sign: float) -> FloatArray:
        """The scaling matrix without its size, or with sign -1 its inverse, times a point."""
        along = (self._axis * point[..., 1:]).sum(-1)
        first = self._head * point[..., 0] + sign * along
        rest = point[..., 1:] + self._axis * (sign * point[..., 0] + along / (1 + self._head))[..., None]
        return np.concatenate([first[..., None], rest], -1)


def _determinant(point: FloatArray) -> FloatArray:
    length = np.sqrt((point[..., 1:] ** 2).sum(-1))
    # Not the difference of the squares, which would cancel near the boundary.
    return np.asarray((point[..., 0] - length) * (point[..., 0] + length))


def _product(x: FloatArray, y: FloatArray) -> FloatArray:
    first = (x * y).sum(-1, keepdims=True)
    return np.concatenate([first, x[..., :1] * y[..., 1:] + y[..., :1] * x[..., 1:]], -1)


def _quotient(x: FloatArray, y: FloatArray) -> FloatArray:
    """The z with x o z = y."""
    inner = (x[..., 1:] * y[..., 1:]).sum(-1)
    first = (x[..., 0] * y[..., 0] - inner) / _determinant(x)
    rest = (y[..., 1:] - first[..., None] * x[..., 1:]) / x[..., :1]
    return np.concatenate([first[..., None], rest], -1)


def _exit(point: FloatArray, change: FloatArray) -> FloatArray:
    """The smallest a > 0 with point + a change on the boundary of the cone; inf if there is none."""
    square = change[..., 0] ** 2 - (change[..., 1:] ** 2).sum(-1)
    half = point[..., 0] * change[..., 0] - (point[..., 1:] * change[..., 1:]).sum(-1)
    size = _determinant(point)
    rest = half**2 - square * size
    below = np.sqrt(np.maximum(rest, 0.0)) - half
    leaves = (rest >= 0) & (below > 0)
    return np.where(leaves, size / np.where(leaves, below, 1.0), np.inf)
