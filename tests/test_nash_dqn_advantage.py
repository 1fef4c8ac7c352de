"""The advantage of a single state in closed form, against automatic differentiation and against sums written out."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mpgg_agents.nash_dqn import advantage as lq

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


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_own_curvature_is_positive_definite_whatever_the_network_says(size: float) -> None:
    for seed in range(5):
        torch.manual_seed(seed)
        raw = size * torch.randn(4, N, lq.n_coefficients(3, 2), dtype=torch.float64)
        smallest = torch.linalg.eigvalsh(lq.coefficients(raw, 3, 2).own).min()
        assert smallest > 0


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
