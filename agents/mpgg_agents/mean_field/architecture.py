"""What actors and critics are made of, as data; it needs no torch."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_integer, check_layers, check_real

ACTIVATIONS: Final = ("relu", "tanh", "sigmoid")
OUTPUTS: Final = ("softmax", "sigmoid")
SIGHTS: Final = ("joint", "own")
LARGEST_SCALE: Final = 50.0  # exp(88) is too large for float32, and noise comes on top of logits


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureConfig(Config):
    """The form of actors and critics ([Shao2024] sections F.2 to F.5); the base of the settings of their trainings.

    Attributes:
        sight: What a player sees: joint, the distributions of all coalitions and the context; own, the ablated baseline
            of [Shao2024], the distribution of its own coalition alone, in actor and critic.
        branch: Units of the layer of its own that each distribution, the context and, in critics, the action goes
            through before they meet; 0 for none, so that they meet at once.
        layers: Units of each hidden layer after that.
        activation: Activation of the branches and of these layers.
        extra_layer: Units of one more hidden layer, with ReLU, before the output; 0 for none.
        output: How an actor makes rows that sum to 1: softmax of logits; or sigmoid, divided by the row's sum.
        logit_scale: Factor kappa of softmax's logits kappa tanh(z), in (0, 50]. 1 is the text read literally, when
            no action of five could have a probability above 0.649.
    """

    sight: Literal["joint", "own"] = "joint"
    branch: int = 200
    layers: tuple[int, ...] = (200,)
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    extra_layer: int = 0
    output: Literal["softmax", "sigmoid"] = "softmax"
    logit_scale: float = 10.0

    def __post_init__(self) -> None:
        check_choice("sight", self.sight, SIGHTS)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_choice("output", self.output, OUTPUTS)
        for name in ("branch", "extra_layer"):
            self._set(name, check_integer(name, getattr(self, name), 0))
        self._set("layers", check_layers("layers", self.layers))
        self._set("logit_scale", check_real("logit_scale", self.logit_scale, 0, LARGEST_SCALE, open_minimum=True))


# Fields of the networks of each game. The text has none for population matching, which it solves by tables, nor for the
# migratory public goods game: those are our choice.
ARCHITECTURES: Final[dict[str, dict[str, Any]]] = {
    "population_matching": {"branch": 0, "layers": (64, 64)},
    "four_rooms": {"activation": "tanh", "extra_layer": 200},
    "predator_prey": {},
    "distribution_planning": {},
    "cyber_security": {"branch": 0, "layers": (100, 100), "activation": "sigmoid", "output": "sigmoid"},
    "mpgg": {"branch": 64, "layers": (64,)},
}
