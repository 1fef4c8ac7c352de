"""Numbers of the pathwise best response."""

from dataclasses import dataclass
from typing import Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_layers, check_real

RESPONSES = ("net", "linear")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwiseConfig(Config):
    """How a best response is trained by the gradient of the returns through the market.

    Attributes:
        response: Form of what the response adds to the policy's own rate: linear, a linear function of the trader's
            observation in each step, the exact class where all traders' rates are linear in the state; net, that and a
            network besides.
        hidden: Units of each hidden layer (SiLU) of the network.
        iterations: Gradient steps of Adam.
        episodes: Fresh episodes per gradient step.
        learning_rate: Step size of the first iteration, > 0; it falls linearly to 0.
    """

    response: Literal["net", "linear"] = "net"
    hidden: tuple[int, ...] = (32, 32)
    iterations: int = 300
    episodes: int = 500
    learning_rate: float = 0.007

    def __post_init__(self) -> None:
        check_choice("response", self.response, RESPONSES)
        self._set("hidden", check_layers("hidden", self.hidden))
        for name in ("iterations", "episodes"):
            self._set(name, check_integer(name, getattr(self, name), 1))
        self._set("learning_rate", check_real("learning_rate", self.learning_rate, 0, open_minimum=True))
