"""The advantage of a single state in closed form, against automatic differentiation and against sums written out."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mpgg_agents.nash_dqn import advantage as lq

pytestmark = pytest.mark.algorithm

SHAPES = [pytest.param(d, groups, id=f"d={d}, groups={groups}") for d in (1, 2) for groups in (1, 3)]
N = 5
KIND = {1: [0, 0, 0, 0, 0], 3: [0, 1, 1, 2, 0]}


def drawn(d: int, groups: int, seed: int = 0) -> tuple[lq.Advantage, Tensor, Tensor]:
    """Coefficients of one state, actions and membership."""
    torch.manual_seed(seed)
    raw = torch.randn(1, N, lq.n_coefficients(d, groups), dtype=torch.float64)
    membership = torch.nn.functional.one_hot(torch.tensor(KIND[groups]), groups).double()
    return lq.coefficients(raw, d, groups), torch.randn(1, N, d, dtype=torch.float64), membership


def written_out(c: lq.Advantage, actions: Tensor, kind: list[int], i: int) -> float:
    """A_i(u) trader by trader: [Casgrain2022] eq. 15 with a product of the summed deviations besides."""
    z = (actions - c.action)[0].numpy()
    groups, d = c.slope.shape[2], z.shape[1]
    sums = np.zeros((groups, d))
    total = -z[i] @ c.own[0, i].numpy() @ z[i]
    for j in range(N):
        if j == i:
            continue
        k = kind[j]
        sums[k] += z[j]
        total -= z[i] @ c.cross[0, i, k].numpy() @ z[j]
        total -= z[j] @ c.single[0, i, k].numpy() @ z[j]
        total += c.slope[0, i, k].numpy() @ z[j]
    return float(total - sums.reshape(-1) @ c.joint[0, i].numpy() @ sums.reshape(-1))


@pytest.mark.parametrize(("d", "groups"), SHAPES)
def test_the_value_is_the_sum_written_out(d: int, groups: int) -> None:
    c, actions, membership = drawn(d, groups)
    values = lq.value(c, actions, membership)[0]
    expected = [written_out(c, actions, KIND[groups], i) for i in range(N)]
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-12)


def test_one_sub_population_of_single_numbers_has_the_value_of_the_general_products() -> None:
    # With a second sub-population that nobody is in, the same coefficients take the general way.
    c, actions, membership = drawn(1, 1)
    wider = torch.nn.functional.pad(membership, (0, 1))
    nothing = {
        name: torch.randn(1, N, 1, *getattr(c, name).shape[3:]).double() for name in ("cross", "single", "slope")
    }
    joint = torch.randn(1, N, 2, 2, dtype=torch.float64)
    joint[..., :1, :1] = c.joint
    parts = {name: torch.cat([getattr(c, name), extra], 2) for name, extra in nothing.items()}
    general = lq.value(c._replace(joint=joint, **parts), actions, wider)
    torch.testing.assert_close(lq.value(c, actions, membership), general, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("d", "groups"), SHAPES)
def test_own_gradient_and_curvature_are_those_of_autograd(d: int, groups: int) -> None:
    c, actions, membership = drawn(d, groups)
    for i in range(N):

        def own(u: Tensor, i: int = i) -> Tensor:
            everybody = torch.cat([actions[:, :i], u[None, None], actions[:, i + 1 :]], 1)
            return lq.value(c, everybody, membership)[0, i]

        gradient = torch.autograd.functional.jacobian(own, actions[0, i])
        torch.testing.assert_close(gradient, lq.own_gradient(c, actions, membership)[0, i])
        hessian = torch.autograd.functional.hessian(own, actions[0, i])
        torch.testing.assert_close(hessian, -2 * c.own[0, i])


@pytest.mark.parametrize(("d", "groups"), SHAPES)
def test_what_the_others_do_acts_through_the_cross_term_and_psi(d: int, groups: int) -> None:
    c, _, membership = drawn(d, groups)

    def of_everybody(u: Tensor) -> Tensor:
        return lq.value(c, u[None], membership)[0, 0]

    nash = lq.nash_action(c)[0]
    gradient = torch.autograd.functional.jacobian(of_everybody, nash)
    hessian = torch.autograd.functional.hessian(of_everybody, nash)
    for j in range(1, N):
        torch.testing.assert_close(gradient[j], c.slope[0, 0, KIND[groups][j]])
        torch.testing.assert_close(hessian[0, :, j], -c.cross[0, 0, KIND[groups][j]])


@pytest.mark.parametrize(("d", "groups"), SHAPES)
def test_the_others_among_each_other_curve_the_value_by_p22_and_r(d: int, groups: int) -> None:
    c, actions, membership = drawn(d, groups)
    hessian = torch.autograd.functional.hessian(lambda u: lq.value(c, u[None], membership)[0, 0], actions[0])
    for j in range(1, N):
        for m in range(1, N):
            kind, other = KIND[groups][j], KIND[groups][m]
            joint = c.joint[0, 0].reshape(groups, d, groups, d)
            expected = -(joint[kind, :, other] + joint[other, :, kind].T)
            if j == m:
                expected = expected - (c.single[0, 0, kind] + c.single[0, 0, kind].T)
            torch.testing.assert_close(hessian[j, :, m], expected)


@pytest.mark.parametrize(("d", "groups"), SHAPES)
def test_psi_adds_what_is_linear_in_the_others_deviations_and_nothing_else(d: int, groups: int) -> None:
    c, actions, membership = drawn(d, groups)
    without = c._replace(slope=torch.zeros_like(c.slope))
    added = (lq.value(c, actions, membership) - lq.value(without, actions, membership))[0]
    z = (actions - c.action)[0]
    for i in range(N):
        expected = sum(float(c.slope[0, i, KIND[groups][j]] @ z[j]) for j in range(N) if j != i)
        assert float(added[i]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("d", "groups"), SHAPES)
def test_the_nash_action_is_a_mutual_best_response_of_value_zero(d: int, groups: int) -> None:
    c, _, membership = drawn(d, groups)
    nash = lq.nash_action(c)
    assert lq.value(c, nash, membership).abs().max() == 0
    assert lq.own_gradient(c, nash, membership).abs().max() == 0
    for i in range(N):
        for _ in range(20):
            deviation = nash.clone()
            deviation[0, i] += torch.randn(d, dtype=torch.float64)
            assert lq.value(c, deviation, membership)[0, i] < 0


OUTPUTS = st.lists(st.floats(-100, 100), min_size=9, max_size=9)


@given(OUTPUTS, st.sampled_from([1, 2, 3]))
def test_own_curvature_is_positive_definite_whatever_the_network_says(outputs: list[float], d: int) -> None:
    raw = torch.zeros(1, 1, lq.n_coefficients(d, 1), dtype=torch.float64)
    entries = min(9, raw.shape[-1])
    raw[0, 0, :entries] = torch.tensor(outputs[:entries])
    own = lq.coefficients(raw, d, 1).own[0, 0]
    assert torch.equal(own, own.T)
    # By leading minors, which need no iteration; the smallest eigenvalue is 1e-4 or more.
    assert all(torch.linalg.det(own[:k, :k]) > 0 for k in range(1, d + 1))


def test_own_curvature_by_hand() -> None:
    raw = torch.zeros(1, 1, lq.n_coefficients(2, 1), dtype=torch.float64)
    raw[0, 0, 2:5] = torch.tensor([0.0, 3.0, 0.0])  # L = [[ln 2, 0], [3, ln 2]]
    log = np.log(2)
    expected = [[log**2 + 1e-4, 3 * log], [3 * log, 9 + log**2 + 1e-4]]
    np.testing.assert_allclose(lq.coefficients(raw, 2, 1).own[0, 0].numpy(), expected, rtol=1e-12)
    # A single trader's own curvature is that of [Casgrain2022] with a floor, however flat the network makes it.
    flat = torch.full((1, 1, lq.n_coefficients(1, 1)), -1e4)
    assert float(lq.coefficients(flat, 1, 1).own) == pytest.approx(1e-4)


def test_relabelling_others_of_a_sub_population_changes_nothing_and_across_them_does() -> None:
    c, actions, membership = drawn(1, 3)
    values = lq.value(c, actions, membership)[0, 3]

    def swapped(j: int, k: int) -> Any:
        order = list(range(N))
        order[j], order[k] = k, j
        moved = c._replace(action=c.action[:, order])
        return lq.value(moved, actions[:, order], membership)[0, 3]

    torch.testing.assert_close(swapped(1, 2), values)  # both of sub-population 1
    assert abs(swapped(0, 1) - values) > 1e-3


def test_sums_over_a_crowd_are_divided_by_their_size() -> None:
    others = torch.tensor([[4.0, 9.0]])
    factors = lq.crowd_factors(1, others)[0]
    # mu, L; P12 of both; P22 of both; R row by row; psi of both.
    expected = [1, 1, 1 / 2, 1 / 3, 1 / 4, 1 / 9, 1 / 4, 1 / 6, 1 / 6, 1 / 9, 1 / 2, 1 / 3]
    torch.testing.assert_close(factors, torch.tensor(expected))


def test_factors_meet_the_coefficients_that_they_are_for() -> None:
    others, d, groups = torch.tensor([[4.0, 9.0]]), 2, 2
    c = lq.coefficients(lq.crowd_factors(d, others)[None], d, groups)
    size = np.array([4.0, 9.0])
    assert c.action.tolist() == [[[1, 1]]]
    for k in range(groups):
        np.testing.assert_allclose(c.cross[0, 0, k], np.full((d, d), size[k] ** -0.5))
        np.testing.assert_allclose(c.single[0, 0, k], np.full((d, d), 1 / size[k]))
        np.testing.assert_allclose(c.slope[0, 0, k], np.full(d, size[k] ** -0.5))
        for m in range(groups):
            block = c.joint[0, 0].reshape(groups, d, groups, d)[k, :, m]
            np.testing.assert_allclose(block, np.full((d, d), (size[k] * size[m]) ** -0.5))
