"""Parameters of population matching."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mpgg_env.core.validation import check_real
from mpgg_env.games.mean_field.common.config import MeanFieldConfig

SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationMatchingConfig(MeanFieldConfig):
    """Parameters of population matching, "1D target moving" in [Shao2024] section F.1; their numbers are our choice.

    Attributes:
        move_cost: Cost c1 >= 0 that coalition 0 pays per unit of mass that moves.
        distance_cost: Cost c2 >= 0 that coalition 1 pays per unit of the L1 distance of the distributions.
        noise: Probabilities that an agent is shifted by 0, -1 and +1 after its move; they sum to 1.
    """

    move_cost: float = 2.0
    distance_cost: float = 1.0
    noise: tuple[float, float, float] = (0.96, 0.02, 0.02)

    def __post_init__(self) -> None:
        MeanFieldConfig.__post_init__(self)
        self._check_reals("move_cost", "distance_cost")
        noise: Any = self.noise
        if hasattr(noise, "tolist"):  # a numpy array
            noise = noise.tolist()
        if isinstance(noise, str) or not isinstance(noise, Sequence) or len(noise) != 3:
            raise TypeError(f"noise must be three probabilities, of the shifts 0, -1 and +1, got {self.noise!r}")
        self._set("noise", tuple(check_real(f"noise[{k}]", share, 0, 1) for k, share in enumerate(noise)))
        if abs(sum(self.noise) - 1) > SUM_TOLERANCE:
            raise ValueError(f"noise must sum to 1, got {self.noise} with the sum {sum(self.noise)!r}")
