"""Best responses of one coalition to a profile that the others keep ([Shao2024] algorithm 3), as lower bounds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import torch
from torch import Tensor

from mpgg_agents.errors import TrainingError
from mpgg_agents.mean_field.ddpg.config import DDPGConfig
from mpgg_agents.mean_field.evaluation.config import ResponseConfig
from mpgg_agents.mean_field.evaluation.ddpg import ddpg_response
from mpgg_agents.mean_field.evaluation.forms import Form, NetForm, OpenLoopForm, Weights
from mpgg_agents.mean_field.evaluation.returns import in_type_of, judged
from mpgg_agents.threads import limited_threads
from mpgg_env.core.types import FloatArray
from mpgg_env.core.validation import check_choice, check_integer
from mpgg_env.games.mean_field.common.batch import MeanFieldBatch
from mpgg_env.games.mean_field.common.config import Episodic
from mpgg_env.games.mean_field.common.rollout import Policy, Rollout, rollout
from mpgg_env.games.mean_field.common.state import MeanFieldState
from mpgg_env.games.mean_field.registry import game_of

Engine = Literal["model_gradient", "open_loop", "ddpg"]
ENGINES: Final = ("model_gradient", "open_loop", "ddpg")
FINAL_RATE: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """The best response that was found, judged in float64 on the K starts of the testing set.

    Attributes:
        coalition: Whose it is.
        engine: How it was trained.
        policy: What the coalition plays; where starts have responses of their own it knows the starts by their order.
        returns: What the coalition earns, (K,).
        gain: How much more that is than with the profile, (K,). Its mean is never negative, since the profile's own
            policy is a candidate; a single policy for all starts may lose from one of them. What the best policy gains
            is at least this: it is a lower bound.
    """

    coalition: int
    engine: str
    policy: Policy
    returns: FloatArray
    gain: FloatArray


def default_settings(config: Episodic, engine: Engine) -> ResponseConfig:
    """The numbers with which responses are trained unless others are given.

    In cyber security each start has a response of its own, as in [Shao2024] section F.5.
    """
    if engine == "open_loop":
        return ResponseConfig(iterations=300, learning_rate=0.1, separate=True)
    return ResponseConfig(separate=game_of(config) == "cyber_security")


def best_response(
    config: Episodic,
    profile: Sequence[Policy],
    coalition: int,
    engine: Engine = "model_gradient",
    *,
    settings: ResponseConfig | None = None,
    ddpg: DDPGConfig | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Response:
    """Trains one coalition on the testing set while the others keep their policies, to which they may react.

    The best weights over the whole training count. Gradients go through the model and, as far as they can be
    differentiated, through the others' policies.

    Args:
        config: Parameters of the game.
        profile: One policy per coalition, of states of torch's tensors.
        coalition: Who deviates.
        engine: model_gradient, a fresh actor that sees the joint state; open_loop, actions of every step and state for
            each start, which begin at what the profile does; ddpg, such an actor trained by DDPG, which knows no rules.
        settings: Numbers of the training; default: `default_settings`. An open-loop response is always separate. Of
            ddpg, `separate` alone.
        ddpg: Hyper-parameters of ddpg, as `ddpg_response` takes them.
        seed: Seed of the first weights, in [0, 2**64).
        progress: Called after each gradient step, or round of DDPG, with the number of them done.

    Raises:
        ValueError: An argument is out of range.
        TrainingError: A return is not finite.
    """
    check_choice("engine", engine, ENGINES)
    batch = MeanFieldBatch(config, torch, dtype=torch.float32)
    check_integer("coalition", coalition, 0, batch.n_coalitions - 1)
    check_integer("seed", seed, 0, 2**64 - 1)
    settings = default_settings(config, engine) if settings is None else settings
    with limited_threads():
        if engine == "ddpg":
            separate = settings.separate
            policy = ddpg_response(config, profile, coalition, ddpg, separate=separate, seed=seed, progress=progress)
        else:
            kept = judged(MeanFieldBatch(config, torch), profile)
            form = _form(batch, coalition, engine, kept, settings, seed)
            weights = trained(batch, profile, coalition, form, settings, progress)
            separate, policy = len(next(iter(weights.values()))) > 1, partial(form.action, weights)
        return judged_response(config, profile, coalition, engine, policy, separate=separate)


def judged_response(
    config: Episodic, profile: Sequence[Policy], coalition: int, engine: str, policy: Policy, *, separate: bool
) -> Response:
    """The better of a trained policy and the profile's own, in float64.

    Args:
        config: Parameters of the game.
        profile: One policy per coalition.
        coalition: Who deviates.
        engine: How the policy was trained.
        policy: What it came to.
        separate: Whether it has a part for each start, so that each start may have the better one.
    """
    batch = MeanFieldBatch(config, torch)
    kept, left = (
        judged(batch, played).returns[:, coalition] for played in (profile, _with(profile, coalition, policy))
    )
    better = left > kept if separate else (left.mean() > kept.mean()).expand(len(kept))
    returns = torch.where(better, left, kept)
    chosen = _either(better, policy, profile[coalition])
    gain = (returns - kept).numpy()
    return Response(coalition=coalition, engine=engine, policy=chosen, returns=returns.numpy(), gain=gain)


def trained(
    batch: MeanFieldBatch,
    profile: Sequence[Policy],
    coalition: int,
    form: Form,
    settings: ResponseConfig,
    progress: Callable[[int], None] | None = None,
) -> Weights:
    """The best weights of a form over its training.

    Args:
        batch: The dynamics in which it is trained.
        profile: What the others play, one policy per coalition.
        coalition: Who deviates.
        form: Where the training begins. With as many responses as starts each has its own best weights.
        settings: Numbers of the training.
        progress: Called after each gradient step with the number of steps done.

    Raises:
        TrainingError: A return is not finite.
    """
    weights = {name: weight.clone().requires_grad_() for name, weight in form.weights.items()}
    responses, start = len(next(iter(weights.values()))), batch.testing_state()
    others = [in_type_of(batch, policy) for policy in profile]
    policies = _with(others, coalition, partial(form.action, weights))
    optimizer = torch.optim.Adam(list(weights.values()), settings.learning_rate)
    best = {name: weight.detach().clone() for name, weight in weights.items()}
    highest = torch.full((responses,), -math.inf)
    for step in range(settings.iterations + 1):
        with torch.enable_grad():
            returns = rollout(batch, start, policies).returns[:, coalition]
        if not bool(returns.isfinite().all()):
            raise TrainingError(f"the returns of the response are not finite after {step} gradient steps")
        highest = _keep_best(best, weights, highest, returns.detach())
        if step < settings.iterations:
            _ascend(optimizer, weights, returns, settings, step)
            if progress is not None:
                progress(step + 1)
    return best


def _form(
    batch: MeanFieldBatch, coalition: int, engine: Engine, kept: Rollout, settings: ResponseConfig, seed: int
) -> Form:
    if engine == "open_loop":
        return OpenLoopForm(batch, coalition, kept)
    return NetForm(batch, coalition, seed, len(kept.returns) if settings.separate else 1)


def _keep_best(best: dict[str, Tensor], weights: Weights, highest: Tensor, returns: Tensor) -> Tensor:
    """Notes the weights of every response that has never been as good; the highest returns so far, (responses,)."""
    reached = returns if len(highest) > 1 else returns.mean(0, keepdim=True)
    better = reached > highest
    for name, weight in weights.items():
        best[name][better] = weight.detach()[better]
    return torch.maximum(highest, reached)


def _ascend(
    optimizer: torch.optim.Optimizer, weights: Weights, returns: Tensor, settings: ResponseConfig, step: int
) -> None:
    """A step of every response up the gradient of its own return."""
    separate = len(next(iter(weights.values()))) > 1
    # Not `backward`, which would also add to the gradients of the others' networks.
    gradients = torch.autograd.grad(-(returns.sum() if separate else returns.mean()), list(weights.values()))
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0)
    factor = (settings.max_gradient_norm / squares.sqrt().clamp_min(settings.max_gradient_norm)).detach()
    for weight, gradient in zip(weights.values(), gradients, strict=True):
        weight.grad = gradient * factor.view(-1, *[1] * (gradient.ndim - 1))
    cosine = 0.5 * (1 + math.cos(math.pi * step / settings.iterations))
    optimizer.param_groups[0]["lr"] = settings.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * cosine)
    optimizer.step()


def _with(profile: Sequence[Policy], coalition: int, policy: Policy) -> list[Policy]:
    """The profile with another policy of one coalition."""
    return [*profile[:coalition], policy, *profile[coalition + 1 :]]


def _either(better: Tensor, response: Policy, own: Policy) -> Policy:
    """The response in the games where it is better."""
    if bool(better.all()):
        return response
    if not bool(better.any()):
        return own

    def action(state: MeanFieldState) -> Tensor:
        left: Tensor = response(state)
        return torch.where(better[:, None, None], left, own(state))

    return action
