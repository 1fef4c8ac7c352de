"""The gradient step of deep Q-learning on arrays, for the processor: what torch computes, without its cost per call.

Networks of this size spend most of a step in torch on calls, not on numbers: `python -m benchmarks dqn` measures the
trainer with these steps and with those of Stable-Baselines3 and torch.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mpgg_agents.dqn.config import DQNConfig
from mpgg_env.core.compiled import compiled
from mpgg_env.core.types import Float32Array, IntArray

# The defaults of torch.optim.Adam, and of torch.nn.utils.clip_grad_norm_.
BETA_1: Final = 0.9
BETA_2: Final = 0.999
EPSILON: Final = 1e-8
CLIP_EPSILON: Final = 1e-6


class Batch(NamedTuple):
    """Transitions for each of K networks.

    Attributes:
        inputs: (K, batch, width).
        actions: (K, batch).
        rewards: (K, batch).
        next_inputs: (K, batch, width).
    """

    inputs: Float32Array
    actions: IntArray
    rewards: Float32Array
    next_inputs: Float32Array


class Perceptrons:
    """K perceptrons of equal form, with ReLU between the layers, whose parameters lie in one array.

    Attributes:
        flat: The parameters of each network, (K, size).
        weights: Of each layer, (K, n_out, n_in), views of `flat`.
        biases: Of each layer, (K, n_out), views of `flat`.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Zeros in the shapes (K, ...) of the weight and the bias of every layer in turn."""
        sizes = [math.prod(shape[1:]) for shape in shapes]
        self.flat: Float32Array = np.zeros((shapes[0][0], sum(sizes)), np.float32)
        ends = np.cumsum(sizes).tolist()
        views = [self.flat[:, e - n : e].reshape(shape) for e, n, shape in zip(ends, sizes, shapes, strict=True)]
        self.weights, self.biases = views[::2], views[1::2]

    @classmethod
    def sharing(cls, parameters: Sequence[Tensor], *, stacked: bool) -> "Perceptrons":
        """The parameters of a torch module, which goes on as another view of the same numbers.

        Args:
            parameters: Weight and bias of every layer in turn.
            stacked: Whether their first axis is the network; else there is one network.
        """
        shapes = [tuple(parameter.shape if stacked else (1, *parameter.shape)) for parameter in parameters]
        networks = cls(shapes)
        for parameter, view in zip(parameters, networks.views(), strict=True):
            view[...] = parameter.detach().numpy().reshape(view.shape)
            parameter.data = torch.from_numpy(view if stacked else view[0])
        return networks

    def views(self) -> list[Float32Array]:
        """Weight and bias of every layer in turn."""
        return [view for layer in zip(self.weights, self.biases, strict=True) for view in layer]

    def __call__(self, inputs: Float32Array) -> Float32Array:
        """Outputs (K, batch, n_outputs) of inputs (K, batch, n_inputs)."""
        return self.layers(inputs)[-1]

    # What diverges is found in the loss, and told as that.
    @np.errstate(over="ignore", invalid="ignore")
    def layers(self, inputs: Float32Array) -> list[Float32Array]:
        """The inputs, what each hidden layer makes of them, and the outputs, each (K, batch, n)."""
        layers = [inputs]
        for weight, bias in zip(self.weights, self.biases, strict=True):
            if len(layers) > 1:
                np.maximum(layers[-1], 0, out=layers[-1])
            values = np.matmul(layers[-1], weight.swapaxes(1, 2))
            values += bias[:, None]
            layers.append(values)
        return layers

    def backward(self, layers: list[Float32Array], gradients: Float32Array, into: "Perceptrons") -> None:
        """Writes the parameters' gradients `into` their places, from those of the outputs, (K, batch, n_outputs)."""
        for place in range(len(self.weights) - 1, -1, -1):
            np.matmul(gradients.swapaxes(1, 2), layers[place], out=into.weights[place])
            np.sum(gradients, axis=1, out=into.biases[place])
            if place:
                gradients = np.matmul(gradients, self.weights[place])
                gradients *= layers[place] > 0


class Descent:
    """Adam on the DQN loss ([Mnih2015]) of K networks at once, each on its own batch.

    Args:
        config: Hyper-parameters.
        online: The networks that learn.
        target: Their target networks.
        first: Adam's moving means of the gradients.
        second: Adam's moving means of their squares.
        masked: Whether the last numbers of an input tell which actions are legal.
    """

    def __init__(
        self,
        config: DQNConfig,
        online: Perceptrons,
        target: Perceptrons,
        first: Perceptrons,
        second: Perceptrons,
        *,
        masked: bool,
    ) -> None:
        self.online = online
        self._config, self._target, self._first, self._second, self._masked = config, target, first, second, masked
        shapes = [view.shape for view in online.views()]
        self._gradient = Perceptrons(shapes)
        self.step_counts = np.zeros(len(shapes), np.float32)  # torch counts for every parameter

    @np.errstate(over="ignore", invalid="ignore")
    def step(self, batch: Batch) -> float:
        """One gradient step of every network; the mean of their Huber losses before it."""
        layers = self.online.layers(batch.inputs)
        chosen = batch.actions[..., None]
        wanted = batch.rewards + np.float32(self._config.gamma) * self._next_values(batch.next_inputs)
        errors = np.take_along_axis(layers[-1], chosen, axis=2)[..., 0] - wanted
        clipped = np.clip(errors, -1, 1)  # the derivative of the Huber loss
        gradients = np.zeros_like(layers[-1])
        np.put_along_axis(gradients, chosen, (clipped / np.float32(errors.shape[1]))[..., None], axis=2)
        self.online.backward(layers, gradients, self._gradient)
        self._adam()
        # clipped (errors - clipped / 2) is e^2 / 2 up to |e| = 1 and |e| - 1 / 2 beyond.
        return float((clipped * (errors - clipped / 2)).mean())

    def _next_values(self, next_inputs: Float32Array) -> Float32Array:
        values = self._legal(self._target(next_inputs), next_inputs)
        if not self._config.double:
            best_values: Float32Array = values.max(axis=2)
            return best_values
        best = self._legal(self.online(next_inputs), next_inputs).argmax(axis=2, keepdims=True)
        return np.take_along_axis(values, best, axis=2)[..., 0]

    def _legal(self, values: Float32Array, inputs: Float32Array) -> Float32Array:
        return np.where(inputs[..., -values.shape[-1] :] == 0, -np.inf, values) if self._masked else values

    def _adam(self) -> None:
        gradient = self._gradient.flat
        norms = np.sqrt(np.einsum("kp,kp->k", gradient, gradient))
        scales = np.minimum(np.float32(self._config.max_gradient_norm) / (norms + np.float32(CLIP_EPSILON)), 1)
        self.step_counts += 1
        t = float(self.step_counts[0])
        rate = np.float32(self._config.learning_rate / (1 - BETA_1**t))
        root = np.float32(math.sqrt(1 - BETA_2**t))
        adam(self.online.flat, gradient, self._first.flat, self._second.flat, scales.astype(np.float32), rate, root)


@compiled
def adam(
    parameters: Float32Array,
    gradients: Float32Array,
    first: Float32Array,
    second: Float32Array,
    scales: Float32Array,
    rate: np.float32,
    root: np.float32,
) -> None:
    """One step of Adam ([Kingma2015] algorithm 1) on the parameters of K networks, (K, size), in place.

    Args:
        parameters: The parameters.
        gradients: Their gradients.
        first: Moving means of the gradients.
        second: Moving means of their squares.
        scales: Factor on the gradients of each network, (K,).
        rate: alpha / (1 - beta_1^t).
        root: sqrt(1 - beta_2^t).
    """
    one, beta_1, beta_2, epsilon = np.float32(1), np.float32(BETA_1), np.float32(BETA_2), np.float32(EPSILON)
    for k in range(parameters.shape[0]):
        for p in range(parameters.shape[1]):
            gradient = gradients[k, p] * scales[k]
            mean = beta_1 * first[k, p] + (one - beta_1) * gradient
            square = beta_2 * second[k, p] + (one - beta_2) * gradient * gradient
            first[k, p], second[k, p] = mean, square
            parameters[k, p] -= rate * mean / (np.float32(math.sqrt(square)) / root + epsilon)
