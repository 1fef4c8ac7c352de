"""Nash value iteration: V(s) is what the selected equilibrium of the stage game at s is worth ([Shao2024] section 3).

A fixed point is a Markov equilibrium of the discretised game, unless a stage game was settled by least regret. There
need not be a fixed point that the sweeps come to; the result says whether there was.
"""

from dataclasses import dataclass

import numpy as np

from mpgg_agents.mean_field.dnashq.compiled import Beliefs, Workspace, settle_state
from mpgg_agents.mean_field.dnashq.stage import fill_best
from mpgg_agents.mean_field.dnashq.tables import beliefs_of, profile_of, workspace_of
from mpgg_agents.mean_field.tabular.dynamics import dynamics_of
from mpgg_agents.mean_field.tabular.rules import Dynamics
from mpgg_env.analysis.mean_field.tabular_profile import TabularProfile
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_integer, check_real
from mpgg_env.games.mean_field.common.discretised import DiscretisedGame


@dataclass(frozen=True, slots=True, eq=False)
class NashValues:
    """What the sweeps came to.

    Attributes:
        profile: The selected equilibria of the stage games of the last sweep.
        values: What they are worth, (m, states).
        sweeps: Sweeps that were made.
        change: The largest change of a value in the last one.
        converged: Whether that is at most the tolerance. If not, the profile need not be an equilibrium.
    """

    profile: TabularProfile
    values: FloatArray
    sweeps: int
    change: float
    converged: bool


def nash_value_iteration(
    game: DiscretisedGame, *, initial: float | None = None, most_sweeps: int = 2000, tolerance: float = 1e-12
) -> NashValues:
    """Sweeps over all states until no value changes any more.

    Args:
        game: The discretised game.
        initial: Every value before the first sweep; None for each coalition's worst.
        most_sweeps: Sweeps after which it ends without a fixed point, at least 1.
        tolerance: Largest change at a fixed point, above 0.

    Raises:
        ValueError: An argument is out of range.
    """
    check_integer("most_sweeps", most_sweeps, 1)
    check_real("tolerance", tolerance, 0, open_minimum=True)
    start = game.worst_values if initial is None else np.full(game.n_coalitions, check_real("initial", initial))
    dynamics, beliefs, workspace = dynamics_of(game), beliefs_of(game, start), workspace_of(game)
    values = np.tile(start, (game.n_states, 1))
    sweeps, change = 0, np.inf
    while sweeps < most_sweeps and change > tolerance:
        change = _sweep(dynamics, beliefs, workspace, values)
        sweeps += 1
    profile = profile_of(game, beliefs, workspace)
    return NashValues(profile, values.T.copy(), sweeps, float(change), bool(change <= tolerance))


@compiled
def _sweep(dynamics: Dynamics, beliefs: Beliefs, workspace: Workspace, values: FloatArray) -> float:
    """One sweep: Q of all entries from the values (states, m), then these anew, in place; their largest change."""
    next_index, discount = dynamics.next_index, dynamics.discount
    for s in range(len(values)):
        for j in range(values.shape[1]):
            payoffs, rewards = beliefs.values[s, j], dynamics.rewards[j, s]
            for profile in range(len(payoffs)):
                payoffs[profile] = rewards[profile] + discount * values[next_index[s, profile], j]
        fill_best(beliefs.values[s], dynamics.counts, dynamics.strides, beliefs.best[s])
        beliefs.solved[s] = 0
        settle_state(s, dynamics, beliefs, workspace)
    change = 0.0
    for s in range(len(values)):
        for j in range(values.shape[1]):
            change = max(change, abs(beliefs.worth[s, j] - values[s, j]))
            values[s, j] = beliefs.worth[s, j]
    return change
