"""Games with known answers for learners of general-sum games: repeated matrix games, and the grid games of [Hu2003]."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from gymnasium.utils.seeding import np_random
from pettingzoo.utils.env import ParallelEnv

LEFT, RIGHT, DOWN, UP = range(4)
STEPS = {LEFT: (0, -1), RIGHT: (0, 1), DOWN: (-1, 0), UP: (1, 0)}
SIDE = 3


class MatrixGame(ParallelEnv):
    """One game in normal form, repeated without end.

    Args:
        payoffs: (N, m_1, ..., m_N).
    """

    metadata: ClassVar = {"name": "matrix_game"}

    def __init__(self, payoffs: Any) -> None:
        self.payoffs = np.asarray(payoffs, float)
        self.possible_agents = [f"player_{i}" for i in range(len(self.payoffs))]
        self.agents: list[str] = []
        self.spaces = [Discrete(m) for m in self.payoffs.shape[1:]]
        self.seen = Box(0, 1, (1,), np.float32)

    def observation_space(self, agent):
        return self.seen

    def action_space(self, agent):
        return self.spaces[self.possible_agents.index(agent)]

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents.copy()
        return self._see(), {name: {} for name in self.agents}

    def step(self, actions):
        paid = self.payoffs[(slice(None), *(actions[name] for name in self.agents))]
        never = dict.fromkeys(self.agents, False)
        return (
            self._see(),
            dict(zip(self.agents, paid.tolist(), strict=True)),
            never,
            never,
            {n: {} for n in self.agents},
        )

    def _see(self):
        return {name: np.zeros(1, np.float32) for name in self.agents}


class GridGame(ParallelEnv):
    """Two agents walk from the lower corners of a 3 x 3 grid to their goals ([Hu2003] section 4).

    Cells are numbered 0 to 8 from the lower left, row by row. Both move at once, to a neighbouring cell. Two who try to
    enter the same cell stay where they are and pay 1, unless it is a goal, which both may enter. Whoever reaches the
    own goal gets 100, and the game ends with it. A move up through a barrier succeeds with probability 1/2.

    Args:
        goals: Goal of either agent.
        barriers: Cells with a barrier above.
    """

    metadata: ClassVar = {"name": "grid_game"}
    starts = (0, 2)

    def __init__(self, goals: Sequence[int], barriers: Sequence[int] = ()) -> None:
        self.goals, self.barriers = tuple(goals), tuple(barriers)
        self.possible_agents = ["one", "two"]
        self.agents: list[str] = []
        self.cells = list(self.starts)
        self.seen = MultiDiscrete([9, 9])
        self.moves = Discrete(4)
        self.np_random = np_random()[0]

    def observation_space(self, agent):
        return self.seen

    def action_space(self, agent):
        return self.moves

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.np_random = np_random(seed)[0]
        self.agents = self.possible_agents.copy()
        self.cells = list((options or {}).get("cells", self.starts))
        return self._see(), self._infos()

    def step(self, actions):
        chosen = [actions[name] for name in self.agents]
        luck = tuple(bool(success) for success in self.np_random.random(2) < 0.5)
        self.cells, rewards, over = outcome(self.goals, self.barriers, self.cells, chosen, luck)
        result = self._see(), dict(zip(self.agents, rewards, strict=True)), dict.fromkeys(self.agents, over)
        infos, never = self._infos(), dict.fromkeys(self.agents, False)
        if over:
            self.agents = []
        return (*result, never, infos)

    def _see(self):
        return {name: np.array(self.cells) for name in self.agents}

    def _infos(self):
        return {
            name: {"action_mask": np.array([move in legal_moves(cell) for move in range(4)], np.int8)}
            for name, cell in zip(self.agents, self.cells, strict=True)
        }


def legal_moves(cell: int) -> list[int]:
    """The moves that stay on the grid."""
    row, column = divmod(cell, SIDE)
    return [m for m, (up, right) in STEPS.items() if 0 <= row + up < SIDE and 0 <= column + right < SIDE]


def outcome(goals, barriers, cells, moves, luck):
    """The cells after a step, the rewards, and whether the game is over."""
    wanted = []
    for cell, move, lucky in zip(cells, moves, luck, strict=True):
        held = move == UP and cell in barriers and not lucky
        up, right = STEPS[move]
        wanted.append(cell if held else cell + SIDE * up + right)
    rewards = [0.0, 0.0]
    if wanted[0] == wanted[1] and wanted[0] not in goals:
        wanted, rewards = list(cells), [-1.0, -1.0]
    arrived = [cell == goal for cell, goal in zip(wanted, goals, strict=True)]
    return wanted, [100.0 if there else paid for there, paid in zip(arrived, rewards, strict=True)], any(arrived)


def grid_game_1() -> GridGame:
    """The goals are in the opposite upper corners."""
    return GridGame(goals=(8, 6))


def grid_game_2() -> GridGame:
    """One goal in the middle of the upper edge, and a barrier above either start."""
    return GridGame(goals=(7, 7), barriers=(0, 2))
