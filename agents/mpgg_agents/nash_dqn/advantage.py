"""The locally linear-quadratic advantage ([Casgrain2022] eq. 10 and 15) and what follows from it in closed form.

With z_j = u_j - mu_j, the deviations of the others j of sub-population k summed to D_k:

    A_i(u) = - z_i' P11 z_i - sum_k z_i' P12_k D_k - sum_k sum_j z_j' P22_k z_j - D' R D + sum_k psi_k' D_k

P11 is positive definite. The term in R, over the stacked sums D = (D_1, ..., D_G), is not in [Casgrain2022] eq. 15,
which therefore is not the most general form that relabelling leaves as it is; in the market it is the only quadratic
term in the others' deviations that is not zero. All coefficients are functions of the state, for every trader its own.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_CURVATURE = 1e-4  # added to the diagonal of P11, which a network could otherwise drive to 0


class Advantage(NamedTuple):
    """Coefficients for every trader in every state; d is the length of an action, G the number of sub-populations.

    Attributes:
        action: Nash action mu, (B, N, d).
        own: P11, positive definite, (B, N, d, d).
        cross: P12 for each sub-population of others, (B, N, G, d, d).
        single: P22 for each sub-population of others, (B, N, G, d, d).
        joint: R, (B, N, G d, G d).
        slope: psi for each sub-population of others, (B, N, G, d).
    """

    action: Tensor
    own: Tensor
    cross: Tensor
    single: Tensor
    joint: Tensor
    slope: Tensor


def n_coefficients(d: int, groups: int) -> int:
    """How many numbers a network gives for one trader in one state."""
    return d + d * (d + 1) // 2 + 2 * groups * d * d + (groups * d) ** 2 + groups * d


def crowd_factors(d: int, others: Tensor) -> Tensor:
    """What a network's outputs are multiplied by, (N, n_coefficients).

    What multiplies sums over n others is divided by their size, sqrt(n) per factor D and n for a sum of squares:
    otherwise the loss would be the steeper the more traders there are, and diverge.

    Args:
        d: Length of an action.
        others: Other members of each sub-population, at least 1, (N, G).
    """
    root = others**-0.5
    stacked = root.repeat_interleave(d, 1)
    single, cross = (part.repeat_interleave(d * d, 1) for part in (1 / others, root))
    ones = torch.ones(len(others), d + d * (d + 1) // 2)
    return torch.cat([ones, cross, single, _outer(stacked).flatten(1), stacked], 1)


def coefficients(raw: Tensor, d: int, groups: int) -> Advantage:
    """The coefficients from a network's outputs (B, N, n_coefficients).

    The first d are mu. P11 is L L' + 1e-4 I with L lower triangular, its diagonal positive by softplus.
    """
    sizes = [d, d * (d + 1) // 2, groups * d * d, groups * d * d, (groups * d) ** 2, groups * d]
    action, factor, cross, single, joint, slope = torch.split(raw, sizes, -1)
    lead = raw.shape[:-1]
    square = (*lead, groups, d, d)
    return Advantage(
        action,
        _positive_definite(factor, d),
        cross.reshape(square),
        single.reshape(square),
        joint.reshape(*lead, groups * d, groups * d),
        slope.reshape(*lead, groups, d),
    )


def _outer(vectors: Tensor) -> Tensor:
    return vectors[..., :, None] * vectors[..., None, :]


def _positive_definite(factor: Tensor, d: int) -> Tensor:
    if d == 1:
        return (functional.softplus(factor) ** 2 + SMALLEST_CURVATURE)[..., None]
    lower = factor.new_zeros(*factor.shape[:-1], d, d)
    rows, columns = torch.tril_indices(d, d)
    lower[..., rows, columns] = factor
    diagonal = torch.diagonal(lower, dim1=-2, dim2=-1)
    lower = lower - torch.diag_embed(diagonal) + torch.diag_embed(functional.softplus(diagonal))
    return lower @ lower.transpose(-1, -2) + SMALLEST_CURVATURE * torch.eye(d, dtype=factor.dtype)


def value(coefficient: Advantage, actions: Tensor, membership: Tensor) -> Tensor:
    """A_i(u) for every trader, (B, N).

    Args:
        coefficient: Its coefficients.
        actions: What everybody does, (B, N, d).
        membership: 1 where a trader belongs to a sub-population, (N, G).
    """
    z = actions - coefficient.action
    if membership.shape[1] == 1 and z.shape[-1] == 1:
        return _scalar_value(coefficient, z[..., 0])
    sums, squares = _others(z, membership)
    stacked = sums.flatten(2)
    # Einsum letters: b state, n trader, k sub-population, i and j components of actions, p and q of stacked sums.
    return (
        -torch.einsum("bni,bnij,bnj->bn", z, coefficient.own, z)
        - torch.einsum("bni,bnkij,bnkj->bn", z, coefficient.cross, sums)
        - torch.einsum("bnkij,bnkij->bn", coefficient.single, squares)
        - torch.einsum("bnp,bnpq,bnq->bn", stacked, coefficient.joint, stacked)
        + torch.einsum("bnki,bnki->bn", coefficient.slope, sums)
    )


def _scalar_value(coefficient: Advantage, z: Tensor) -> Tensor:
    """`value` for one sub-population and actions of one number, without the overhead of general products."""
    own, cross, single, joint, slope = (part.reshape(z.shape) for part in coefficient[1:])
    sums = z.sum(1, keepdim=True) - z
    squared = z * z
    squares = squared.sum(1, keepdim=True) - squared
    return -own * squared - single * squares + (slope - cross * z - joint * sums) * sums


def _others(z: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
    """Sum (B, N, G, d) and sum of outer products (B, N, G, d, d) of the others' deviations in each sub-population."""
    outer = _outer(z)
    own = membership[..., None] * z[:, :, None]
    own_outer = membership[..., None, None] * outer[:, :, None]
    return own.sum(1, keepdim=True) - own, own_outer.sum(1, keepdim=True) - own_outer


def nash_action(coefficient: Advantage) -> Tensor:
    """Where every trader's own gradient of its advantage is zero: mu, (B, N, d) ([Casgrain2022] eq. 12)."""
    return coefficient.action


def own_gradient(coefficient: Advantage, actions: Tensor, membership: Tensor) -> Tensor:
    """Derivative of every A_i by its own u_i, (B, N, d): - 2 P11 z_i - sum_k P12_k D_k."""
    z = actions - coefficient.action
    sums, _ = _others(z, membership)
    return -2 * torch.einsum("bnij,bnj->bni", coefficient.own, z) - torch.einsum(
        "bnkij,bnkj->bni", coefficient.cross, sums
    )
