"""Mechanisms: payoffs worked out by hand, who paid what, their way to text and back, and what is refused."""

import json
from typing import Any

import numpy as np
import pytest

from mpgg_env import MPGGConfig, MPGGParallelEnv, MPGGVectorEnv, parallel_env
from mpgg_env.games.mpgg.mechanisms import (
    MECHANISMS,
    Capacity,
    Fine,
    LocalSubsidy,
    PeerPunishment,
    Pigou,
    Subsidy,
    Toll,
    casino_payoffs,
    rebates,
    transfers,
)
from tests.support import exactly

# Casino 0 costs 2 and gains 3, casino 1 costs 1 and gains 1.5.
PAIR: dict[str, Any] = {"n_agents": 4, "grid_shape": (1, 2), "cost": (2.0, 1.0), "gain": (3.0, 1.5)}


def game(*mechanisms: Any, **changes: Any) -> MPGGConfig:
    return MPGGConfig(**{**PAIR, "mechanism": mechanisms, **changes})


# Casino 0 with n = 4, k = 3: the share is 3 * 2 * 3 / 4 = 4.5, so without a mechanism D gets 4.5 and C 2.5.
BY_HAND: list[tuple[Any, float, float]] = [
    ((), 4.5, 2.5),
    (Fine(amount=0.6), 4.5 - 0.6, 2.5 + 0.6 / 3),
    (Subsidy(amount=0.5), 4.5, 3.0),
    (LocalSubsidy(amount=0.8), 4.5 - 0.6, 2.5 + 0.8 - 0.6),  # everybody pays 0.8 * 3 / 4
    (Toll(fee=0.25, surcharge=1.0, seats=3), 3.25, 1.25),  # the fourth member makes the surcharge due
    (Toll(fee=0.25, surcharge=1.0, seats=4), 4.25, 2.25),
    (Toll(fee=0.25, surcharge=1.0), 3.25, 1.25),  # floor(3) seats
    (Pigou(), 0.0, 4.0),  # D pays its share, and C gets c (r - 1), as if the defector were not there
    (Pigou(rate=0.5), 2.25, 3.25),
    (PeerPunishment(punishment=0.2, cost=0.1), 4.5 - 3 * 0.2, 2.5 - 0.1),
    # One of two seats. D plays with a C, 3 * 2 * 1 / 2 = 3. C plays with another C in 2 of 3 cases, 6 - 2 = 4, else
    # with the D, 3 - 2 = 1: 3 on average.
    (Capacity(seats=2), 0.5 * 3, 0.5 * 3),
    # As before, with the fine D pays to the C, and the C gets from the D in one case of three.
    ((Capacity(seats=2), Fine(amount=0.6)), 0.5 * (3 - 0.6), 0.5 * (3 + 0.6 / 3)),
    # Tolls are due in full without a seat, and by all who are there.
    ((Capacity(seats=2), Toll(surcharge=1.0, seats=2)), 0.5, 0.5),
    ((Fine(amount=(0.6, 9.0)), Pigou(rate=(0.5, 9.0))), 4.5 - 0.6 - 2.25, 2.5 + 0.2 + 0.75),
]


@pytest.mark.parametrize(("mechanisms", "defector", "cooperator"), BY_HAND, ids=range(len(BY_HAND)))
def test_payoffs_by_hand(mechanisms: Any, defector: float, cooperator: float) -> None:
    config = MPGGConfig(**PAIR, mechanism=mechanisms)
    np.testing.assert_allclose(casino_payoffs(config, 0, 4, 3), [defector, cooperator], rtol=1e-14, atol=1e-14)
    if any(isinstance(mechanism, Capacity) for mechanism in config.mechanisms):
        return
    env = MPGGVectorEnv(config)
    env.reset(0, positions=[0, 0, 0, 0])
    rewards, infos = env.step(np.array([[0, 1, 1, 1]]))[1::3]
    # Nobody is elsewhere, so that the tolls come back.
    back = rebates(config, [4, 0])[0]
    np.testing.assert_allclose(rewards[0], np.array([defector] + 3 * [cooperator]) + back, rtol=1e-14, atol=1e-14)
    if config.mechanisms:
        np.testing.assert_allclose(rewards - infos["transfer"], [[4.5, 2.5, 2.5, 2.5]], rtol=1e-14)
    np.testing.assert_allclose(env.produced, 3 * 2 * (3 - 1), rtol=1e-14)  # k c (r - 1), whatever changes hands


def test_the_code_payoff_counts_the_pool_in_units_of_one() -> None:
    # r k / n = 3 * 3 / 4; a taker's share of a gift is r / n = 3 / 4.
    assert casino_payoffs(game(payoff="code"), 0, 4, 3).tolist() == [2.25, 0.25]
    assert casino_payoffs(game(Pigou(), payoff="code"), 0, 4, 3).tolist() == [0.0, 1.0]


def test_without_cooperators_fines_are_returned() -> None:
    assert casino_payoffs(game(Fine(amount=7.0)), 0, 3, 0)[0] == 0.0
    assert casino_payoffs(game(Pigou(), PeerPunishment(punishment=1.0)), 0, 3, 0)[0] == 0.0


def test_roles_that_nobody_has_are_nan() -> None:
    payoffs = casino_payoffs(game(Fine(amount=1.0)), 0, [0, 3, 3, 3], [0, 0, 3, 1])
    assert np.isnan(payoffs).tolist() == [[True, True], [False, True], [True, False], [False, False]]


def test_below_the_smallest_game_only_the_toll_is_paid() -> None:
    everything = [
        kind.from_dict({name: 0.5 for name in kind.field_names() if name not in ("seats", "rebate")})
        for kind in MECHANISMS.values()
    ]
    config = game(*(m for m in everything if m.name not in ("toll", "capacity")), Toll(fee=0.25), min_players=3)
    assert casino_payoffs(config, 0, 2, 1).tolist() == [-0.25, -0.25]
    # Three are there, but two seats are too few for a game.
    assert casino_payoffs(game(Capacity(seats=2), min_players=3), 0, 3, 1).tolist() == [0.0, 0.0]


def test_a_capacity_of_the_whole_gain_may_be_nobody() -> None:
    config = MPGGConfig(n_agents=2, grid_shape=(1, 1), cost=(1.0,), gain=(0.9,), mechanism=Capacity())
    assert casino_payoffs(config, 0, 2, 1).tolist() == [0.0, 0.0]
    env = parallel_env(**{name: getattr(config, name) for name in config.field_names()})
    env.reset(seed=0)
    assert set(env.step({"agent_0": 1, "agent_1": 0})[1].values()) == {0.0}


def test_tolls_go_to_those_who_are_elsewhere() -> None:
    config = game(Toll(fee=(1.0, 0.5)), n_agents=3)
    # Casino 0 takes 2 from two members, for the one outside; casino 1 takes 0.5 for the two outside.
    assert rebates(config, [2, 1]).tolist() == [0.25, 2.0]
    # With nobody outside, the toll comes back to its payers.
    assert rebates(config, [[3, 0], [0, 3]])[[0, 1], [0, 1]].tolist() == [1.0, 0.5]
    assert rebates(game(Fine(amount=1.0)), [[[2, 1]]]).tolist() == [[[0.0, 0.0]]]
    paid = transfers(config, [[0, 0, 1], [0, 0, 0]], [[1, 0, 1], [1, 1, 1]])
    assert {name: received.tolist() for name, received in paid.items()} == {
        "toll": [[-0.75, -0.75, 1.5], [0.0, 0.0, 0.0]]
    }


def test_tolls_that_a_sponsor_keeps_come_back_to_nobody() -> None:
    config = game(Toll(fee=(1.0, 0.5), rebate="none"), n_agents=3)
    assert rebates(config, [[2, 1], [3, 0]]).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert transfers(config, [0, 0, 1], [1, 0, 1])["toll"].tolist() == [-1.0, -1.0, -0.5]
    env = MPGGParallelEnv(config)
    env.reset(options={"positions": [0, 0, 1]})
    rewards = env.step({"agent_0": 1, "agent_1": 0, "agent_2": 1})[1]
    plain = MPGGParallelEnv(config.replace(mechanism=None))
    plain.reset(options={"positions": [0, 0, 1]})
    free = plain.step({"agent_0": 1, "agent_1": 0, "agent_2": 1})[1]
    assert [free[agent] - rewards[agent] for agent in rewards] == pytest.approx([1.0, 1.0, 0.5])


def test_who_paid_what_is_told_by_mechanism() -> None:
    config = game(Pigou(), Fine(amount=0.6), Capacity(seats=3), Subsidy(amount=0.5))
    assert [mechanism.name for mechanism in config.mechanisms] == ["fine", "subsidy", "pigou", "capacity"]
    # Agent 1 finds no seat in casino 0: D, C and C play, their share is 3 * 2 * 2 / 3 = 4 of 2 per cooperator.
    paid = transfers(config, [0, 0, 0, 0], [0, 1, 1, 1], [True, False, True, True])
    np.testing.assert_allclose(paid.pop("fine"), [-0.6, 0, 0.3, 0.3])
    np.testing.assert_allclose(paid.pop("subsidy"), [0, 0, 0.5, 0.5])
    np.testing.assert_allclose(paid.pop("pigou"), [-4, 0, 2, 2])
    assert paid == {}
    assert transfers(game(), [0], [1]) == {}


def test_the_array_interface_keeps_who_paid_what() -> None:
    env = MPGGVectorEnv(game(Capacity(seats=2), Fine(amount=0.6), Toll(fee=0.1)), 3)
    env.reset(5, positions=[0, 0, 0, 1])
    _, rewards, _, _, infos = env.step(np.array([[0, 1, 1, 0]] * 3))
    again = transfers(env.config, [[0, 0, 0, 1]] * 3, [[0, 1, 1, 0]] * 3, env.plays)
    assert env.transfers.keys() == again.keys() == {"fine", "toll"}
    for name, received in again.items():
        np.testing.assert_array_equal(env.transfers[name], received)
    np.testing.assert_allclose(infos["transfer"], again["fine"] + again["toll"], rtol=1e-12)
    np.testing.assert_allclose((rewards - infos["transfer"]).sum(axis=1), env.produced, rtol=1e-12)
    assert (env.plays.sum(axis=1) == 3).all()
    assert not env.step(np.zeros((3, 4), int))[4]["transfer"].any()
    assert env.transfers["fine"].any()
    env.reset()
    assert not env.transfers["fine"].any()
    assert env.plays.all()


def test_infos_have_the_transfer_only_with_mechanisms() -> None:
    for mechanism, mask, keys in [
        (None, "info", {"action_mask", "illegal"}),
        (Subsidy(amount=0.5), "info", {"action_mask", "illegal", "transfer"}),
        (Subsidy(amount=0.5), "none", {"illegal", "transfer"}),
    ]:
        env = parallel_env(**PAIR, mechanism=mechanism, action_mask=mask)
        seen = [env.reset(seed=0)[1]]
        for action in (1, 0, 1):
            seen.append(env.step(dict.fromkeys(env.agents, action))[4])
        assert all(info.keys() == keys for infos in seen for info in infos.values())
        if "transfer" in keys:
            assert [[info["transfer"] for info in infos.values()] for infos in seen] == [[0.0] * 4, [0.5] * 4] * 2
            assert type(seen[1]["agent_0"]["transfer"]) is float


ALL = (
    Fine(amount=1 / 3),
    Subsidy(amount=(0.5, 0.25)),
    LocalSubsidy(amount=2),
    Toll(fee=0.5, surcharge=(1, 2), seats=(1, 2)),
    Pigou(),
    Capacity(),
    PeerPunishment(punishment=0.1),
)


def test_mechanisms_come_back_from_dict_json_and_code() -> None:
    config = game(*reversed(ALL))
    assert config.mechanisms == ALL  # in one order, so that equal games are equal
    assert config.to_dict()["mechanism"][1] == {"name": "subsidy", "amount": [0.5, 0.25]}
    assert MPGGConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert eval(repr(config)) == config
    assert list(MECHANISMS) == [mechanism.name for mechanism in ALL]
    assert game(Fine(amount=np.array([1, 2]))) == game({"name": "fine", "amount": [1, 2]})
    assert MPGGConfig(**PAIR, mechanism=Pigou()) == MPGGConfig(**PAIR, mechanism=[{"name": "pigou", "rate": 1}])
    assert game().mechanism is None
    assert game() == MPGGConfig(**PAIR)


NAMES = "'fine', 'subsidy', 'subsidy_local', 'toll', 'pigou', 'capacity', 'peer'"
KINDS = "Fine, Subsidy, LocalSubsidy, Toll, Pigou, Capacity, PeerPunishment"
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: Fine(amount=-0.5), ValueError, "fine.amount must be finite and >= 0, got -0.5"),
    (lambda: Fine(amount=float("nan")), ValueError, "fine.amount must be finite and >= 0, got nan"),
    (lambda: Fine(amount="much"), TypeError, "fine.amount must be a number, got 'much'"),
    (lambda: Fine(amount=(1.0, -1.0)), ValueError, "fine.amount[1] must be finite and >= 0, got -1.0"),
    (lambda: Pigou(rate=-1), ValueError, "pigou.rate must be finite and >= 0, got -1"),
    (lambda: Toll(fee=True), TypeError, "toll.fee must be a number, got True"),
    (lambda: Toll(seats=0), ValueError, "toll.seats must be in [1, 2147483647], got 0"),
    (lambda: Capacity(seats=2.0), TypeError, "capacity.seats must be an integer, got 2.0"),
    (lambda: PeerPunishment(punishment=1, cost=-1), ValueError, "peer.cost must be finite and >= 0, got -1"),
    (
        lambda: game(Fine(amount=(1.0, 2.0, 3.0))),
        ValueError,
        "fine.amount must be one number or one for each of the 2 casinos, got 3 values",
    ),
    (
        lambda: game(Fine(amount=1), Fine(amount=2)),
        ValueError,
        "mechanism must have each kind at most once, got 'fine' 2 times",
    ),
    (
        lambda: game({"name": "fines", "amount": 1}),
        ValueError,
        f"the name of a mechanism must be one of {NAMES}, got 'fines'; did you mean 'fine'?",
    ),
    (lambda: game({"amount": 1}), ValueError, f"the name of a mechanism must be one of {NAMES}, got None"),
    (
        lambda: game({"name": "fine", "amout": 1}),
        ValueError,
        "unknown fine parameter 'amout'; did you mean 'amount'?",
    ),
    (lambda: game({"name": "fine"}), ValueError, "mechanism 'fine' must be given its 'amount', got {'name': 'fine'}"),
    (lambda: Fine.from_dict({"name": "toll"}), ValueError, "name must be 'fine', got 'toll'"),
    (
        lambda: MPGGConfig(mechanism="fine"),
        TypeError,
        "mechanism must be None, a mechanism or a sequence of mechanisms, got 'fine'",
    ),
    (lambda: game("fine"), TypeError, f"mechanism must be made of {KINDS} or mappings with their name, got 'fine'"),
    (lambda: casino_payoffs(game(), 2, 1, 1), ValueError, "casinos must be in [0, 1], got 2"),
    (lambda: casino_payoffs(game(), 0, 2, 3), ValueError, "cooperators must be in [0, 2], got 3"),
    (lambda: casino_payoffs(game(), 0, 1.0, 1), TypeError, "occupancy must be integers, got an array of float64"),
    (lambda: rebates(game(), [1, 2, 3]), ValueError, "occupancy must have shape (..., 2), got (3,)"),
    (lambda: transfers(game(), [0, 1], [1]), ValueError, "actions must have the shape of positions, (2,), got (1,)"),
    (lambda: transfers(game(), [0], [2]), ValueError, "actions must be in [0, 1], got 2"),
    (
        lambda: transfers(game(), [0], [1], [1]),
        TypeError,
        "plays must be booleans of shape (1,), got int64 (1,)",
    ),
    (
        lambda: transfers(game(Capacity(seats=1)), [0, 0], [1, 1]),
        ValueError,
        "plays must seat 1 of the 2 members of casino 0, got 2",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refused_values_are_named_with_their_range(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=exactly(text)):
        call()
