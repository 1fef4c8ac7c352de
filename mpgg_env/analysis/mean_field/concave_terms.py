"""Concave rewards of a coalition's own distribution, lines above them, and what an interior-point method keeps.

A line above phi, phi(mu) <= <slope, mu> + constant for every distribution mu, turns a concave best response into one
backward induction: its value is an upper bound whatever the slope, and the best one if the line touches phi at the best
distribution.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from mpgg_env.analysis.mean_field.cone import Cone
from mpgg_env.core.types import BoolArray, FloatArray


class TermState(ABC):
    """What an interior-point method keeps of a term for distributions (B, T, S), weighted by gamma^t."""

    pairs: int  # complementary pairs per game

    @abstractmethod
    def gap(self) -> FloatArray:
        """What its complementary pairs add to the gap, (B,)."""

    @abstractmethod
    def gradient(self, mu: FloatArray) -> FloatArray:
        """Its present supergradient, (B, T, S)."""

    @abstractmethod
    def curvature(self, mu: FloatArray) -> FloatArray:
        """The derivative of the supergradient along a Newton step, (B, T, S, S): symmetric, at most 0."""

    @abstractmethod
    def offset(self, target: FloatArray, second_order: bool) -> FloatArray | float:
        """What a Newton step towards complementarity `target` (B,) adds to the supergradient where mu stays."""

    @abstractmethod
    def follow(self, change: FloatArray) -> None:
        """Takes the change of mu along a Newton step, (B, T, S)."""

    @abstractmethod
    def longest_step(self) -> FloatArray | float:
        """The share of the last step that can be made, (B,)."""

    @abstractmethod
    def move(self, share: FloatArray) -> None:
        """Makes a share (B,) of the last step."""

    @abstractmethod
    def line(self, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The line above the term, not weighted, that belongs to this state: (B, T, S) and (B, T)."""


class ConcaveTerm(ABC):
    """A concave function phi of distributions."""

    @abstractmethod
    def value(self, mu: FloatArray) -> FloatArray:
        """phi of (..., S)."""

    @abstractmethod
    def begin(self, mu: FloatArray, weights: FloatArray, live: BoolArray) -> TermState:
        """The state at distributions (B, T, S), which are positive where `live` is, and 0 elsewhere."""


@dataclass(frozen=True, slots=True)
class EntropyTerm(ConcaveTerm):
    """c H(mu) = -c sum mu log mu.

    Its lines are -c sum mu log p + c (sum p - 1), p > 0: Gibbs' inequality.

    Attributes:
        scale: c >= 0.
    """

    scale: float

    def value(self, mu: FloatArray) -> FloatArray:
        """The entropy, times c."""
        return np.asarray(-self.scale * (mu * np.log(np.where(mu > 0, mu, 1.0))).sum(-1))

    def begin(self, mu: FloatArray, weights: FloatArray, live: BoolArray) -> "EntropyState":
        """Nothing is kept: the gradient is a function of mu."""
        return EntropyState(self.scale, weights, live)


class EntropyState(TermState):
    """The entropy is smooth where mu is positive: Newton steps take its own derivatives."""

    pairs = 0

    def __init__(self, scale: float, weights: FloatArray, live: BoolArray) -> None:
        self._scale, self._live = scale * weights[:, None], live
        self._unweighted = scale

    def gap(self) -> FloatArray:
        """None."""
        return np.zeros(len(self._live))

    def gradient(self, mu: FloatArray) -> FloatArray:
        """-c (log mu + 1)."""
        return np.where(self._live, -self._scale * (np.log(np.where(self._live, mu, 1.0)) + 1.0), 0.0)

    def curvature(self, mu: FloatArray) -> FloatArray:
        """-c / mu on the diagonal."""
        second = np.where(self._live, -self._scale / np.where(self._live, mu, 1.0), 0.0)
        return np.asarray(second[..., None] * np.eye(mu.shape[-1]))

    def offset(self, target: FloatArray, second_order: bool) -> float:
        """None."""
        return 0.0

    def follow(self, change: FloatArray) -> None:
        """Nothing to do."""

    def longest_step(self) -> float:
        """Only the flows limit the step."""
        return np.inf

    def move(self, share: FloatArray) -> None:
        """Nothing to do."""

    def line(self, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gibbs' inequality at mu. Nobody gets to where `live` is not, so that any slope will do there."""
        slope = np.where(self._live, -self._unweighted * np.log(np.where(self._live, mu, 1.0)), 0.0)
        return slope, self._unweighted * (np.where(self._live, mu, 0.0).sum(-1) - 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class DistanceTerm(ConcaveTerm):
    """-c ||mu - target||_2.

    Its lines are -c <u, mu - target> with ||u||_2 <= 1. Those at mu = target, where the norm has no derivative, are not
    found by differentiating; hence the interior-point method keeps u, as part of a second-order cone.

    Attributes:
        scale: c > 0.
        target: (S,).
    """

    scale: float
    target: FloatArray

    def value(self, mu: FloatArray) -> FloatArray:
        """The distance, times -c."""
        return np.asarray(-self.scale * np.sqrt(((mu - self.target) ** 2).sum(-1)))

    def begin(self, mu: FloatArray, weights: FloatArray, live: BoolArray) -> "DistanceState":
        """u = 0."""
        return DistanceState(self, mu, weights)


class DistanceState(TermState):
    """The pair (q, mu - target), (c, -c u) of a second-order cone at each time, weighted."""

    def __init__(self, term: DistanceTerm, mu: FloatArray, weights: FloatArray) -> None:
        self._term, self.pairs = term, mu.shape[1]
        offsets = mu - term.target
        length = np.sqrt((offsets**2).sum(-1, keepdims=True))
        primal = np.concatenate([length + 0.3, offsets], -1)
        dual = np.zeros_like(primal)
        dual[..., 0] = term.scale * weights
        self._cone = Cone(primal, dual)

    def gap(self) -> FloatArray:
        """q c - c <u, mu - target>, summed."""
        return np.asarray(self._cone.gap().sum(-1))

    def gradient(self, mu: FloatArray) -> FloatArray:
        """-c u."""
        return self._cone.dual[..., 1:]

    def curvature(self, mu: FloatArray) -> FloatArray:
        """That of the cone's scaled Newton step."""
        return self._cone.scale(mu - self._term.target)

    def offset(self, target: FloatArray, second_order: bool) -> FloatArray:
        """That of the cone's scaled Newton step."""
        return self._cone.aim(target[:, None], second_order)

    def follow(self, change: FloatArray) -> None:
        """q and u follow."""
        self._cone.follow(change)

    def longest_step(self) -> FloatArray:
        """Until a pair reaches the boundary of its cone."""
        return np.asarray(self._cone.longest_step().min(-1))

    def move(self, share: FloatArray) -> None:
        """q and u move."""
        self._cone.move(share[:, None, None])

    def line(self, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """-c <u, mu - target>, u at most 1 long: rounding could make it longer, and the line no bound."""
        dual = self._cone.dual
        direction = dual[..., 1:] / dual[..., :1]
        length = np.sqrt((direction**2).sum(-1, keepdims=True))
        slope = self._term.scale * direction / np.maximum(length, 1.0)
        return slope, -(slope * self._term.target).sum(-1)
