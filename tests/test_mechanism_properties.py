"""What holds for mechanisms in every state: they play like the oracle, balance, and know no names of agents."""

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpgg_env import MPGGConfig, MPGGParallelEnv
from mpgg_env.games.mpgg.mechanisms import casino_payoffs, rebates
from tests.oracles.game_oracle import Board, casino_transfers, play, toll_transfers
from tests.test_properties import configurations, step

pytestmark = pytest.mark.algorithm

AMOUNTS = st.floats(0, 4, allow_nan=False, width=32)
SEATS = st.integers(1, 6)
PARAMETERS: dict[str, dict[str, Any]] = {
    "fine": {"amount": AMOUNTS},
    "subsidy": {"amount": AMOUNTS},
    "subsidy_local": {"amount": AMOUNTS},
    "toll": {"fee": AMOUNTS, "surcharge": AMOUNTS, "seats": SEATS},
    "pigou": {"rate": AMOUNTS},
    "capacity": {"seats": SEATS},
    "peer": {"punishment": AMOUNTS, "cost": AMOUNTS},
}


@st.composite
def mechanised(draw: st.DrawFn, names: tuple[str, ...] = tuple(PARAMETERS), **fixed: Any) -> MPGGConfig:
    """Games with mechanisms, whose parameters differ between casinos or do not."""
    config = draw(configurations(**fixed))
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))

    def parameter(values: Any) -> Any:
        each = st.lists(values, min_size=config.n_casinos, max_size=config.n_casinos).map(tuple)
        return draw(st.one_of(values, each))

    made = [{"name": name, **{key: parameter(values) for key, values in PARAMETERS[name].items()}} for name in chosen]
    if "toll" in chosen:
        made[chosen.index("toll")]["rebate"] = draw(st.sampled_from(("others", "none")))
    if "capacity" in chosen and draw(st.booleans()):
        made[chosen.index("capacity")]["seats"] = None
    return config.replace(mechanism=made)


def board_of(config: MPGGConfig, env: MPGGParallelEnv) -> Board:
    """The board in the words of the oracle; costs and gains are the game's, whose rounding decides on seats."""
    return Board(
        *config.grid_shape,
        payoff=config.payoff,
        min_players=config.min_players,
        costs=tuple(env.cost.tolist()),
        gains=tuple(env.gain.tolist()),
        mechanism=tuple(mechanism.to_dict() for mechanism in config.mechanisms),
    )


def placed(config: MPGGConfig, seed: int) -> tuple[MPGGParallelEnv, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """An environment with agents anywhere, their casinos, and what they are going to play."""
    rng = np.random.default_rng(seed)
    env = MPGGParallelEnv(config)
    # Few casinos, so that most of them are crowded.
    positions = rng.integers(rng.integers(1, config.n_casinos, endpoint=True), size=config.n_players)
    env.reset(seed=seed, options={"positions": positions})
    return env, positions, rng.integers(2, size=config.n_players)


@settings(max_examples=150)
@given(mechanised(), st.integers(0, 2**32))
def test_the_engine_pays_like_the_oracle(config: MPGGConfig, seed: int) -> None:
    env, positions, actions = placed(config, seed)
    board = board_of(config, env)
    rewards, infos = step(env, actions)[1::3]
    plays = env.engine.plays[0].tolist()
    payoffs, cooperators = play(board, positions.tolist(), actions.tolist(), plays)
    np.testing.assert_allclose(list(rewards.values()), [float(x) for x in payoffs], rtol=1e-9, atol=1e-9)
    assert env.cooperators.tolist() == cooperators  # excluded ones too: they chose C
    # Who paid what, by mechanism.
    told = toll_transfers(board, positions.tolist())
    expected = {mechanism["name"]: np.zeros(config.n_players) for mechanism in board.mechanism}
    expected |= {"toll": np.array([float(money) for money in told.values()])} if "toll" in expected else {}
    for m in range(config.n_casinos):
        seated = [i for i in range(config.n_players) if positions[i] == m and plays[i]]
        if len(seated) >= config.min_players:
            for name, got in casino_transfers(board, m, seated, [i for i in seated if actions[i]]):
                expected[name][list(got)] += [float(money) for money in got.values()]
    expected.pop("capacity", None)
    assert env.engine.transfers.keys() == expected.keys()
    for name, received in env.engine.transfers.items():
        np.testing.assert_allclose(received[0], expected[name], rtol=1e-9, atol=1e-9)
    total = [info["transfer"] for info in infos.values()]
    np.testing.assert_allclose(total, sum(expected.values(), np.zeros(config.n_players)), rtol=1e-9, atol=1e-9)
    produced = sum(rewards.values()) - sum(total)
    np.testing.assert_allclose(env.engine.produced, produced, rtol=1e-9, atol=1e-7)


# Spec: payments sum to 0 in every state, subsidies are a sponsor's s k, punishment is lost to all.
@given(mechanised(), st.integers(0, 2**32))
def test_what_changes_hands_balances(config: MPGGConfig, seed: int) -> None:
    env, positions, actions = placed(config, seed)
    step(env, actions)
    for name, received in env.engine.transfers.items():
        in_casinos = np.bincount(positions, received[0], minlength=config.n_casinos)
        if name in ("fine", "subsidy_local", "pigou"):
            np.testing.assert_allclose(in_casinos, 0, atol=1e-9)
        elif name == "toll" and env.engine.rules.terms.rebates:
            np.testing.assert_allclose(in_casinos.sum(), 0, atol=1e-9)
        elif name == "toll":  # the sponsor keeps it
            assert (received <= 0).all()
        elif name == "subsidy":
            assert (received >= 0).all()
            assert (received[0][actions == 0] == 0).all()
        else:
            assert name == "peer"
            assert (received <= 0).all()


@given(mechanised(names=tuple(name for name in PARAMETERS if name != "capacity")), st.integers(0, 2**32))
def test_relabelling_agents_relabels_payoffs(config: MPGGConfig, seed: int) -> None:
    env, positions, actions = placed(config, seed)
    order = np.random.default_rng(seed).permutation(config.n_players)
    other = MPGGParallelEnv(config)
    other.reset(options={"positions": positions[order]})
    here, there = list(step(env, actions)[1].values()), list(step(other, actions[order])[1].values())
    assert np.array(here)[order].tolist() == there


# The mean over all draws, each as likely as the other, with the oracle's payoffs. All are in casino 0.
@settings(max_examples=80)
@given(mechanised(n_agents=7, remainder="first"), st.integers(0, 7), st.integers(1, 7))
def test_expected_payoffs_are_means_over_all_draws(config: MPGGConfig, cooperators: int, n: int) -> None:
    board, k = board_of(config, MPGGParallelEnv(config)), min(cooperators, n)
    seats = min(n, board.seats(0))
    positions, actions = [0] * n, [1] * k + [0] * (n - k)
    total = np.zeros(n)
    for seated in combinations(range(n), int(seats)):
        payoffs, _ = play(board, positions, actions, [i in seated for i in range(n)])
        total += [float(payoff) for payoff in payoffs]
    occupancy = np.zeros(config.n_casinos, int)
    occupancy[0] = n
    own = casino_payoffs(config, 0, n, k) + rebates(config, occupancy)[0]
    means = total / comb(n, int(seats))
    expected = [means[-1] if k < n else np.nan, means[0] if k else np.nan]
    np.testing.assert_allclose(own, expected, rtol=1e-9, atol=1e-9)
