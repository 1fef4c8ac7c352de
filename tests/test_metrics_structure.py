"""Measures of structure: corridor, flux, assortment and the Price split, by hand and by brute force over agents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpgg_env import MPGGConfig, MPGGVectorEnv
from mpgg_env.analysis import metrics_structure as structure
from tests.support import exactly

STAY, UP, DOWN, LEFT, RIGHT = range(5)

profiles = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=6, max_size=6).map(
    lambda pairs: (np.array([max(p) for p in pairs]), np.array([min(p) for p in pairs]))
)


def test_indices_of_the_board_by_hand():
    values = np.array([0.0, 1.0, 2.0, 0.0, 2.0, 4.0])  # 2 rows, 3 columns; mean 1.5, highest 4
    corner = np.array([0, 0, 0, 0, 0, 7.0])
    assert {name: float(index) for name, index in structure.corridor_indices(corner, (2, 3), values).items()} == {
        "I_alpha": 1.0,
        "I_c": 1.0,
        "I_v": 1.0,
    }
    uniform = structure.corridor_indices(np.ones(6), (2, 3), values)
    assert [float(index) for index in uniform.values()] == pytest.approx([0, 0, 0])
    lower_left = structure.corridor_indices(np.array([3.0, 1, 0, 0, 0, 0]), (2, 3), values)
    # mean column 1/4 of 0..2, row 0, mean value 1/4
    assert [float(index) for index in lower_left.values()] == pytest.approx([-0.75, -1, (0.25 - 1.5) / 2.5])
    one_row = structure.corridor_indices(np.ones(3), (1, 3), np.ones(3))
    assert float(one_row["I_alpha"]) == 0
    assert np.isnan([float(one_row["I_c"]), float(one_row["I_v"])]).all()
    equal = np.array([0.1, 0.1, 0.1])
    assert equal.max() - equal.mean() != 0  # by rounding
    assert np.isnan(structure.corridor_indices(np.array([1.0, 0, 0]), (1, 3), equal)["I_v"])
    nobody = structure.corridor_indices(np.zeros(6), (2, 3), values)
    assert np.isnan([float(index) for index in nobody.values()]).all()


def test_high_cell_use_by_hand():
    values = np.arange(8.0)  # the two best of eight are the top quartile
    assert structure.high_cell_use(np.array([[1] * 8, [0] * 7 + [5], [3] + [0] * 7]), values).tolist() == [1, 4, 0]
    assert structure.high_cell_use(np.array([2, 0, 0, 0, 0, 0, 1, 1]), values) == 2
    assert np.isnan(structure.high_cell_use(np.zeros(8), values))
    assert structure.high_cell_use(np.array([3.0]), np.array([1.0])) == 4  # one casino is its own top quartile


def test_corridor_set_by_hand():
    # Eight agents on four casinos, two on average. Crowded: the first two and the last, where C are less than half.
    occupancy, cooperators = np.array([2, 3, 0, 3]), np.array([1, 3, 0, 1])
    assert structure.corridor_set(occupancy, cooperators).tolist() == [True, True, False, False]
    assert structure.corridor_set(occupancy, cooperators, cooperation=0.8).tolist() == [False, True, False, False]
    assert structure.corridor_set(occupancy, cooperators, density=1.5).tolist() == [False, True, False, False]
    # An empty casino has no share of cooperators, whatever the thresholds.
    assert structure.corridor_set(occupancy, cooperators, density=0, cooperation=0).tolist() == [
        True,
        True,
        False,
        True,
    ]
    assert not structure.corridor_set(np.zeros(4), np.zeros(4)).any()
    assert 0.07 * 100 > 7  # by rounding
    assert structure.corridor_set(np.array([100]), np.array([7]), cooperation=0.07).all()


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"density": -1}, "density must be finite and >= 0, got -1"),
        ({"cooperation": 1.5}, "cooperation must be in [0, 1], got 1.5"),
        ({"cooperation": float("nan")}, "cooperation must be in [0, 1], got nan"),
    ],
)
def test_corridor_thresholds_are_checked(thresholds, message):
    with pytest.raises(ValueError, match=exactly(message)):
        structure.corridor_set(np.ones(2), np.ones(2), **thresholds)


def board(*rows):
    """Casinos of a set, the first row of the text being the highest cost, as in the figures."""
    return np.array([[letter == "#" for letter in row] for row in rows[::-1]]).reshape(-1)


SPANS = {
    "straight": (board("....", "####", "...."), True, True),
    "winding": (board("##..", ".#..", ".###"), True, True),
    "diagonal": (board("..##", "##..", "...."), False, False),
    "broken": (board("....", "##.#", "...."), False, True),  # the torus joins its ends around the edge
    "one end": (board("....", "###.", "...."), False, False),
    "snake": (board("#.##", "#.#.", "###."), True, True),
    "over the top": (board(".###", "....", "##.."), False, True),
    "empty": (board("....", "....", "...."), False, False),
}


@pytest.mark.parametrize("name", SPANS)
def test_corridor_spans_from_the_lowest_to_the_highest_gain(name):
    members, walls, torus = SPANS[name]
    for boundary, expected in (("wall", walls), ("mask", walls), ("torus", torus)):
        spans = structure.corridor_spans(MPGGConfig(grid_shape=(3, 4), boundary=boundary), members)
        assert bool(spans) == expected, boundary


def test_corridor_spans_of_many_sets_and_odd_boards():
    config = MPGGConfig(grid_shape=(3, 4), boundary="wall")
    sets = np.stack([[members for members, *_ in SPANS.values()]] * 2)
    assert structure.corridor_spans(config, sets).tolist() == [[walls for _, walls, _ in SPANS.values()]] * 2
    column = MPGGConfig(grid_shape=(3, 1))
    assert structure.corridor_spans(column, np.array([[False, True, False], [False] * 3])).tolist() == [True, False]


def searched(config, members):
    """Depth-first search from every casino of the first column."""
    rows, columns = config.grid_shape
    left = {divmod(m, columns) for m in np.flatnonzero(members).tolist()}
    open_ends = [cell for cell in left if cell[1] == 0]
    while open_ends:
        row, column = open_ends.pop()
        if column == columns - 1:
            return True
        left.discard((row, column))
        for step in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            cell = row + step[0], column + step[1]
            if config.boundary == "torus":
                cell = cell[0] % rows, cell[1] % columns
            if cell in left:
                open_ends.append(cell)
    return False


@given(st.lists(st.booleans(), min_size=20, max_size=20), st.sampled_from(["torus", "wall"]))
def test_corridor_spans_as_a_search_finds(members, boundary):
    config = MPGGConfig(grid_shape=(4, 5), boundary=boundary)
    assert structure.corridor_spans(config, np.array(members)) == searched(config, members)


def moves_of(config, *made):
    moves = np.zeros((config.n_casinos, config.n_moves))
    for casino, move, agents in made:
        moves[casino, move] = agents
    return moves


def test_uphill_flux_by_hand():
    config, values = MPGGConfig(grid_shape=(2, 3), boundary="wall"), np.array([0.0, 1.0, 2.0, 0.0, 2.0, 4.0])
    # 3 to a better casino, 1 to a worse one, 2 to one of the same value; stays and moves against the wall do not count.
    moves = moves_of(config, (1, RIGHT, 3), (2, LEFT, 1), (0, UP, 2), (5, STAY, 9), (5, RIGHT, 7))
    assert structure.uphill_flux(config, moves, values) == pytest.approx((3 - 1) / 6)
    assert np.isnan(structure.uphill_flux(config, moves_of(config, (5, STAY, 9), (0, LEFT, 1)), values))


def test_uphill_flux_tells_moves_around_the_torus():
    config, values = MPGGConfig(grid_shape=(2, 3)), np.array([0.0, 1.0, 2.0, 0.0, 2.0, 4.0])
    moves = moves_of(config, (0, LEFT, 4), (1, RIGHT, 1), (4, LEFT, 2), (2, DOWN, 3))
    # Around the edge: 4 from 0 to 2 and 3 from 2 to 5, all uphill. On the board: 1 uphill, 2 downhill.
    assert structure.uphill_flux(config, moves, values) == pytest.approx((4 + 1 + 3 - 2) / 10)
    assert structure.uphill_flux(config, moves, values, wrap=False) == pytest.approx((1 - 2) / 3)
    assert structure.uphill_flux(config, np.stack([moves, moves * 5]), values).tolist() == pytest.approx([0.6, 0.6])


def test_uphill_flux_to_anywhere():
    config, values = MPGGConfig(grid_shape=(1, 3), moves="anywhere"), np.array([0.0, 1.0, 2.0])
    moves = moves_of(config, (0, 2, 3), (2, 0, 1), (1, 1, 8))
    for wrap in (True, False):
        assert structure.uphill_flux(config, moves, values, wrap=wrap) == 0.5


def test_uphill_flux_of_positions_is_that_of_the_moves():
    config = MPGGConfig(n_agents=30, grid_shape=(3, 4))
    engine = MPGGVectorEnv(config)
    engine.reset([5])
    values, generator = engine.cost * (engine.gain - 1), np.random.default_rng(1)
    positions, moves = [engine.state.positions[0].copy()], np.zeros((12, 5))
    for _ in range(20):
        engine.step(generator.integers(0, 2, (1, 30)))
        chosen = generator.integers(0, 5, (1, 30))
        np.add.at(moves, (engine.state.positions[0], chosen[0]), 1)
        engine.step(chosen)
        positions.append(engine.state.positions[0].copy())
    for wrap in (True, False):
        expected = structure.uphill_flux(config, moves, values, wrap=wrap)
        found = structure.uphill_flux_of_positions(config, np.array(positions), values, wrap=wrap)
        assert found == pytest.approx(float(expected))


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 2), (9, 8)])
def test_assortment_of_a_single_casino_is_negative(n, k):
    # Without replacement: a cooperator has k - 1 of n - 1 co-players, a defector k of n - 1.
    assert structure.assortment(np.array([n, 0]), np.array([k, 0])) == pytest.approx(-1 / (n - 1))


def test_assortment_by_hand():
    # All C in one casino, all D in the other; a lone cooperator has no co-players.
    assert structure.assortment(np.array([3, 4, 1]), np.array([3, 0, 1])) == 1
    assert structure.assortment(np.array([2, 2]), np.array([1, 1])) == -1
    assert np.isnan(structure.assortment(np.array([3, 4]), np.array([3, 4])))
    assert np.isnan(structure.assortment(np.array([3, 1]), np.array([3, 0])))  # the only defector is alone


def met(occupancy, cooperators):
    """Mean share of C among the co-players of each cooperator and of each defector, agent by agent."""
    shares = {0: [], 1: []}
    for n, k in zip(occupancy.tolist(), cooperators.tolist(), strict=True):
        members = [1] * k + [0] * (n - k)
        for i, own in enumerate(members):
            others = members[:i] + members[i + 1 :]
            if others:
                shares[own].append(sum(others) / len(others))
    return sum(shares[1]) / len(shares[1]) - sum(shares[0]) / len(shares[0]) if shares[0] and shares[1] else None


@given(profiles)
def test_assortment_agent_by_agent(profile):
    expected, found = met(*profile), float(structure.assortment(*profile))
    assert np.isnan(found) if expected is None else found == pytest.approx(expected, abs=1e-12)


def test_price_split_by_hand():
    # Costs 1 and 1, gains 2 and 4. Casino 0: one C of four, everybody gets 1/2. Casino 1: two C of two, all get 4.
    config = MPGGConfig(n_agents=6, grid_shape=(1, 2), cost=(1.0, 1.0), gain=(2.0, 4.0))
    split = structure.price_split(config, np.array([4, 2]), np.array([1, 2]))
    # Cooperators: pools 1/2, 4, 4, mean 17/6, less 1; defectors: 1/2 each. Behind in casino 0, ahead on the whole.
    assert [float(part) for part in split] == pytest.approx([17 / 6 - 1 - 1 / 2, 17 / 6 - 1 / 2, 1])


@pytest.mark.parametrize("payoff", ["text", "code"])
@pytest.mark.parametrize("min_players", [1, 3])
@given(profile=profiles)
def test_price_split_is_exact(payoff, min_players, profile):
    occupancy, cooperators = profile
    config = MPGGConfig(
        n_agents=max(1, int(occupancy.sum())), grid_shape=(2, 3), payoff=payoff, min_players=min_players
    )
    split = structure.price_split(config, occupancy, cooperators)
    if not 0 < cooperators.sum() < occupancy.sum():
        assert np.isnan([float(part) for part in split]).all()
        return
    positions = np.repeat(np.arange(6), occupancy)
    actions = np.concatenate([[1] * k + [0] * (n - k) for n, k in zip(occupancy, cooperators, strict=True)]).astype(int)
    engine = MPGGVectorEnv(config)
    engine.reset([0], positions=positions)
    payoffs = engine.step(actions[None])[1][0]
    ahead = payoffs[actions == 1].mean() - payoffs[actions == 0].mean()
    assert float(split.difference) == pytest.approx(ahead, abs=1e-12)
    assert float(split.difference) == float(split.between - split.within)


def test_uniform_agents_use_a_top_quartile_that_is_larger_than_a_quarter() -> None:
    assert structure.high_cell_use(np.ones(2), np.array([1.0, 2.0])) == 2
    assert structure.high_cell_use(np.ones(8), np.ones(8)) == 4


@pytest.mark.parametrize("name", ["density", "cooperation"])
def test_thresholds_are_numbers(name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name} must be a number, got 'a'$"):
        structure.corridor_set(np.ones(2), np.ones(2), **{name: "a"})
