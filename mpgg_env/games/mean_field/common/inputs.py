"""Checks of what comes into an episode from outside: the options of a reset and the actions of the coalitions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer, check_known
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.state import MeanFieldState

REAL = "iuf"  # the kinds of numpy's element types that hold real numbers


class Options(NamedTuple):
    """The known options of a reset, None where not given; see `CoalitionParallelEnv.reset`."""

    mu0: tuple[FloatArray, ...] | None
    test_index: int | None
    home: int | None


def checked_options(options: Mapping[str, Any], batch: MeanFieldBatch) -> Options:
    """The options of a reset that are known; other keys are left out.

    Raises:
        ValueError: An option has the wrong shape, is out of range, or does not go with another or with the game.
        TypeError: An option has the wrong type.
    """
    mu0, test_index, home = (options.get(name) for name in Options._fields)
    if mu0 is not None and test_index is not None:
        raise ValueError("mu0 and test_index exclude each other: both are the initial distributions")
    if test_index is not None:
        tests = len(batch.rules.testing_set().distributions[0])
        test_index = check_integer("test_index", test_index, 0, tests - 1)
    if home is not None:
        if not batch.rules.n_contexts:
            raise ValueError(f"home must not be given in a game without home rooms, got {home!r}")
        home = check_integer("home", home, 0, batch.rules.n_contexts - 1)
    return Options(None if mu0 is None else _distributions(mu0, batch), test_index, home)


def start_of(batch: MeanFieldBatch, drawn: MeanFieldState, given: Options) -> MeanFieldState:
    """The start of one episode: what is drawn, replaced by what is given."""
    context = drawn.context
    if given.test_index is not None:
        test = batch.rules.testing_set()
        one = slice(given.test_index, given.test_index + 1)
        distributions = tuple(mu[one] for mu in test.distributions)
        context = None if test.context is None else test.context[one]
    elif given.mu0 is not None:
        distributions = tuple(mu[None] for mu in given.mu0)
    else:  # already divided by their sums, which a second time would change the last bits
        return drawn if given.home is None else replace(drawn, context=np.array([given.home]))
    return batch.initial_state(distributions, context if given.home is None else np.array([given.home]))


def matrices_of(actions: Mapping[str, Any], shapes: Mapping[str, tuple[int, int]]) -> list[FloatArray]:
    """The actions as points of the boxes, (1, S_i, A_i) each, in the order of the agents.

    Args:
        actions: For each agent an array (S_i, A_i) of any real type with entries in [0, 1].
        shapes: The shape of each agent's action.

    Raises:
        ValueError: An action is missing, has another shape, or an entry is not finite or out of the box.
        TypeError: An action is not of real numbers.
    """
    try:
        found = [_matrix(agent, actions[agent], shape) for agent, shape in shapes.items()]
    except KeyError as error:
        raise ValueError(f"the action of {error.args[0]!r} is missing") from None
    if len(actions) != len(found):
        check_known(actions, list(shapes), "agent")
    entries = np.concatenate([matrix.ravel() for matrix in found])
    if not (entries.min() >= 0 and entries.max() <= 1):  # NaN compares as False
        _refuse_outside(dict(zip(shapes, found, strict=True)))
    return found


def _matrix(agent: str, action: Any, shape: tuple[int, int]) -> FloatArray:
    array = np.asarray(action)
    if array.dtype.kind not in REAL:
        raise TypeError(f"the action of {agent} must be of real numbers, got an array of {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"the action of {agent} must have shape {shape}, got {array.shape}")
    return array.astype(np.float64)[None]


def _refuse_outside(found: Mapping[str, FloatArray]) -> None:
    for agent, matrix in found.items():
        wrong = np.argwhere(~((matrix[0] >= 0) & (matrix[0] <= 1)))
        if len(wrong):
            state, column = wrong[0].tolist()
            got = matrix[0, state, column]
            raise ValueError(f"the action of {agent} must be in [0, 1], got {got} in row {state}, column {column}")


def _distributions(values: Any, batch: MeanFieldBatch) -> tuple[FloatArray, ...]:
    if isinstance(values, Mapping | str) or not isinstance(values, Sequence | np.ndarray):
        raise TypeError(f"mu0 must be a sequence with a distribution for each coalition, got {values!r}")
    if len(values) != batch.n_coalitions:
        raise ValueError(f"mu0 must have {batch.n_coalitions} distributions, one per coalition, got {len(values)}")
    found = []
    for k, (value, (states, _)) in enumerate(zip(values, batch.shapes, strict=True)):
        array = np.asarray(value)
        if array.dtype.kind not in REAL:
            raise TypeError(f"mu0[{k}] must be of real numbers, got an array of {array.dtype}")
        if array.shape != (states,):
            raise ValueError(f"mu0[{k}] must have shape ({states},), got {array.shape}")
        found.append(batch.checked_distribution(k, array.astype(np.float64)[None], f"mu0[{k}]")[0])
    return tuple(found)
