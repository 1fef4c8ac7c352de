"""Deep Q-learning a second time, from the words of the papers, number by number; slow.

[Mnih2015]: move Q(o, a) towards r + gamma max_a' Q_target(o', a'), where only legal actions a' count, by a Huber loss
of one batch, whose gradient is scaled down to a largest norm. [VanHasselt2016]: the online network picks a', the target
network values it. Adam is that of its paper, with the usual constants. torch only differentiates, in double precision.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Layer = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]  # weights (inputs, outputs) and biases (outputs,)
BETA_1, BETA_2, TINY = 0.9, 0.999, 1e-8


class Transition(NamedTuple):
    """One transition of one agent; legal tells which actions may follow."""

    observation: list[float]
    action: int
    reward: float
    next_observation: list[float]
    legal: list[bool]


class PlainDQN:
    """One Q-network, its target network and its Adam."""

    def __init__(
        self,
        layers: Sequence[Layer],
        target: Sequence[Layer],
        *,
        learning_rate: float,
        gamma: float,
        max_gradient_norm: float,
        double: bool,
    ) -> None:
        self.learning_rate, self.gamma, self.double = learning_rate, gamma, double
        self.max_gradient_norm = max_gradient_norm
        self.online = [torch.tensor(part, dtype=torch.float64) for layer in layers for part in layer]
        self.target = [torch.tensor(part, dtype=torch.float64) for layer in target for part in layer]
        self.first_moments = [torch.zeros_like(part) for part in self.online]
        self.second_moments = [torch.zeros_like(part) for part in self.online]
        self.steps = 0

    def step(self, batch: Sequence[Transition]) -> float:
        """One gradient step on the batch; returns its loss."""
        parameters = [part.clone().requires_grad_() for part in self.online]
        wanted = [self._wanted(transition) for transition in batch]
        errors = [
            forward(parameters, transition.observation)[transition.action] - goal
            for transition, goal in zip(batch, wanted, strict=True)
        ]
        loss = sum(huber(error) for error in errors) / len(errors)
        loss.backward()  # type: ignore[union-attr]
        self._adam(self._clipped([part.grad for part in parameters]))  # type: ignore[misc]
        return float(loss.detach())  # type: ignore[union-attr]

    def update_target(self, tau: float) -> None:
        """Moves the target network by the fraction tau towards the online network."""
        self.target = [
            tau * online + (1 - tau) * target for online, target in zip(self.online, self.target, strict=True)
        ]

    def gradient_norm(self, gradients: Sequence[Tensor]) -> float:
        return math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))

    def _wanted(self, transition: Transition) -> float:
        valued = forward(self.target, transition.next_observation).tolist()
        judged = forward(self.online, transition.next_observation).tolist() if self.double else valued
        options = [a for a, legal in enumerate(transition.legal) if legal]
        return float(transition.reward + self.gamma * valued[max(options, key=lambda a: judged[a])])

    def _clipped(self, gradients: list[Tensor]) -> list[Tensor]:
        norm = self.gradient_norm(gradients)
        return [gradient * min(1.0, self.max_gradient_norm / norm) for gradient in gradients] if norm else gradients

    def _adam(self, gradients: Sequence[Tensor]) -> None:
        self.steps += 1
        for place, gradient in enumerate(gradients):
            self.first_moments[place] = BETA_1 * self.first_moments[place] + (1 - BETA_1) * gradient
            self.second_moments[place] = BETA_2 * self.second_moments[place] + (1 - BETA_2) * gradient**2
            mean = self.first_moments[place] / (1 - BETA_1**self.steps)
            square = self.second_moments[place] / (1 - BETA_2**self.steps)
            self.online[place] = self.online[place] - self.learning_rate * mean / (square.sqrt() + TINY)


def forward(parts: Sequence[Tensor], observation: Sequence[float]) -> Tensor:
    """Q values of one observation: ReLU after each layer but the last."""
    values = torch.tensor(observation, dtype=torch.float64)
    for layer in range(0, len(parts), 2):
        values = values @ parts[layer] + parts[layer + 1]
        if layer + 2 < len(parts):
            values = torch.clamp(values, min=0)
    return values


def huber(error: Tensor) -> Tensor:
    """Quadratic within one unit of 0, linear beyond."""
    size = error.abs()
    return 0.5 * error**2 if float(size.detach()) < 1 else size - 0.5


class Seen(NamedTuple):
    """One round of all agents: observations (N, 8) of both phases, actions, payoffs and legal moves (N, n_moves)."""

    game: np.ndarray[Any, Any]
    game_actions: np.ndarray[Any, Any]
    payoffs: np.ndarray[Any, Any]
    migration: np.ndarray[Any, Any]
    legal: np.ndarray[Any, Any]
    moves: np.ndarray[Any, Any]


def inputs_of(
    rounds: Sequence[Seen], agent: int, high: Sequence[float], options: dict[str, Any]
) -> tuple[list[list[float]], list[list[float]]]:
    """What the networks of one agent see in the game and in the migration phases of one episode's rounds."""
    n_moves, frames = rounds[0].legal.shape[1], options.get("frames", 1)
    # One row per step; the agent's memory is what it did and got before that step.
    stack: list[list[float]] = [[0.0] * 8] * frames
    game_action, move, payoff = [0.0, 0.0], [0.0] * n_moves, 0.0
    games, migrations = [], []
    for seen in rounds:
        for phase, inputs in ((seen.game, games), (seen.migration, migrations)):
            if phase is seen.migration:
                game_action = [float(a == seen.game_actions[agent]) for a in range(2)]
                payoff = float(seen.payoffs[agent]) / (high[4] * high[5])
            stack = [*stack[1:], slots_of(phase[agent], high, options.get("counts", "log"))]
            row = [number for frame in stack for number in frame]
            row += [*game_action, *move] if options.get("previous_action") else []
            row += [payoff] if options.get("previous_payoff") else []
            inputs.append(row)
        if options["restricted"]:
            migrations[-1] = migrations[-1] + [float(allowed) for allowed in seen.legal[agent]]
        move = [float(a == seen.moves[agent]) for a in range(n_moves)]
    return games, migrations


def slots_of(observation: Sequence[float], high: Sequence[float], counts: str) -> list[float]:
    """The 8 slots of one observation, each in [0, 1]."""
    row = [number / bound if bound else 0.0 for number, bound in zip(map(float, observation), high, strict=True)]
    if counts == "log":
        row[6:] = [math.log(1 + float(n)) / math.log(1 + high[6]) for n in observation[6:]]
    return row


def transitions_of(
    episodes: Sequence[Sequence[Seen]], agent: int, high: Sequence[float], options: dict[str, Any]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """All game and all move transitions (o, a, r, o') of one agent: a move is paid by the next round's game."""
    games, moves = [], []
    for rounds in episodes:
        game_inputs, move_inputs = inputs_of(rounds, agent, high, options)
        for t in range(1, len(rounds)):
            before, now = rounds[t - 1], rounds[t]
            games.append((game_inputs[t - 1], before.game_actions[agent], before.payoffs[agent], game_inputs[t]))
            moves.append((move_inputs[t - 1], before.moves[agent], now.payoffs[agent], move_inputs[t]))
    return games, moves
