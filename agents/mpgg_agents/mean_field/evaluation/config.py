"""How best responses are trained."""

from dataclasses import dataclass

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_flag, check_integer, check_real


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseConfig(Config):
    """Numbers of a best response that is trained by the gradient through the model and the opponents, by Adam.

    Attributes:
        iterations: Gradient steps, each on one episode from every start of the testing set.
        learning_rate: Step size at first, > 0; it falls to a hundredth of it along a half cosine.
        max_gradient_norm: The gradient of each response is scaled down to this norm, > 0.
        separate: Whether each start has a response of its own, trained on it alone. One network for all, as in most
            games of [Shao2024], is at most as good, but what is found for one start helps with the others.
    """

    iterations: int = 400
    learning_rate: float = 2e-3
    max_gradient_norm: float = 1.0
    separate: bool = False

    def __post_init__(self) -> None:
        self._set("iterations", check_integer("iterations", self.iterations, 1))
        for name in ("learning_rate", "max_gradient_norm"):
            self._set(name, check_real(name, getattr(self, name), 0, open_minimum=True))
        check_flag("separate", self.separate)
