"""Parameters of predator and prey."""

from dataclasses import dataclass

from mpgg_env.games.mean_field.common.config import MeanFieldConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class PredatorPreyConfig(MeanFieldConfig):
    """Parameters of predator and prey with four coalitions ([Shao2024] section F.3); their numbers are our choice.

    Attributes:
        catch: Reward c >= 0 of a predator, and cost of its prey, per unit of the inner product of their distributions.
        move_cost: Cost >= 0 per unit of mass that moves.
        noise: Probability in [0, 1] that an agent makes a second move, in one of the four directions.
        concentrated: Share in [0, 1] of the training episodes that start on 1 to 4 cells, the others nearly everywhere.
    """

    max_cycles: int = 20
    discount: float = 0.95
    catch: float = 100.0
    move_cost: float = 1.0
    noise: float = 0.1
    concentrated: float = 0.5

    def __post_init__(self) -> None:
        MeanFieldConfig.__post_init__(self)
        self._check_reals("catch", "move_cost")
        self._check_reals("noise", "concentrated", maximum=1.0)
