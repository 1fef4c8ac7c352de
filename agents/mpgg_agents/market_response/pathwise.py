"""A best response trained by the gradient of the returns through the differentiable market."""

from collections.abc import Callable

import torch

from mpgg_agents.errors import TrainingError
from mpgg_agents.market_response.config import PathwiseConfig
from mpgg_agents.market_response.episodes import (
    RESPONSE,
    RESPONSE_WEIGHTS,
    MarketPolicy,
    draw_episodes,
    generator,
    returns,
)
from mpgg_agents.market_response.response import Response, deviating
from mpgg_env.core.validation import check_integer
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.vector import MarketBatch


def learned_response(
    game: MarketConfig,
    policy: MarketPolicy,
    trader: int = 0,
    config: PathwiseConfig | None = None,
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> MarketPolicy:
    """The policy with one trader's best response, as far as gradient steps find it.

    The response starts as the policy itself. The gradient takes into account how the others react to what the trader
    does, as far as the policy can be differentiated; where it cannot, the response is a poorer one.

    Args:
        game: Rules of the market, whose `observation` says what the response may depend on besides the trader's own
            rate under the policy.
        policy: Rates of all traders from a state of float32 tensors.
        trader: Who deviates.
        config: Form of the response and its training; default: `PathwiseConfig()`.
        seed: Seed of the initial weights and of the episodes.
        progress: Called after each iteration with the number of iterations done.

    Raises:
        ValueError: There is no such trader.
        TrainingError: The returns are not finite.
    """
    config = PathwiseConfig() if config is None else config
    check_integer("trader", trader, 0, game.n_agents - 1)
    response = Response(game, config, trader, generator(seed, RESPONSE_WEIGHTS))
    profile, batch = deviating(policy, response), MarketBatch(game, torch, dtype=torch.float32)
    optimizer = torch.optim.Adam(response.parameters(), config.learning_rate)
    with torch.enable_grad():
        for iteration in range(config.iterations):
            optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - iteration / config.iterations)
            draws = draw_episodes(game, config.episodes, generator(seed, RESPONSE, iteration))
            loss = -returns(batch, profile, draws)[:, trader].mean()
            if not torch.isfinite(loss):
                raise TrainingError(f"the returns of the response are not finite after {iteration} iterations")
            _set_gradients(response, loss)
            optimizer.step()
            if progress is not None:
                progress(iteration + 1)
    response.requires_grad_(False)
    return profile


def _set_gradients(response: Response, loss: torch.Tensor) -> None:
    """Not `backward`, which would also add to the gradients of the policy's own networks."""
    parameters = list(response.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
