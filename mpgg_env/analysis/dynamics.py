"""Evolution of a population on the 2 M strategies (casino, action): replicator, replicator-mutator and logit dynamics.

The population state is a distribution y over strategies, from which the N agents are drawn anew at every instant
(or a Poisson number of them per casino, in the mean field); expected payoffs are exact, see `symmetric`.

What these are not: neither trajectories of learners nor a way to compute equilibria. The replicator does not converge
to the symmetric equilibrium but cycles (a spoilt casino is abandoned, an empty one recolonised by cooperators), so its
averages over time are no equilibria. A fixed point of the logit dynamics is a quantal response equilibrium of its own
game [McKelvey1995], close to an equilibrium only for large beta.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from mpgg_env.analysis.symmetric import (
    SymmetricEquilibrium,
    check_plain,
    mean_inverse_group,
    pool_returns,
    symmetric_profile,
)
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice, check_integer, check_real
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.rules import COOPERATE, DEFECT, casino_costs

Dynamics = Literal["replicator", "logit"]
DYNAMICS: Final = ("replicator", "logit")
RELATIVE_ERROR: Final = 1e-8
ABSOLUTE_ERROR: Final = 1e-10
_MOST_NEWTON_STEPS: Final = 200
_MOST_HALVINGS: Final = 40
_MOST_REFINEMENTS: Final = 100
_NEWTON_ERROR: Final = 1e-13
_ACCEPTED_ERROR: Final = 1e-10


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A population over time.

    Attributes:
        times: When, (T,), in units in which payoffs are rates of growth.
        shares: Share of the population with each strategy, (T, M, 2): defectors, cooperators.
        cooperation: Share of cooperators, (T,).
        payoff: Mean expected payoff, (T,).
        welfare: N times that, (T,).
        speed: Sum of the absolute rates of change of the shares at the end; near 0 at a fixed point.
    """

    times: FloatArray
    shares: FloatArray
    cooperation: FloatArray
    payoff: FloatArray
    welfare: FloatArray
    speed: float


@dataclass(frozen=True, slots=True)
class LogitFixedPoint:
    """A population in which every strategy's share is that of a logit choice among the payoffs it leads to.

    Attributes:
        beta: Precision of the choice, 1 / payoff.
        profile: The state as a symmetric profile; its exploitability says how far from a Nash equilibrium it is.
        residual: Largest difference between a share and the logit choice's probability.
    """

    beta: float
    profile: SymmetricEquilibrium
    residual: float


def integrate(
    config: MPGGConfig,
    dynamics: Dynamics,
    times: FloatArray,
    *,
    start: FloatArray | None = None,
    mutation: float = 0.0,
    beta: float | None = None,
    mean_field: bool = False,
) -> Trajectory:
    """Follows the population by ordinary differential equations, for the logarithms of the shares.

    With U the expected payoffs and y the shares, `"replicator"` is dy/dt = y (U - mean U) + mutation (1 / 2M - y)
    [Taylor1978] and `"logit"` is dy/dt = softmax(beta U) - y [Fudenberg1998]. Shares of the pure replicator can get
    smaller than any float, which is why their logarithms are integrated.

    Args:
        config: The game, without mechanism and with `min_players=1`.
        dynamics: Which dynamics.
        times: When to report, (T,), increasing, T >= 2; the population starts at the first.
        start: Positive shares (M, 2), which are divided by their sum; uniform if None.
        mutation: Rate >= 0 at which agents change to a random strategy; for the replicator alone.
        beta: Precision >= 0 of the logit choice, 1 / payoff; for the logit dynamics alone, which have 1 if None.
        mean_field: Whether casinos get Poisson numbers of agents.

    Raises:
        ValueError: An argument is out of its range or belongs to the other dynamics, or the game has a mechanism or
            `min_players` above 1.
        RuntimeError: The integration failed.
    """
    from scipy.integrate import solve_ivp

    check_plain(config, "population dynamics")
    check_choice("dynamics", dynamics, DYNAMICS)
    times = _checked_times(times)
    game = _Population(config, mean_field)
    change = _checked_dynamics(game, dynamics, mutation, beta)
    solution = solve_ivp(
        lambda _, logs: change(logs),
        (times[0], times[-1]),
        np.log(_checked_start(start, config.n_casinos)).ravel(),
        method="LSODA",
        t_eval=times,
        rtol=RELATIVE_ERROR,
        atol=ABSOLUTE_ERROR,
    )
    if not solution.success:
        raise RuntimeError(f"the integration of the {dynamics} dynamics failed: {solution.message}")
    return game.trajectory(times, solution.y.T, change)


class _Population:
    """The expected payoffs as a function of the logarithms of the shares, and the dynamics that follow from them."""

    def __init__(self, config: MPGGConfig, mean_field: bool) -> None:
        self.n_agents = config.n_players
        self.cost = casino_costs(config)
        self.returns = pool_returns(config)
        self.mean_field = mean_field

    def payoffs(self, logs: FloatArray) -> FloatArray:
        """Expected payoffs (M, 2) at log shares (M, 2) that need not be normalised."""
        logs = logs - np.logaddexp.reduce(logs, axis=None)
        probabilities = np.minimum(np.exp(np.logaddexp(logs[:, DEFECT], logs[:, COOPERATE])), 1.0)
        inverse = mean_inverse_group(probabilities, self.n_agents, mean_field=self.mean_field)
        defector = self.returns * _share(logs[:, COOPERATE] - logs[:, DEFECT]) * (1 - inverse)
        return np.stack([defector, defector + self.returns * inverse - self.cost], axis=-1)

    def replicator(self, mutation: float) -> Callable[[FloatArray], FloatArray]:
        """Rate of change of the log shares, (2 M,)."""

        def change(logs: FloatArray) -> FloatArray:
            logs = logs.reshape(-1, 2)
            payoffs = self.payoffs(logs)
            growth = payoffs - (_shares(logs) * payoffs).sum()
            if mutation > 0:
                growth = growth + mutation * (np.exp(-logs) / logs.size - 1)
            return np.asarray(growth.ravel())

        return change

    def logit(self, beta: float) -> Callable[[FloatArray], FloatArray]:
        """Rate of change of the log shares, (2 M,)."""

        def change(logs: FloatArray) -> FloatArray:
            logs = logs.reshape(-1, 2)
            return np.expm1(_log_softmax(beta * self.payoffs(logs)) - logs).ravel()

        return change

    def trajectory(self, times: FloatArray, logs: FloatArray, change: Callable[[FloatArray], FloatArray]) -> Trajectory:
        """The record of integrated log shares (T, 2 M)."""
        logs = logs.reshape(len(times), -1, 2)
        shares = np.array([_shares(each) for each in logs])
        payoff = np.array([(y * self.payoffs(each)).sum() for y, each in zip(shares, logs, strict=True)])
        return Trajectory(
            times=times,
            shares=shares,
            cooperation=shares[:, :, COOPERATE].sum(axis=1),
            payoff=payoff,
            welfare=self.n_agents * payoff,
            speed=float(np.abs(shares[-1].ravel() * change(logs[-1].ravel())).sum()),
        )


def logit_fixed_point(config: MPGGConfig, beta: float, *, mean_field: bool = False, steps: int = 20) -> LogitFixedPoint:
    """The fixed point of the logit dynamics that is reached from beta = 0 by raising it.

    In a casino with probability x the logit choice between the actions is a function of x alone, so that the
    unknowns are the M logarithms of x and one normalising constant; Newton's method solves them in O(M) per step.

    Args:
        config: The game, without mechanism and with `min_players=1`.
        beta: Precision >= 0 of the logit choice, 1 / payoff.
        mean_field: Whether casinos get Poisson numbers of agents.
        steps: Values of beta on the way, at least 1, equally spaced in log(1 + beta). Where Newton's method does not
            get from one to the next, which with few agents is common, values between them are taken too.

    Raises:
        ValueError: An argument is out of its range, or the game has a mechanism or `min_players` above 1.
        RuntimeError: Newton's method did not converge even so.
    """
    check_plain(config, "the logit dynamics")
    beta = check_real("beta", beta, 0)
    check_integer("steps", steps, 1)
    game = _Population(config, mean_field)
    unknowns = np.append(np.full(config.n_casinos, -np.log(config.n_casinos)), np.log(2.0 * config.n_casinos))
    unknowns = _continued(game, np.linspace(0, np.log1p(beta), steps + 1)[1:].tolist(), unknowns)
    logs = _logit_logs(game, beta, unknowns[:-1])
    probabilities = np.exp(unknowns[:-1])
    choice = np.exp(_log_softmax(beta * game.payoffs(logs)))
    residual = float(np.abs(choice - _shares(logs)).max())
    profile = symmetric_profile(
        config, probabilities / probabilities.sum(), _share(logs[:, COOPERATE] - logs[:, DEFECT]), mean_field
    )
    return LogitFixedPoint(beta=beta, profile=profile, residual=residual)


def _continued(game: _Population, levels: list[float], unknowns: FloatArray) -> FloatArray:
    """Follows the fixed point through these values of log(1 + beta); steps that are too long are halved."""
    reached, ahead, refinements = 0.0, levels[::-1], 0
    while ahead:
        beta = float(np.expm1(ahead[-1]))
        found, error = _newton(game, beta, unknowns)
        if error < _ACCEPTED_ERROR:
            reached, unknowns = ahead.pop(), found
        elif refinements < _MOST_REFINEMENTS:
            refinements += 1
            ahead.append((reached + ahead[-1]) / 2)
        else:
            raise RuntimeError(
                f"the logit fixed point was not found at beta={beta:g}: an error of {error:.1e} remains with "
                f"steps={len(levels)} and {refinements} more where they were too long; more steps may help"
            )
    return unknowns


def _newton(game: _Population, beta: float, unknowns: FloatArray) -> tuple[FloatArray, float]:
    """Solves the fixed point's equations from a guess; the unknowns are log x (M,) and the normalising constant.

    Returns:
        The unknowns, and the largest error that remains in their equations.
    """
    for _ in range(_MOST_NEWTON_STEPS):
        errors, slopes = _equations(game, beta, unknowns)
        size = float(np.abs(errors).max())
        if size < _NEWTON_ERROR:
            break
        probabilities = np.exp(unknowns[:-1])
        shift = (errors[-1] - (probabilities * errors[:-1] / slopes).sum()) / (probabilities / slopes).sum()
        step = np.append(-(errors[:-1] + shift) / slopes, shift)
        # Halved until the errors shrink: a full step from afar can leave for other solutions.
        for _ in range(_MOST_HALVINGS):
            errors_there, _slopes = _equations(game, beta, unknowns + step)
            if np.abs(errors_there).max() < size:
                break
            step = step / 2
        else:
            break
        unknowns = unknowns + step
    return unknowns, size


def _equations(game: _Population, beta: float, unknowns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Errors (M + 1,) of log x = log(sum over actions of e^(beta U)) - constant and of sum x = 1; slopes (M,)."""
    probabilities = np.exp(np.minimum(unknowns[:-1], 0.0))
    mass = game.n_agents * probabilities
    inverse = mean_inverse_group(probabilities, game.n_agents, mean_field=game.mean_field)
    with np.errstate(divide="ignore"):
        elsewhere = np.log1p(-probabilities)
    if game.mean_field:
        alone = np.exp(-mass)
    elif game.n_agents == 1:
        alone = np.ones(mass.shape)  # 0 times -inf were NaN
    else:
        alone = np.exp((game.n_agents - 1) * elsewhere)
    advantage = beta * (game.returns * inverse - game.cost)
    share = _share(advantage)
    defector = beta * game.returns * share * (1 - inverse)
    errors = np.append(
        unknowns[:-1] - defector - np.logaddexp(0.0, advantage) + unknowns[-1], np.exp(unknowns[:-1]).sum() - 1
    )
    # Derivatives by log x; that of the mean inverse group is P(alone) - h.
    inverse_slope = alone - inverse
    advantage_slope = beta * game.returns * inverse_slope
    share_slope = share * (1 - share) * advantage_slope
    defector_slope = beta * game.returns * (share_slope * (1 - inverse) - share * inverse_slope)
    return errors, 1 - defector_slope - share * advantage_slope


def _logit_logs(game: _Population, beta: float, log_probabilities: FloatArray) -> FloatArray:
    """Log shares (M, 2) when agents choose between the actions by logit in casinos with these probabilities."""
    inverse = mean_inverse_group(np.exp(np.minimum(log_probabilities, 0.0)), game.n_agents, mean_field=game.mean_field)
    advantage = beta * (game.returns * inverse - game.cost)
    shares = np.stack([-np.logaddexp(0.0, advantage), -np.logaddexp(0.0, -advantage)], axis=-1)
    logs: FloatArray = log_probabilities[:, None] + shares
    return logs


def _share(log_odds: FloatArray) -> FloatArray:
    """1 / (1 + e^(-log odds)), without overflow."""
    share: FloatArray = np.exp(-np.logaddexp(0.0, -log_odds))
    return share


def _log_softmax(values: FloatArray) -> FloatArray:
    normalised: FloatArray = values - np.logaddexp.reduce(values, axis=None)
    return normalised


def _shares(logs: FloatArray) -> FloatArray:
    shares: FloatArray = np.exp(_log_softmax(logs))
    return shares


def _checked_dynamics(
    game: _Population, dynamics: Dynamics, mutation: float, beta: float | None
) -> Callable[[FloatArray], FloatArray]:
    rate, precision = check_real("mutation", mutation, 0), 1.0 if beta is None else check_real("beta", beta, 0)
    if dynamics == "replicator":
        if beta is not None:
            raise ValueError(f"beta must be None with the replicator dynamics, got {beta!r}")
        return game.replicator(rate)
    if rate > 0:
        raise ValueError(f"mutation must be 0 with the logit dynamics, got {mutation!r}")
    return game.logit(precision)


def _checked_times(times: FloatArray) -> FloatArray:
    checked = np.array(times, dtype=np.float64)
    if checked.ndim != 1 or checked.size < 2 or not np.isfinite(checked).all() or not (np.diff(checked) > 0).all():
        raise ValueError(f"times must be at least two finite numbers in increasing order, got {times!r}")
    return checked


def _checked_start(start: FloatArray | None, n_casinos: int) -> FloatArray:
    if start is None:
        return np.full((n_casinos, 2), 0.5 / n_casinos)
    checked = np.asarray(start, dtype=np.float64)
    if checked.shape != (n_casinos, 2) or not np.isfinite(checked).all() or not (checked > 0).all():
        raise ValueError(f"start must be positive numbers of shape ({n_casinos}, 2), got {start!r}")
    shares: FloatArray = checked / checked.sum()
    return shares
