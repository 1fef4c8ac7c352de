"""Parameters of four rooms."""

from dataclasses import dataclass

from mpgg_env.games.mean_field.common.config import MeanFieldConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class FourRoomsConfig(MeanFieldConfig):
    """Parameters of four rooms with crowd aversion ([Shao2024] section F.2); most of the numbers are our choice.

    Attributes:
        entropy: Reward c1 >= 0 per nat of entropy of a coalition's distribution.
        crowd_cost: Cost c2 >= 0 per unit of the inner product of the two distributions.
        away_cost: Cost c3 >= 0 that coalition 1 pays per unit of mass outside its home room.
        noise: Probability in [0, 1] that an agent makes a second move, in one of the four directions.
    """

    max_cycles: int = 40
    discount: float = 0.98
    entropy: float = 1.0
    crowd_cost: float = 100.0
    away_cost: float = 5.0
    noise: float = 0.1

    def __post_init__(self) -> None:
        MeanFieldConfig.__post_init__(self)
        self._check_reals("entropy", "crowd_cost", "away_cost")
        self._check_reals("noise", maximum=1.0)
