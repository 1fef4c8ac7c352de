"""Copies of an environment in mid-episode go on to the bit; agents can be renumbered."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from gymnasium.utils import EzPickle

from tests.small_game import everybody, placed, same_snapshot, seeded, small
from tests.support import anything, exactly, finish, same


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


# Each line: what is done to a snapshot of seven agents in casino 0 of six, the error, its text.
SPOILT: list[tuple[Any, type[Exception], str]] = [
    (lambda s: s.pop("generator"), ValueError, "the snapshot lacks generator"),
    (lambda s: s.update(extra=1), ValueError, "unknown part of a snapshot 'extra'"),
    (lambda s: s.update(cycle=-1), ValueError, "cycle must be >= 0, got -1"),
    (lambda s: s.update(cycle=1.0), TypeError, "cycle must be an integer, got 1.0"),
    (lambda s: s.update(max_cycles=0), ValueError, "max_cycles must be >= 1, got 0"),
    (lambda s: s.update(live=1), TypeError, "live must be True or False, got 1"),
    (lambda s: s.update(illegal=[[0] * 7]), TypeError, "illegal must be an array of int64, got list"),
    (lambda s: s.update(generator={"a": 1}), ValueError, "generator must be the state of a PCG64, got {'a': 1}"),
    (lambda s: s.update(config={}), ValueError, "config must have the fields of MPGGConfig, got {}"),
    (lambda s: s.update(state={}), TypeError, "state must be an MPGGState, got dict"),
    (lambda s: setattr(s["state"], "phase", "end"), ValueError, "phase must be one of 'game', 'migration', got 'end'"),
    (lambda s: setattr(s["state"], "round", -1), ValueError, "round must be >= 0, got -1"),
    (
        lambda s: setattr(s["state"], "positions", np.zeros((1, 8), np.int64)),
        ValueError,
        "positions must have shape (1, 7), got (1, 8)",
    ),
    (
        lambda s: setattr(s["state"], "last_actions", np.zeros((1, 7))),
        TypeError,
        "last_actions must be an array of int8, got an array of float64",
    ),
    (lambda s: s["state"].positions.fill(6), ValueError, "positions must be in [0, 5], got 6"),
    (lambda s: s["state"].positions.fill(-1), ValueError, "positions must be in [0, 5], got -1"),
    (lambda s: s["state"].last_actions.fill(2), ValueError, "last_actions must be in [0, 1], got 2"),
    (lambda s: s["state"].positions.fill(1), ValueError, "occupancy must count the agents at each of the positions"),
    (
        lambda s: s["state"].last_actions.fill(1),
        ValueError,
        "cooperators must count the agents at each of the positions whose last action is C",
    ),
]


@pytest.mark.parametrize(("spoil", "error", "text"), SPOILT, ids=range(len(SPOILT)))
def test_a_wrong_snapshot_is_refused_and_changes_nothing(spoil: Any, error: type[Exception], text: str) -> None:
    env = placed(0)
    snapshot, before = env.get_state(), env.get_state()
    spoil(snapshot)
    with pytest.raises(error, match=exactly(text)):
        env.set_state(snapshot)
    assert same_snapshot(before, env.get_state())


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^the snapshot must be a dict from get_state\(\), got list$"):
        small().set_state([])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"n_agents": 8}, "its n_agents is 7, here it is 8"),
        ({"boundary": "wall"}, "its boundary is 'mask', here it is 'wall'"),
        ({"payoff": "code"}, "its payoff is 'text', here it is 'code'"),
    ],
)
def test_a_snapshot_of_another_game_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=exactly(f"the snapshot is of another game: {text}")):
        small(**fields).set_state(placed(0).get_state())


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
