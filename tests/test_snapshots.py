"""Copies of an environment in mid-episode go on to the bit; agents can be renumbered."""

import copy
import pickle
from typing import Any

import pytest
from gymnasium.utils import EzPickle

from tests.small_game import everybody, placed, seeded, small
from tests.support import anything, finish, same


@pytest.mark.parametrize("steps_before", [0, 1, 4, 7])
@pytest.mark.parametrize("how", ["get_state", "pickle", "deepcopy"])
def test_a_copy_in_mid_episode_continues_to_the_bit(how: str, steps_before: int) -> None:
    env = small()
    env.reset(seed=21)
    choose = anything(seeded(8))
    for _ in range(steps_before):
        env.step(choose(env, {}))
    if how == "get_state":
        other = small()
        other.reset(seed=99)
        other.set_state(env.get_state())
    else:
        other = pickle.loads(pickle.dumps(env)) if how == "pickle" else copy.deepcopy(env)
    left, right = finish(env, anything(seeded(9)), {}), finish(other, anything(seeded(9)), {})
    assert len(left) == 20 - steps_before
    assert sum(info["illegal"] for info in left[-1][4].values()) > 10  # so the generator has been at work
    assert same(left, right)
    assert same(env.np_random.bit_generator.state, other.np_random.bit_generator.state)
    # The episode after it, which goes on with the generator.
    assert same(env.reset(), other.reset())


def test_a_snapshot_is_not_changed_by_playing_on() -> None:
    env = placed(0)
    snapshot = env.get_state()
    first = finish(env, anything(seeded(1)), {})
    env.set_state(snapshot)
    assert same(first, finish(env, anything(seeded(1)), {}))
    env.set_state(snapshot)
    assert same(first, finish(env, anything(seeded(1)), {}))


def test_a_snapshot_after_the_end_stays_at_the_end() -> None:
    env = small(max_cycles=1)
    env.reset(seed=0)
    env.step(everybody(env, 0))
    other = small(max_cycles=9)
    other.reset(seed=0)
    other.set_state(env.get_state())
    assert other.agents == []
    assert other.max_cycles == 1


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda s: s.pop("generator"), "the snapshot lacks generator"),
        (lambda s: s.update(extra=1), "unknown part of a snapshot 'extra'"),
    ],
)
def test_a_wrong_snapshot_is_refused(spoil: Any, text: str) -> None:
    env = placed(0)
    snapshot = env.get_state()
    spoil(snapshot)
    with pytest.raises(ValueError, match=f"^{text}$"):
        env.set_state(snapshot)


def test_a_snapshot_of_another_game_is_refused() -> None:
    env = placed(0)
    with pytest.raises(ValueError, match=r"^the snapshot is of another game: 7 agents on 6 casinos$"):
        small(n_agents=8).set_state(env.get_state())


def test_the_environment_is_no_ezpickle() -> None:
    assert not isinstance(small(), EzPickle)  # it would forget the state in mid-episode


@pytest.mark.parametrize("payoff", ["text", "code"])
def test_permuting_agents_permutes_rewards(payoff: str) -> None:
    rng = seeded(31)
    for _ in range(20):
        env, other = small(payoff=payoff, n_agents=12), small(payoff=payoff, n_agents=12)
        places, plays, order = rng.integers(6, size=12), rng.integers(2, size=12), rng.permutation(12)
        env.reset(options={"positions": places})
        other.reset(options={"positions": places[order]})
        rewards = env.step(dict(zip(env.agents, plays.tolist(), strict=True)))[1]
        permuted = other.step(dict(zip(env.agents, plays[order].tolist(), strict=True)))[1]
        assert [permuted[f"agent_{i}"] for i in range(12)] == [rewards[f"agent_{i}"] for i in order]
