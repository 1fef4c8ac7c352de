"""The array interface: B games at once, as functions of a state, in numpy or, differentiable, in torch."""

import sys
from importlib import import_module
from typing import Any, Final

import numpy as np

from mpgg_env.core.validation import check_integer
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.motion import flow_of
from mpgg_env.games.mean_field.common.rules import MeanFieldRules, Start
from mpgg_env.games.mean_field.common.state import Array, Arrays, MeanFieldState
from mpgg_env.games.mean_field.registry import rules_class

TOLERANCE = 1e-6
CACHED: Final = 2**16  # numbers


class MeanFieldBatch:
    """The dynamics of B independent games. It has no state of its own.

    Args:
        config: Parameters of the game, which also say which game it is.
        xp: The library of the arrays: `numpy`, or `torch`, whose states and rewards can be differentiated by actions.
        dtype: Element type, one of the library's; None for its float64.
        device: Where torch keeps the arrays; None for its default. Not for numpy.

    Attributes:
        rules: What is special to the game.
        n_coalitions: Number m of coalitions.
        block: The most games that are stepped at once; more are stepped one part after the other.
    """

    def __init__(self, config: Episodic, xp: Any = np, *, dtype: Any = None, device: Any = None) -> None:
        self.config, self.xp = config, xp
        self.dtype = xp.float64 if dtype is None else dtype
        self._place = {} if device is None else {"device": device}
        self.rules: MeanFieldRules[Any] = rules_class(config)(config, xp, self.asarray)
        self.n_coalitions = len(self.rules.shapes)
        # Larger flows leave the processor's cache before they are used again, and every step asks the operating system
        # for their memory anew, which can take longer than the step. Torch keeps memory, and wants one graph.
        self.block = max(1, CACHED // max(s * a for s, a in self.shapes)) if xp is np else sys.maxsize

    def __getstate__(self) -> dict[str, Any]:
        # Modules cannot be pickled or copied; the arguments can, and everything else follows from them.
        return {"config": self.config, "xp": self.xp.__name__, "dtype": self.dtype, **self._place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        xp = import_module(state["xp"])
        self.__init__(state["config"], xp, dtype=state["dtype"], device=state.get("device"))  # type: ignore[misc]

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """States S_i and columns A_i of an action of each coalition."""
        return self.rules.shapes

    def asarray(self, values: Any) -> Array:
        """The values as an array of this library, type and device; a tensor of torch keeps its gradients."""
        if self.xp is not np and hasattr(values, "requires_grad"):
            # torch.asarray cuts a tensor's gradients off in some versions and keeps them, with a warning, in others.
            return values.to(dtype=self.dtype, **self._place)
        return self.xp.asarray(values, dtype=self.dtype, **self._place)

    def initial_state(self, distributions: Any, context: Any = None) -> MeanFieldState:
        """The start of B episodes.

        Args:
            distributions: For each coalition (B, S_i): nonnegative, rows sum to 1 within 1e-6 and are then divided by
                their sum.
            context: The context of each episode, (B,), in games that have one.

        Raises:
            ValueError: There are too many or too few distributions, a shape is wrong, an entry is negative or not
                finite, a sum is not 1, mass is where no agent can be, or the context is missing, out of range or not
                wanted.
        """
        if len(distributions) != self.n_coalitions:
            raise ValueError(f"distributions must be {self.n_coalitions}, one per coalition, got {len(distributions)}")
        checked = tuple(
            self.checked_distribution(i, self.asarray(mu), f"distributions[{i}]") for i, mu in enumerate(distributions)
        )
        if len({len(mu) for mu in checked}) != 1:
            raise ValueError(f"distributions must be of as many games each, got {[len(mu) for mu in checked]}")
        return MeanFieldState(0, checked, self._checked_context(context, len(checked[0])))

    def state_of(self, start: Start) -> MeanFieldState:
        """The start of episodes from drawn or listed distributions."""
        return self.initial_state(start.distributions, start.context)

    def drawn_state(self, generator: np.random.Generator, size: int) -> MeanFieldState:
        """The start of `size` episodes from the training law."""
        return self.state_of(self.rules.training_law(generator, check_integer("size", size, 1)))

    def testing_state(self) -> MeanFieldState:
        """The start of one episode per entry of the testing set."""
        return self.state_of(self.rules.testing_set())

    def normalised(self, actions: Arrays) -> Arrays:
        """Points of the action boxes, (B, S_i, A_i), as actions; see `MeanFieldRules.normalised`."""
        return tuple(self.rules.normalised(action) for action in actions)

    def step(self, state: MeanFieldState, actions: Arrays) -> tuple[MeanFieldState, Array]:
        """One step of all games. It knows no end: the horizon is a truncation.

        Args:
            state: Where the games are.
            actions: For each coalition pi_i(a | x), (B, S_i, A_i), as `normalised` returns them.

        Returns:
            The state after the step, and the rewards (B, m), which are those of the state before it.
        """
        size, block = len(state.distributions[0]), self.block
        if size <= block:
            return self._step(state, actions)
        blocks = [slice(k, k + block) for k in range(0, size, block)]
        parts = [self._step(state.part(games), tuple(action[games] for action in actions)) for games in blocks]
        following = tuple(np.concatenate(mu) for mu in zip(*(part.distributions for part, _ in parts), strict=True))
        return MeanFieldState(state.step + 1, following, state.context), np.concatenate([paid for _, paid in parts])

    def _step(self, state: MeanFieldState, actions: Arrays) -> tuple[MeanFieldState, Array]:
        mu = state.distributions
        flows = tuple(flow_of(distribution, action) for distribution, action in zip(mu, actions, strict=True))
        rewards = self.rules.rewards(mu, flows, state.context)
        return MeanFieldState(state.step + 1, self.rules.following(mu, flows), state.context), rewards

    def observations(self, state: MeanFieldState) -> Array:
        """The joint mean-field state: all distributions, then the context one-hot, (B, sum S_i + n_contexts)."""
        parts = list(state.distributions)
        if state.context is not None:
            parts.append(self.one_hot(state.context))
        return self.xp.concatenate(parts, 1)

    def own_observations(self, state: MeanFieldState, coalition: int) -> Array:
        """What a player sees who knows her own coalition alone: mu_i, and the context if it concerns her."""
        own = state.distributions[coalition]
        if state.context is None or not self.rules.own_context[coalition]:
            return own
        return self.xp.concatenate([own, self.one_hot(state.context)], 1)

    def one_hot(self, context: Array) -> Array:
        """Contexts (B,) as rows with a single 1, (B, n_contexts)."""
        return self.asarray(np.eye(self.rules.n_contexts))[context]

    def checked_distribution(self, coalition: int, mu: Array, name: str) -> Array:
        """Distributions (B, S_i) of one coalition, divided by their sums; `name` is what errors call them.

        Raises:
            ValueError: The shape is wrong, an entry is negative or not finite, a sum is not 1 within 1e-6, or mass is
                where no agent can be.
        """
        n_states = self.shapes[coalition][0]
        if mu.ndim != 2 or mu.shape[1] != n_states:
            raise ValueError(f"{name} must be (B, {n_states}), got {tuple(mu.shape)}")
        total = mu.sum(-1)
        if not bool((self.xp.isfinite(mu) & (mu >= 0)).all()) or not bool((abs(total - 1) <= TOLERANCE).all()):
            raise ValueError(f"{name} must be nonnegative with rows that sum to 1, got sums {total[:3]}")
        outside = ~self.rules.support(coalition)
        if outside.any() and bool((mu[:, np.flatnonzero(outside)] != 0).any()):
            raise ValueError(
                f"{name} must be 0 in the states {np.flatnonzero(outside).tolist()}, where no agent can be"
            )
        return mu / total[:, None]

    def _checked_context(self, context: Any, size: int) -> Array | None:
        contexts = self.rules.n_contexts
        if not contexts:
            if context is not None:
                raise ValueError(f"context must be None in this game, got {context!r}")
            return None
        if context is None:
            raise ValueError(f"context must be given, integers in [0, {contexts - 1}], one per game")
        given = self.xp.asarray(context, **self._place)
        values = self.xp.asarray(given, dtype=self.xp.int64, **self._place)
        # 0.9 would otherwise quietly become 0.
        inside = (values == given) & (values >= 0) & (values < contexts)
        if tuple(values.shape) != (size,) or not bool(inside.all()):
            raise ValueError(f"context must be ({size},) integers in [0, {contexts - 1}], got {context!r}")
        return values
