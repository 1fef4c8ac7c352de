"""Policies from stored weights: those of our runs, and the networks that the authors of the method published."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from mpgg_agents.nash_dqn.config import NashDQNConfig
from mpgg_agents.nash_dqn.features import Scales, all_features, authors_scales, fp_authors_scales
from mpgg_agents.nash_dqn.policy import NashPolicy, Networks, eyes_of, scales_of
from mpgg_agents.tensors import set_weights
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

FP_RATE: Final = 4.512414940762905  # what the authors multiply the outputs of their fictitious players by
_INPUTS: Final = 5
# Outputs of the action network: c1 (of which the magnitude counts), c2, c3, c4 = psi, mu.
NASH_ACTION: Final = 4


def load_policy(game: MarketConfig, agent: NashDQNConfig, weights: Mapping[str, np.ndarray[Any, Any]]) -> NashPolicy:
    """The policy of `NashDQNTrainer.learned`, or of a snapshot of one replica.

    Args:
        game: Rules of the market.
        agent: Hyper-parameters of the training.
        weights: The arrays by name.

    Raises:
        ValueError: They are not weights of such a network.
    """
    scales = scales_of(game, agent)
    eyes = eyes_of(game, agent, scales)
    network = Networks(game, agent, eyes, 0).requires_grad_(False).advantage
    set_weights(network, weights)
    return NashPolicy(network, eyes, scales.rate)


class AuthorsPolicy:
    """A policy of the authors' networks, which see [time to go, S - Y, q_i, Y, mean flow of the others], scaled.

    Args:
        game: Rules of the market.
        network: Their network.
        output: Which of its outputs is the rate.
        scales: Units of the features.
        rate: What the output is multiplied by.
    """

    def __init__(self, game: MarketConfig, network: nn.Module, output: int, scales: Scales, rate: float) -> None:
        self.network, self.output, self.rate = network, output, rate
        self._location = torch.tensor(scales.location, dtype=torch.float32)
        self._scale = torch.tensor(scales.spread, dtype=torch.float32)
        self._game = game

    def __call__(self, state: MarketState) -> Tensor:
        """Rates (B, N) from a state of torch's tensors, whose type and device they have."""
        features = all_features(self._game, state, torch).float()
        outputs = self.network((features - self._location) / self._scale)
        rates: Tensor = outputs[..., self.output] * self.rate
        return rates.to(state.inventory)


def load_authors_policy(path: str | Path, game: MarketConfig | None = None) -> AuthorsPolicy:
    """The policy in a weight file that the authors published: `Action_Net.pt` of Nash-DQN, or `pol_net_it.pt` of FP.

    The Nash-DQN networks go with the scales of the authors' second notebook, in which they are drawn, not with those of
    the one in which they seem to be trained: with these their Bellman error is eighty times as large.

    Args:
        path: The file. It is read without running code from it.
        game: Rules of the market in which it is to be played; None for the default ones.

    Raises:
        ValueError: The file cannot be read, or is not one of these networks; or the market has not five traders, five
            hours and the paper's observation: what they see would mean something else.
    """
    game = MarketConfig() if game is None else game
    if (game.n_agents, game.horizon) != (MarketConfig().n_agents, MarketConfig().horizon):
        raise ValueError(
            f"game must have the 5 traders and the horizon of 5 of the authors' networks, got {game.n_agents} and "
            f"{game.horizon:g}"
        )
    weights = _read(Path(path))
    names = list(weights)
    if names and names[0].startswith("decoder_net."):
        network = authors_network(weights, "decoder_net", outputs=5)
        return AuthorsPolicy(game, network, NASH_ACTION, authors_scales(game), 1.0)
    if names and names[0].startswith("policy_net."):
        network = authors_network(weights, "policy_net", outputs=1)
        return AuthorsPolicy(game, network, 0, fp_authors_scales(game), FP_RATE)
    raise ValueError(f"{path} must hold decoder_net or policy_net layers, got {', '.join(names[:3]) or 'nothing'}")


def load_authors_value(path: str | Path) -> nn.Module:
    """The value network of the authors' `Value_Net.pt`, from scaled features (..., 5) to values (..., 1).

    Raises:
        ValueError: The file cannot be read, or is not such a network.
    """
    return authors_network(_read(Path(path)), "decoder_net", outputs=1)


def authors_network(weights: Mapping[str, Tensor], prefix: str, *, outputs: int) -> nn.Sequential:
    """The network of these layers: linear, with SiLU in between.

    Args:
        weights: Weights and biases by name, in the order of the layers.
        prefix: What all names begin with.
        outputs: Width of its output.

    Raises:
        ValueError: The layers do not fit each other, or not five inputs and these outputs.
    """
    matrices, biases = list(weights.values())[::2], list(weights.values())[1::2]
    shapes = [tuple(weight.shape) for weight in weights.values()]
    widths = [_INPUTS, *(shape[0] for shape in shapes[::2] if shape)]
    expected = [shape for inputs, units in pairwise(widths) for shape in ((units, inputs), (units,))]
    if not _are_layers(list(weights), prefix) or shapes != expected or widths[-1] != outputs:
        raise ValueError(f"{prefix} must have layers from {_INPUTS} inputs to {outputs} outputs, got {shapes}")
    if not all(weight.is_floating_point() and weight.isfinite().all() for weight in weights.values()):
        raise ValueError(f"{prefix} must have finite weights, of floating point")
    layers: list[nn.Module] = []
    for matrix, bias in zip(matrices, biases, strict=True):
        layer = nn.Linear(matrix.shape[1], matrix.shape[0], device="meta").to_empty(device="cpu").requires_grad_(False)
        layer.weight.copy_(matrix)
        layer.bias.copy_(bias)
        layers += [layer, nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def _are_layers(names: list[str], prefix: str) -> bool:
    """Whether these are the weight and the bias of at least one layer, the layers in the order of their numbers.

    Hidden layers are alike in shape: in another order they would be another network without anybody noticing.
    """
    matches = [re.fullmatch(rf"{re.escape(prefix)}\.(\d+)(\.0)?\.(weight|bias)", name) for name in names]
    places = [(int(match[1]), match[3] == "bias") for match in matches if match]
    pairs = [(number, bias) for number in dict.fromkeys(number for number, _ in places) for bias in (False, True)]
    return len(places) == len(names) > 0 and places == pairs == sorted(pairs)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # bytes that are no weights can make the reader raise almost anything
        raise ValueError(f"{path} is not a file of weights, or holds more than weights") from error
    if not isinstance(weights, dict) or not all(isinstance(name, str) and _is_plain(w) for name, w in weights.items()):
        raise ValueError(f"{path} must hold weights by name")
    return {name: weight.detach() for name, weight in weights.items()}


def _is_plain(weight: Any) -> bool:
    """Whether this is a tensor with all its numbers in memory: not sparse, quantised or without numbers."""
    if not isinstance(weight, Tensor):
        return False
    return weight.layout == torch.strided and weight.device.type == "cpu" and not weight.is_quantized
