"""What holds in every game: properties over random configurations, and the engine against the slow oracle."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mpgg_env import MPGGConfig, MPGGParallelEnv
from mpgg_env.games.mpgg import rules
from tests.oracles.game_oracle import Board, move, observed, play, starting_counts

pytestmark = pytest.mark.algorithm

NUMBERS = st.floats(0, 10, allow_nan=False, width=32)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[float, float]:
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    return low, high


@st.composite
def configurations(draw: st.DrawFn, **fixed: Any) -> MPGGConfig:
    """Small boards of every kind; `fixed` fields are taken as they are."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    casinos = shape[0] * shape[1]
    explicit = st.none() | st.lists(NUMBERS, min_size=casinos, max_size=casinos).map(tuple)
    fields: dict[str, Any] = {
        "grid_shape": shape,
        "n_agents": draw(st.integers(1, 14)),
        "gain_range": draw(ranges()),
        "cost_range": draw(ranges()),
        "cell_values": draw(st.sampled_from(["upper", "center", "linspace"])),
        "boundary": draw(st.sampled_from(["torus", "wall", "mask"])),
        "moves": draw(st.sampled_from(["von_neumann", "moore", "anywhere"])),
        "payoff": draw(st.sampled_from(["text", "code"])),
        "obs_game": draw(st.sampled_from(["m", "m_n", "m_n_nC"])),
        "obs_migration": draw(st.sampled_from(["m", "m_n", "m_n_nC"])),
        "remainder": draw(st.sampled_from(["random", "first", "drop"])),
        "min_players": draw(st.integers(1, 3)),
        "cost": draw(explicit),
        "gain": draw(explicit),
        **fixed,
    }
    assume(fields["remainder"] != "drop" or fields["n_agents"] >= casinos)
    return MPGGConfig(**fields)


def board_of(config: MPGGConfig) -> Board:
    return Board(
        *config.grid_shape,
        boundary=config.boundary,
        moves=config.moves,
        payoff=config.payoff,
        min_players=config.min_players,
        cell_values=config.cell_values,
        cost_range=config.cost_range,
        gain_range=config.gain_range,
        costs=config.cost,
        gains=config.gain,
    )


def step(env: MPGGParallelEnv, actions: Any) -> Any:
    return env.step(dict(zip(env.agents, np.asarray(actions).tolist(), strict=True)))


def compare_observations(env: MPGGParallelEnv, board: Board, observations: Any, gave: list[int]) -> None:
    what = env.config.obs_game if env.phase == "game" else env.config.obs_migration
    for i, agent in enumerate(env.possible_agents):
        expected = observed(board, env.positions.tolist(), i, env.phase, what, gave)
        np.testing.assert_allclose(observations[agent], expected, rtol=1e-6, atol=1e-6)


# The oracle is told the rules in words and shares no code with the engine.
@settings(max_examples=150)
@given(configurations(), st.integers(0, 2**32), st.integers(1, 4))
def test_the_engine_plays_like_the_oracle(config: MPGGConfig, seed: int, rounds: int) -> None:
    rng = np.random.default_rng(seed)
    board, env = board_of(config), MPGGParallelEnv(config, strict=True)
    observations, infos = env.reset(seed=seed)
    names = [str(m) for m in range(config.n_casinos)] if config.moves == "anywhere" else rules.move_names(config)
    positions, gave = env.positions.tolist(), [0] * config.n_players
    bounds = starting_counts(config.n_agents, config.n_casinos, config.remainder)
    assert all(least <= count <= most for count, (least, most) in zip(env.occupancy, bounds, strict=True))
    for _ in range(rounds):
        compare_observations(env, board, observations, gave)
        gave = rng.integers(2, size=config.n_players).tolist()
        payoffs, cooperators = play(board, positions, gave)
        observations, rewards, *_, infos = step(env, gave)
        np.testing.assert_allclose(list(rewards.values()), [float(x) for x in payoffs], rtol=1e-12, atol=1e-12)
        assert env.cooperators.tolist() == cooperators
        compare_observations(env, board, observations, gave)
        reached = [[move(board, place, name) for name in names] for place in positions]
        for i, info in enumerate(infos.values()):
            mask = [int(place is not None) for place in reached[i]]
            assert info["action_mask"].tolist() == mask + [0] * (len(info["action_mask"]) - len(mask))
        choices = [rng.choice(np.flatnonzero([place is not None for place in row])) for row in reached]
        positions = [row[choice] for row, choice in zip(reached, choices, strict=True)]
        observations, rewards, *_ = step(env, choices)
        assert env.positions.tolist() == positions
        assert set(rewards.values()) == {0.0}


@given(configurations(), st.integers(0, 2**32))
def test_agents_are_conserved_and_counts_are_counts(config: MPGGConfig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    env = MPGGParallelEnv(config)
    env.reset(seed=seed)
    for _ in range(8):
        step(env, rng.integers(env.engine.n_actions, size=config.n_players))
        assert env.occupancy.tolist() == np.bincount(env.positions, minlength=config.n_casinos).tolist()
        assert env.occupancy.sum() == config.n_players
        assert ((env.cooperators >= 0) & (env.cooperators <= env.occupancy)).all()


# r c k / n to each of n members, less c from each of k cooperators: in all (r - 1) c k.
@given(configurations(payoff="text", min_players=1), st.integers(0, 2**32))
def test_payoffs_of_a_casino_sum_to_r_minus_one_times_c_times_k(config: MPGGConfig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    env = MPGGParallelEnv(config)
    env.reset(seed=seed, options={"positions": rng.integers(config.n_casinos, size=config.n_players)})
    rewards = list(step(env, rng.integers(2, size=config.n_players))[1].values())
    sums = np.bincount(env.positions, rewards, minlength=config.n_casinos)
    np.testing.assert_allclose(sums, (env.gain - 1) * env.cost * env.cooperators, rtol=1e-12, atol=1e-9)


@given(configurations(boundary="wall", moves="moore"), st.integers(0, 2**32))
def test_relabelling_agents_relabels_everything(config: MPGGConfig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(config.n_players)
    left, right = MPGGParallelEnv(config), MPGGParallelEnv(config)
    places = rng.integers(config.n_casinos, size=config.n_players)
    left.reset(options={"positions": places})
    right.reset(options={"positions": places[order]})
    for bound in (2, config.n_moves, 2, config.n_moves):
        actions = rng.integers(bound, size=config.n_players)
        here, there = step(left, actions), step(right, actions[order])
        for part in (0, 1):
            values = np.array(list(here[part].values()))[order]
            assert (values == np.array(list(there[part].values()))).all()
        assert (left.positions[order] == right.positions).all()


@pytest.mark.parametrize("boundary", ["wall", "mask"])
@given(data=st.data())
def test_walls_hold(boundary: str, data: st.DataObject) -> None:
    config = data.draw(configurations(boundary=boundary, moves=data.draw(st.sampled_from(["von_neumann", "moore"]))))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    env = MPGGParallelEnv(config)
    env.reset(seed=0)
    for _ in range(4):
        before = np.divmod(env.positions, config.grid_shape[1])
        step(env, np.zeros(config.n_players, int))
        step(env, rng.integers(config.n_moves, size=config.n_players))
        after = np.divmod(env.positions, config.grid_shape[1])
        assert all((abs(new - old) <= 1).all() for old, new in zip(before, after, strict=True))


# Moves 1 to 4 are up, down, left, right; on a torus as many steps as the board is wide lead back to the start.
@given(configurations(boundary="torus", moves="moore"), st.integers(1, 4))
def test_tori_wrap(config: MPGGConfig, direction: int) -> None:
    env = MPGGParallelEnv(config)
    env.reset(seed=1)
    start = env.positions.tolist()
    lap = config.grid_shape[0] if direction <= 2 else config.grid_shape[1]
    for count in range(1, lap + 1):
        step(env, np.zeros(config.n_players, int))
        step(env, np.full(config.n_players, direction))
        assert (env.positions.tolist() == start) == (count == lap)
    assert sum(info["illegal"] for info in env.reset()[1].values()) == 0
