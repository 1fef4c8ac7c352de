"""What a mean-field-type game has to define; everything else is shared."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from mpgg_env.core.simplex import simplex_grid
from mpgg_env.core.types import BoolArray, FloatArray, IntArray
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.motion import following_distribution
from mpgg_env.games.mean_field.common.picture import Picture
from mpgg_env.games.mean_field.common.state import Array, Arrays

C = TypeVar("C", bound=Episodic)


class Start(NamedTuple):
    """Initial distributions of B games, (B, S_i) for each coalition, and their contexts, (B,), or None."""

    distributions: tuple[FloatArray, ...]
    context: IntArray | None = None


class MeanFieldRules(ABC, Generic[C]):
    """The rules of one game for arrays of one library.

    Args:
        config: Parameters of the game.
        xp: The library: `numpy` or `torch`.
        asarray: Makes an array of that library, with its element type and on its device.

    Attributes:
        shapes: States S_i and columns A_i of an action of each coalition.
        n_contexts: Number of contexts; 0 without.
        measures: Names of what `measured` returns.
        own_context: For each coalition whether a player who sees nothing but her own distribution sees the context.
    """

    shapes: tuple[tuple[int, int], ...]
    n_contexts: ClassVar[int] = 0
    measures: ClassVar[tuple[str, ...]] = ()
    own_context: ClassVar[tuple[bool, ...]] = ()

    def __init__(self, config: C, xp: Any = np, asarray: Callable[[Any], Array] = np.asarray) -> None:
        self.config, self.xp, self.asarray = config, xp, asarray

    @abstractmethod
    def kernels(self, distributions: Arrays) -> Arrays:
        """For each coalition p(y | x, a) at these distributions: (S_i D_i, S_i), or (B, S_i D_i, S_i)."""

    @abstractmethod
    def rewards(self, distributions: Arrays, flows: Arrays, context: Array | None) -> Array:
        """Rewards of the coalitions, (B, m), from where their agents are and what they do there.

        Args:
            distributions: mu_i, (B, S_i).
            flows: mu_i(x) pi_i(a | x), (B, S_i, A_i), or what the agents of a finite game really did.
            context: (B,) or None.
        """

    @abstractmethod
    def training_law(self, generator: np.random.Generator, size: int) -> Start:
        """Draws the starts of `size` episodes."""

    @abstractmethod
    def testing_set(self) -> Start:
        """The fixed starts at which policies are judged."""

    @abstractmethod
    def picture(self) -> Picture:
        """How the game is drawn."""

    @abstractmethod
    def agent_next(
        self,
        coalition: int,
        place: IntArray,
        action: IntArray,
        uniform: FloatArray,
        distributions: Sequence[FloatArray],
    ) -> IntArray:
        """Where single agents of a coalition go, for numpy: the rule of the finite game, not by way of the kernels.

        Args:
            coalition: Number of the coalition.
            place: State of each agent, (B, N).
            action: Action of each agent, (B, N).
            uniform: A draw in [0, 1) for each agent, (B, N).
            distributions: Empirical distributions of all coalitions, (B, S_i).
        """

    def following(self, distributions: Arrays, flows: Arrays) -> Arrays:
        """The distributions after a step of agents in these states with these actions, (B, S_i) for each coalition."""
        kernels = self.kernels(distributions)
        return tuple(
            following_distribution(self.movement(flow), kernel) for flow, kernel in zip(flows, kernels, strict=True)
        )

    def movement(self, flow: Array) -> Array:
        """The part (B, S, D) of a flow (B, S, A) that moves the agents: all, unless they choose more than moves."""
        return flow

    def normalised(self, action: Array) -> Array:
        """A point of the box (B, S, A) as an action: rows clipped at 0 and divided by their sum, zeros uniform."""
        return normalised_rows(action, self.xp)

    def action_rows(self, coalition: int, n: int) -> tuple[FloatArray, ...]:
        """For each state the rows of the discretised actions, (R_x, A_i): all points k / n of the simplex."""
        n_states, n_actions = self.shapes[coalition]
        return (simplex_grid(n_actions, n) / n,) * n_states

    def measured(self, distributions: Arrays, actions: Arrays, rewards: Array) -> Arrays:
        """What a step says beside its rewards: (B, m) for each of `measures`."""
        return ()

    def support(self, coalition: int) -> BoolArray:
        """The states in which agents of a coalition can be, (S_i,)."""
        return np.ones(self.shapes[coalition][0], bool)


def normalised_rows(weights: Array, xp: Any) -> Array:
    """Rows of weights clipped at 0 and divided by their sum; rows without a positive weight become uniform."""
    positive = weights.clip(0)
    total = positive.sum(-1)[..., None]
    some = total != 0  # with `> 0` a row with NaN would quietly become uniform
    if xp is np and some.all():
        return positive / total  # the same numbers, in a third of the time where there is a single game
    # The inner `where` keeps 0 / 0 away, which would spoil gradients even where the outer one does not choose it.
    return xp.where(some, positive / xp.where(some, total, xp.ones_like(total)), 1.0 / weights.shape[-1])
