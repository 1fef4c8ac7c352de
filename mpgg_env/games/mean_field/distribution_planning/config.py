"""Parameters of distribution planning."""

from dataclasses import dataclass

from mpgg_env.games.mean_field.common.config import MeanFieldConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionPlanningConfig(MeanFieldConfig):
    """Parameters of distribution planning on a grid ([Shao2024] section F.4); their numbers are our choice.

    Attributes:
        move_cost: Cost c1 >= 0 per unit of mass that moves.
        target_cost: Cost c2 >= 0 per unit of the Euclidean distance of a coalition's distribution from its target.
        crowd_cost: Cost c3 >= 0 per unit of the inner product of the two distributions.
    """

    max_cycles: int = 20
    discount: float = 0.95
    move_cost: float = 1.0
    target_cost: float = 10.0
    crowd_cost: float = 10.0

    def __post_init__(self) -> None:
        MeanFieldConfig.__post_init__(self)
        self._check_reals("move_cost", "target_cost", "crowd_cost")
