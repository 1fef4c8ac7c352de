"""Profiles of tabular learners from stored arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mpgg_agents.mean_field.tabular.config import TabularConfig
from mpgg_env.analysis.mean_field.tabular_profile import TabularPolicy, TabularProfile
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame


def tabular_profile_of(
    config: Episodic, agent: TabularConfig, arrays: Mapping[str, np.ndarray[Any, Any]]
) -> TabularProfile:
    """The profile of stored arrays.

    Args:
        config: Parameters of the game.
        agent: Hyper-parameters of the training.
        arrays: `coalition_<i>.strategy`, as a replica's `learned` gives them.

    Raises:
        ValueError: They are not strategies on these grids.
    """
    game = DiscretisedGame(config, agent.n_states_grid, agent.n_actions_grid)
    names = [f"coalition_{i}.strategy" for i in range(game.n_coalitions)]
    if set(arrays) != set(names):
        raise ValueError(f"the arrays must be {', '.join(names)}, got {', '.join(sorted(arrays))}")
    return TabularProfile(game, tuple(np.asarray(arrays[name], np.float64) for name in names))


def profile_of(
    config: Episodic, agent: TabularConfig, arrays: Mapping[str, np.ndarray[Any, Any]], seed: int = 0
) -> tuple[TabularPolicy, ...]:
    """The policies of stored arrays; mixtures are drawn under the seed. See `tabular_profile_of`."""
    return tabular_profile_of(config, agent, arrays).policies(seed)
