"""When the market with linear impact has one equilibrium: what has to hold in the stage game of every step.

At each step the traders play a quadratic game: trader i's return-to-go is Q_i(v), whose gradients by the own rates are
linear in the rates, with the Jacobian G_ij = d2 Q_i / dv_i dv_j. Their common zero is the equilibrium of the step if
every G_ii < 0 (own concavity), and it is the only one if G is regular. More is asked here: that all eigenvalues of G
have negative real parts. While dt shrinks to 0, G becomes diagonal and negative, so an eigenvalue that is not negative
has crossed zero on the way: the equilibrium has passed through infinity, and what solves the equations beyond is
another branch, from which traders who follow their gradients run away.
"""

from typing import Final

from mpgg_env.games.market.config import MarketConfig

# Beyond, more than six of the sixteen digits of a gain are lost in a single step.
LARGEST_CONDITION: Final = 1e6


class IllPosedMarketError(ValueError):
    """The stage game of some step has no equilibrium, or none that means anything."""


def check_linear(config: MarketConfig) -> None:
    """Refuses a market whose equilibrium is not linear in the state.

    Raises:
        ValueError: The impact is sqrt.
    """
    if config.impact == "sqrt":
        raise ValueError(
            "impact must be 'linear' or 'none' for exact results: the root of the total rate is neither linear nor "
            "smooth, so values are not quadratic and rules not linear; got 'sqrt'"
        )


def check_stage(config: MarketConfig, step: int, curvature: float, eigenvalue: float, condition: float) -> None:
    """Refuses a stage game without a meaningful equilibrium.

    Args:
        config: The market.
        step: The decision, in [0, M).
        curvature: Largest own curvature G_ii, per squared rate.
        eigenvalue: Largest real part of the eigenvalues of G, per squared rate.
        condition: Condition number of G, >= 1.

    Raises:
        IllPosedMarketError: The curvature or the eigenvalue is not negative, or the condition number is too large.
    """
    check_concave(config, step, curvature)
    if not eigenvalue < 0:
        fault = (
            "the equilibrium of the rates is not stable: the largest eigenvalue of the own gradients' Jacobian "
            f"d2 Q_i / dv_i dv_j is {eigenvalue:.4g} and must be negative"
        )
    elif not condition <= LARGEST_CONDITION:
        fault = (
            "the equilibrium of the rates is hardly determined: the condition number of the own gradients' Jacobian "
            f"d2 Q_i / dv_i dv_j is {condition:.4g} and must be at most {LARGEST_CONDITION:g}"
        )
    else:
        return
    raise IllPosedMarketError(f"in step {step} of 0..{config.n_steps - 1} {fault}; {_remedy(config)}")


def check_concave(config: MarketConfig, step: int, curvature: float) -> None:
    """Refuses a step in which a trader's return-to-go has no maximum over its own rate.

    Raises:
        IllPosedMarketError: The second derivative `curvature` of the return by the rate is not negative.
    """
    if not curvature < 0:
        raise IllPosedMarketError(
            f"in step {step} of 0..{config.n_steps - 1} a trader's return is not concave in its own rate: the "
            f"curvature d2 Q_i / dv_i^2 is {curvature:.4g} and must be negative; {_remedy(config)}"
        )


def _remedy(config: MarketConfig) -> str:
    smaller = "smaller impacts" if config.impact_scaling == "mean_field" else "impact_scaling='mean_field'"
    return f"take a smaller dt (now {config.dt:g}), {smaller}, or fewer traders (now {config.n_agents})"
