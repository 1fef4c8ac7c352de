"""Measures of what agents do over time: by hand on panels of a few agents and rounds, and agent by agent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mpgg_env.analysis import metrics_panel as panels
from tests.support import exactly

C, D = 1, 0

small_panels = st.tuples(
    arrays(np.int64, (5, 6), elements=st.integers(0, 2)),
    arrays(np.int8, (5, 6), elements=st.integers(0, 1)),
    arrays(np.float64, (5, 6), elements=st.integers(-8, 8).map(float)),
)


def test_counts_of_a_panel_by_hand():
    positions, actions = np.array([[0, 0, 2], [1, 1, 1]]), np.array([[C, D, C], [D, D, C]])
    occupancy, cooperators = panels.panel_counts(positions, actions, 3)
    assert occupancy.tolist() == [[2, 0, 1], [0, 3, 0]]
    assert cooperators.tolist() == [[1, 0, 1], [0, 1, 0]]
    empty = panels.panel_counts(np.zeros((0, 4), int), np.zeros((0, 4), int), 3)
    assert [counts.shape for counts in empty] == [(0, 3), (0, 3)]


def test_lead_of_the_cooperators_by_hand():
    actions = np.array([[C, D, C], [D, D, C], [C, C, C], [D, D, D]])
    payoffs = np.array([[1.0, 2.0, 4.0], [0.0, -3.0, 1.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert panels.payoff_lead(actions, payoffs).tolist() == pytest.approx([0.5, 2.5, np.nan, np.nan], nan_ok=True)
    with pytest.raises(
        ValueError, match=exactly("actions and payoffs must have one shape (rounds, agents), got (4, 3) and (3,)")
    ):
        panels.payoff_lead(actions, payoffs[0])


PANEL = {"positions": np.zeros((2, 3), int), "actions": np.zeros((2, 3), int), "n_casinos": 3}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"positions": np.zeros((2, 3))}, TypeError, "positions must be integers, got an array of float64"),
        ({"actions": np.zeros((2, 3), bool)}, TypeError, "actions must be integers, got an array of bool"),
        ({"positions": np.full((2, 3), 3)}, ValueError, "positions must be in [0, 2], got 3"),
        ({"actions": np.full((2, 3), -1)}, ValueError, "actions must be in [0, 1], got -1"),
        ({"n_casinos": 0}, ValueError, "n_casinos must be >= 1, got 0"),
        (
            {"actions": np.zeros((2, 4), int)},
            ValueError,
            "positions and actions must have one shape (rounds, agents), got (2, 3) and (2, 4)",
        ),
    ],
)
def test_wrong_panels_are_refused(changes, error, message):
    with pytest.raises(error, match=exactly(message)):
        panels.panel_counts(**{**PANEL, **changes})


def test_wrong_arguments_of_synergy_are_refused():
    positions = actions = np.zeros((2, 3), int)
    with pytest.raises(ValueError, match=exactly("payoffs must have the shape of the positions (2, 3), got (3, 2)")):
        panels.synergy_survival(positions, actions, np.zeros((3, 2)), [0], 1)
    for thresholds in ([1.5], [-0.1], [np.nan], [[0.1]]):
        with pytest.raises(ValueError, match=r"^thresholds must be a sequence of shares in"):
            panels.synergy_survival(positions, actions, np.zeros((2, 3)), thresholds, 1)
    with pytest.raises(
        ValueError, match=r"^reference must be one of 'members', 'residents', got 'member'; did you mean"
    ):
        panels.synergy_survival(positions, actions, np.zeros((2, 3)), [0], 1, reference="member")


def test_inequality_of_mean_payoffs_by_hand():
    # Means 1 and 3: Gini |1 - 3| * 2 / (2 * 4 * 2) = 1/4, above the poorest 0 and 2: 1/2, deviation 1.
    assert panels.payoff_inequality(np.array([[0.0, 4], [2, 2]])) == pytest.approx((0.25, 0.5, 1))
    gini, above_lowest, deviation = panels.payoff_inequality(np.array([[-1.0, 3]]))
    assert np.isnan(gini)
    assert (above_lowest, deviation) == pytest.approx((0.5, 2))
    with pytest.raises(ValueError, match=r"^payoffs must have shape"):
        panels.payoff_inequality(np.zeros((0, 3)))


# Casino 0 has one C and three D, casino 1 one C and one D, casino 2 a lone C.
POSITIONS = np.array([[0, 0, 0, 0, 1, 1, 2], [1, 0, 0, 1, 1, 1, 2]])
ACTIONS = np.array([[C, D, D, D, C, D, C], [C, D, C, D, D, D, C]])
PAYOFFS = np.array([[0.0, 1, 1, 1, 2, 3, 5], [4.0, 2, 1, 6, 4, 5, 5]])


def test_survival_against_the_defectors_they_met_by_hand():
    # Agent 0: 4 next, above the mean 3 of agents 1 to 3 next. Agent 4: 4 next, not above agent 5's 5. Agent 6 met none.
    found = panels.synergy_survival(POSITIONS, ACTIONS, PAYOFFS, [0, 0.5, 0.75], 3)
    assert found.endangered.tolist() == [2, 1, 0]
    assert found.survival.tolist() == pytest.approx([0.5, 1, np.nan], nan_ok=True)
    # Agent 0 moved and gained 4, agent 4 stayed and gained 2; above 1/2 nobody stayed.
    assert found.migration_gain.tolist() == pytest.approx([2, np.nan, np.nan], nan_ok=True)


def test_survival_against_those_who_defect_there_next_by_hand():
    # In casino 0 agent 1 defects next, 2; in casino 1 agents 3, 4 and 5, mean 5.
    found = panels.synergy_survival(POSITIONS, ACTIONS, PAYOFFS, [0, 0.5], 3, reference="residents")
    assert found.survival.tolist() == [0.5, 1]
    # Without a defector left in casino 0, agent 0 has no rival and is left out.
    gone = ACTIONS.copy()
    gone[1, 1] = C
    found = panels.synergy_survival(POSITIONS, gone, PAYOFFS, [0, 0.5], 3, reference="residents")
    assert found.endangered.tolist() == [1, 0]
    assert found.survival.tolist() == pytest.approx([0, np.nan], nan_ok=True)


def test_equal_payoffs_are_not_ahead_in_spite_of_rounding():
    positions, actions = np.zeros((2, 4), int), np.array([[C, D, D, D], [C, C, C, C]])
    for kind in (np.float64, np.float32):
        payoffs = np.full((2, 4), 0.1 + 0.2, kind)
        payoffs[1, 0] = np.nextafter(payoffs[1, 0], kind(1))
        assert panels.synergy_survival(positions, actions, payoffs, [0], 1).survival.tolist() == [0]


def test_synergy_without_rounds_or_cooperators_is_undefined():
    for rounds, choice in ((0, C), (1, C), (3, D), (3, C)):
        arrays_ = np.zeros((rounds, 4), int), np.full((rounds, 4), choice), np.zeros((rounds, 4))
        found = panels.synergy_survival(*arrays_, [0, 0.5], 2)
        assert np.isnan(found.survival).all()
        assert np.isnan(found.migration_gain).all()
        assert found.endangered.tolist() == [0, 0]


def outlived(positions, actions, payoffs, theta):
    """(ahead, moved, gain) of every endangered cooperator, agent by agent."""
    found = []
    for t, i in np.ndindex(len(positions) - 1, positions.shape[1]):
        members = [j for j in range(positions.shape[1]) if positions[t, j] == positions[t, i]]
        defectors = [j for j in members if actions[t, j] == D]
        if actions[t, i] == C and len(defectors) / len(members) > theta:
            rival = sum(payoffs[t + 1, j] for j in defectors) / len(defectors)
            gain = payoffs[t + 1, i] - payoffs[t, i]
            found.append((payoffs[t + 1, i] > rival + 1e-9, positions[t + 1, i] != positions[t, i], gain))
    return found


@given(small_panels, st.sampled_from([0.0, 0.25, 0.5, 0.7]))
def test_synergy_agent_by_agent(panel, theta):
    expected = outlived(*panel, theta)
    found = panels.synergy_survival(*panel, [theta], 3)
    assert found.endangered.tolist() == [len(expected)]
    if not expected:
        assert np.isnan(found.survival).all()
        return
    assert found.survival[0] == pytest.approx(np.mean([ahead for ahead, *_ in expected]))
    movers, stayers = ([gain for _, moved, gain in expected if bool(moved) == kind] for kind in (True, False))
    gain = np.mean(movers) - np.mean(stayers) if movers and stayers else np.nan
    assert found.migration_gain[0] == pytest.approx(gain, nan_ok=True)


def test_runs_of_cooperation_by_hand():
    # One column per agent: runs of 2 and 1 (censored); of 3 (censored); none; of 1 and 1.
    actions = np.array([[C, D, D, C], [C, C, D, D], [D, C, D, C], [C, C, D, D]])
    lengths, ended = panels.cooperation_runs(actions)
    assert list(zip(lengths.tolist(), ended.tolist(), strict=True)) == [
        (2, True),
        (1, False),
        (3, False),
        (1, True),
        (1, True),
    ]


def test_kaplan_meier_by_hand():
    # Seven runs of 1, 2, 2+, 3, 5+, 6, 6+ rounds (+ censored). At risk 7, 6, 4, 2 when 1, 1, 1, 1 of them end:
    # 6/7, 5/7, 15/28, 15/56.
    durations, ended = np.array([6, 2, 1, 5, 3, 2, 6]), np.array([1, 0, 1, 0, 1, 1, 0], bool)
    times, lasting = panels.kaplan_meier(durations, ended)
    assert times.tolist() == [1, 2, 3, 6]
    assert lasting.tolist() == pytest.approx([6 / 7, 5 / 7, 15 / 28, 15 / 56])


def test_kaplan_meier_of_the_leukaemia_trial():
    # Freireich et al. (1963), remission in weeks under 6-MP, as in any textbook of survival analysis: median 23.
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    relapsed = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    times, lasting = panels.kaplan_meier(np.array(weeks), np.array(relapsed, bool))
    assert times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert lasting.tolist() == pytest.approx([0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4)


def test_persistence_by_hand():
    # Agent 0 cooperates two rounds, then defects; agent 1 cooperates throughout; agent 2 never.
    actions = np.array([[C, C, D], [C, C, D], [D, C, D]])
    positions = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0]])
    found = panels.persistence(positions, actions)
    assert found.median == 2  # one of the two runs ends after 2 rounds
    # After C: agent 0 stays and goes on, moves and stops; agent 1 moves and goes on, stays and goes on.
    assert (found.after_move, found.after_stay) == (0.5, 1)


def test_persistence_at_its_edges():
    still = np.zeros((4, 2), int)
    forever = panels.persistence(still, np.ones((4, 2), int))
    assert forever.median == np.inf
    assert forever.after_stay == 1
    assert np.isnan(forever.after_move)
    assert np.isnan(panels.persistence(still, np.zeros((4, 2), int))).all()
    assert np.isnan(panels.persistence(still[:0], still[:0])).all()
    with pytest.raises(ValueError, match=r"^positions and actions must have one shape"):
        panels.persistence(still, np.zeros((4, 3), int))


def test_flight_by_hand():
    positions = np.array([[0, 0, 0, 0, 1, 1, 1, 2], [1, 0, 0, 0, 0, 1, 1, 0]])
    actions = np.array([[C, D, D, C, D, C, C, D], [C, C, C, C, C, C, C, C]])
    # Of the others of the cooperators 0 and 3 two of three defect: 0 moves, 3 stays. Of those of 5 and 6 one of two
    # defects: both stay.
    found = panels.flight(positions, actions, 3)
    assert found.cooperators == 0.5
    # Of the others of the defectors 1 and 2 one of three defects, of those of 4 none, and 7 is alone.
    assert np.isnan(found.defectors)
    # Above 0.3 the casino is one of defectors for 1 and 2, who stay, and not for 4, who moves.
    assert panels.flight(positions, actions, 3, threshold=0.3).defectors == -1
    # Above 0.4 it is one for all cooperators.
    assert np.isnan(panels.flight(positions, actions, 3, threshold=0.4).cooperators)
    for theta in (-0.1, 1.5):
        with pytest.raises(ValueError, match=r"^threshold must be "):
            panels.flight(positions, actions, 3, threshold=theta)


def left(positions, actions, kind, theta):
    """(among defectors, moved) of every agent with this action and company, agent by agent."""
    found = []
    for t, i in np.ndindex(len(positions) - 1, positions.shape[1]):
        others = [j for j in range(positions.shape[1]) if j != i and positions[t, j] == positions[t, i]]
        if actions[t, i] == kind and others:
            share = sum(actions[t, j] == D for j in others) / len(others)
            found.append((share > theta, positions[t + 1, i] != positions[t, i]))
    return found


@given(small_panels, st.sampled_from([0.0, 0.3, 0.5]))
def test_flight_agent_by_agent(panel, theta):
    found = panels.flight(*panel[:2], 3, threshold=theta)
    for kind, value in ((C, found.cooperators), (D, found.defectors)):
        seen = left(*panel[:2], kind, theta)
        groups = [[moved for among, moved in seen if among == bad] for bad in (True, False)]
        expected = np.mean(groups[0]) - np.mean(groups[1]) if all(groups) else np.nan
        assert value == pytest.approx(expected, nan_ok=True)


@given(arrays(np.int8, (6, 4), elements=st.integers(0, 1)))
def test_runs_cover_every_cooperation_once(actions):
    lengths, ended = panels.cooperation_runs(actions)
    assert lengths.sum() == actions.sum()
    assert (~ended).sum() == actions[-1].sum()
    times, lasting = panels.kaplan_meier(lengths, ended)
    assert (np.diff(lasting) < 0).all()
    assert ((lasting >= 0) & (lasting < 1)).all()
    if ended.all():  # without censoring it is the share of longer runs
        assert lasting.tolist() == pytest.approx([(lengths > time).mean() for time in times])


def test_persistence_is_that_of_the_two_actions() -> None:
    with pytest.raises(ValueError, match=r"^actions must be in \[0, 1\], got 7$"):
        panels.persistence(np.zeros((2, 2), int), np.full((2, 2), 7))
