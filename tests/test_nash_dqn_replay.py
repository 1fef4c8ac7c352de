"""The replay buffer of Nash-DQN: what it keeps and draws, and that it is stored whole."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mpgg_agents.nash_dqn.episodes import Transitions
from mpgg_agents.nash_dqn.replay import Replay
from tests.tiny_nash_dqn import learner, played, through_a_file


def numbered(numbers: list[int]) -> Transitions:
    column = torch.tensor(numbers, dtype=torch.float32)[:, None].expand(-1, 2)
    wide = column[..., None]
    return Transitions(wide, column, column, column, wide + 0.5, column + 0.5, column[:, :1])


def held(replay: Replay) -> list[float]:
    return replay.parts.actions[: replay.size, 0].tolist()


def test_the_buffer_keeps_the_last_decisions_in_a_ring() -> None:
    replay, draws = Replay(5, 1, 2), np.random.default_rng(0)
    replay.add(numbered([1, 2, 3]))
    assert held(replay) == [1, 2, 3]
    assert set(replay.draw(50, draws).actions[:, 0].tolist()) == {1, 2, 3}
    replay.add(numbered([4, 5, 6]))
    assert held(replay) == [6, 2, 3, 4, 5]
    replay.add(numbered(list(range(10, 17))))
    assert sorted(held(replay)) == [12, 13, 14, 15, 16]
    replay.add(numbered([17]))
    assert sorted(held(replay)) == [13, 14, 15, 16, 17]
    drawn = replay.draw(40, draws)
    assert len(drawn.actions) == 40
    for part, shift in zip(drawn, (0, 0, 0, 0, 0.5, 0.5, 0), strict=True):
        assert torch.equal(part.reshape(40, -1)[:, 0] - shift, drawn.actions[:, 0])  # rows stay together
    replay.clear()
    replay.add(numbered([7]))
    assert set(replay.draw(9, draws).actions[:, 0].tolist()) == {7}


@pytest.mark.parametrize("sizes", [[], [3], [3, 3], [5], [4, 4, 4]], ids=str)
def test_a_restored_buffer_goes_on_as_the_first_one(sizes: list[int]) -> None:
    first, second = Replay(5, 1, 2), Replay(5, 1, 2)
    for size in sizes:
        first.add(numbered(list(range(size))))
    second.add(numbered([9, 9, 9, 9]))
    second.restore(through_a_file(first.arrays()))
    for replay in (first, second):
        replay.add(numbered([20, 21]))
    assert held(first) == held(second)
    draws = [replay.draw(9, np.random.default_rng(1)).next_own for replay in (first, second)]
    assert torch.equal(*draws)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: a.update(position=np.array(2)), "replay must be 3 of 5 decisions in order, got position 2"),
        (lambda a: a.update(own=np.zeros((6, 2, 1), np.float32)), "replay must be 6 of 5 decisions in order"),
        (lambda a: a.update(rewards=a["rewards"][:2]), "replay.rewards must be 3 finite rows, got 2"),
        (lambda a: a["own"].fill(np.inf), "replay.own must be 3 finite rows, got 3"),
    ],
)
def test_a_damaged_buffer_is_refused(change: Callable[[dict[str, Any]], None], complaint: str) -> None:
    replay = Replay(5, 1, 2)
    replay.add(numbered([1, 2, 3]))
    arrays = through_a_file(replay.arrays())
    change(arrays)
    with pytest.raises(ValueError, match=complaint):
        Replay(5, 1, 2).restore(arrays)


def test_replayed_data_are_decisions_of_this_and_earlier_rounds() -> None:
    one = learner(data="replay", capacity=20)
    first, second = played(one, 1), played(one, 2)
    drawn = one._data(first)
    assert len(drawn.actions) == len(first.actions) == 12
    assert all((first.actions == row).all(1).any() for row in drawn.actions)
    one.rounds_done = 1
    drawn = one._data(second)
    known = torch.cat([first.actions[4:], second.actions])
    assert all((known == row).all(1).any() for row in drawn.actions)


def test_every_round_draws_anew_from_the_buffer() -> None:
    one = learner(data="replay", capacity=12)
    seen = played(one)
    drawn = []
    for rounds_done in (0, 0, 1):  # the same twelve decisions fill the buffer each time
        one.rounds_done = rounds_done
        drawn.append(one._data(seen).actions)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])
