"""Drawing: functions of the configuration and the states of an episode that return a frame, as pixels or as text.

Nothing here opens a window, asks for a display or changes a state.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from mpgg_env.core.drawing import write, write_row, write_upward
from mpgg_env.core.types import FloatArray, UInt8Array
from mpgg_env.games.market import chart
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState

if TYPE_CHECKING:
    from PIL.Image import Image

LISTED: Final = 20  # steps and traders in a text, which is no longer taken in at a glance beyond


def rgb_frame(config: MarketConfig, path: Sequence[MarketState], replica: int = 0) -> UInt8Array:
    """The price with its level, the inventories and a clock, over the whole horizon, (height, width, 3).

    Up to 24 traders have a line each, more are the rows of a heat map. Scales grow where the path needs it.

    Args:
        config: Rules of the market.
        path: The states of an episode one after the other, not all of them needed; the last one is the present.
        replica: Which of the states' replicas.
    """
    times = np.array([state.step * config.dt for state in path])
    inventories = np.stack([np.asarray(state.inventory[replica]) for state in path])
    image = chart.blank_frame()
    chart.write_title(image, _headline(config, path[-1], replica))
    chart.draw_clock(image, path[-1].step / config.n_steps)
    _draw_prices(image, config, times, np.array([float(state.price[replica]) for state in path]))
    _draw_inventories(image, config, times, inventories)
    return np.array(image)


def ansi_frame(config: MarketConfig, path: Sequence[MarketState], replica: int = 0) -> str:
    """The last steps and the traders with the largest inventories, at most 20 of each, as tables of plain text."""
    last = path[-1]
    held, cash = np.asarray(last.inventory[replica]), np.asarray(last.cash[replica])
    wealth = cash + held * float(last.price[replica])
    largest = np.sort(np.argsort(-np.abs(held), kind="stable")[:LISTED])
    steps = [
        _row(f"{s.step * config.dt:g}", (s.price[replica], s.impact[replica], s.inventory[replica].sum()))
        for s in path[-LISTED:]
    ]
    traders = [_row(f"agent_{i}", (held[i], cash[i], wealth[i])) for i in largest]
    left_out = config.n_agents - len(largest)
    return "\n".join(
        [
            _headline(config, last, replica),
            _head("hour", ("price", "impact", "held by all")),
            *steps,
            _head("trader", ("inventory", "cash", "wealth")),
            *traders,
            *([f"and {left_out:,} with smaller inventories"] if left_out else []),
        ]
    )


def _headline(config: MarketConfig, state: MarketState, replica: int) -> str:
    price, impact = float(state.price[replica]), float(state.impact[replica])
    moment = f"Decision {state.step} of {config.n_steps}, hour {state.step * config.dt:g} of {config.horizon:g}"
    return f"{moment}: price {price:.3f}, of which {impact:+.3f} transient impact"


def _head(first: str, names: Sequence[str]) -> str:
    return f"{first:>10}" + "".join(f"{name:>14}" for name in names)


def _row(first: str, values: Sequence[float]) -> str:
    return f"{first:>10}" + "".join(f"{float(value):>14.4f}" for value in values)


def _draw_prices(image: "Image", config: MarketConfig, times: FloatArray, prices: FloatArray) -> None:
    spread = 3 * max(config.initial_price_variance, config.volatility**2 * config.horizon) ** 0.5
    half = chart.nice_half(max(spread, float(np.abs(prices - config.price_level).max())))
    panel = chart.Panel(chart.PRICE_TOP, chart.PRICE_BOTTOM, config.horizon, config.price_level, half)
    chart.draw_axes(image, panel, "price", float(times[-1]))
    colour = np.array([chart.PRICE], np.uint8)
    level = chart.dashes(panel, config.price_level)
    chart.draw_lines(image, [*level, *chart.path_lines(panel, times, prices[:, None], colour, 2.5)])
    chart.write_level(image, panel)


def _draw_inventories(image: "Image", config: MarketConfig, times: FloatArray, inventories: FloatArray) -> None:
    usual, largest = 2 * config.init_inv_var**0.5, float(np.abs(inventories).max())
    many = config.n_agents > chart.MOST_LINES
    # Among many traders a few are far out: they would make all others pale, so colours may saturate and lines may not.
    half = chart.nice_half(usual if many and usual > 0 else max(usual, largest))
    panel = chart.Panel(chart.INVENTORY_TOP, chart.INVENTORY_BOTTOM, config.horizon, 0.0, half)
    if many:
        _draw_many(image, panel, times, inventories, config.dt)
    else:
        _draw_few(image, panel, times, inventories)
    chart.draw_times(image, panel)


def _draw_few(image: "Image", panel: chart.Panel, times: FloatArray, inventories: FloatArray) -> None:
    chart.draw_axes(image, panel, "inventories", float(times[-1]))
    n = inventories.shape[1]
    colours = chart.trader_colours(n)
    lines = chart.path_lines(panel, times, inventories, colours, 2.0)
    chart.draw_lines(image, [*chart.dashes(panel, 0.0), *lines])
    bar = np.repeat(colours[None], 12, 0).repeat(max(120 // n, 1), 1)
    write_row(image, chart.LEGEND, ("agent_0", bar, f"agent_{n - 1}"), chart.TICK_SIZE)


def _draw_many(image: "Image", panel: chart.Panel, times: FloatArray, inventories: FloatArray, dt: float) -> None:
    chart.draw_heat_map(image, panel, times, inventories, dt)
    write_upward(image, (17, (panel.top + panel.bottom) / 2), "inventories", chart.NAME_SIZE)
    write(image, (chart.LEFT - 8, panel.top + 6), "agent_0", chart.TICK_SIZE, "rm")
    write(image, (chart.LEFT - 8, panel.bottom - 6), f"{inventories.shape[1] - 1}", chart.TICK_SIZE, "rm")
    bar = np.tile(chart.signed_colours(np.linspace(-1.0, 1.0, 120)), (12, 1, 1))
    write_row(image, chart.LEGEND, (f"{-panel.half:g} or less", bar, f"{panel.half:g} or more"), chart.TICK_SIZE)
