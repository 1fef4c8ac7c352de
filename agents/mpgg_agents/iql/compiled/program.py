"""What all replicas of a training have in common: the configurations, translated for the kernels."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mpgg_agents.iql.compiled.arrays import Game, Learning
from mpgg_agents.iql.compiled.choice import LARGEST_SET, members_of_sets
from mpgg_agents.iql.config import IQLConfig
from mpgg_agents.iql.rules import OBSERVED_PARTS, bin_edges, tie_order
from mpgg_env.core.rounding import whole_part
from mpgg_env.core.types import BoolArray, UInt64Array
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.games.mpgg.mechanisms import rules_of
from mpgg_env.games.mpgg.rules import GAME_ACTIONS, casino_gains, destinations

LARGEST_GROUPED: Final = 512  # agents up to which the grouped layout is the faster one
LARGEST_BLOCK: Final = 2**16  # a growing table needs its old and its new memory at once, of one block only


@dataclass(frozen=True, slots=True)
class Program:
    """What all replicas of a training have in common, in the kernels' form."""

    config: MPGGConfig
    agent: IQLConfig
    game: Game
    learning: Learning
    orders: tuple[Any, Any]
    rounds: int
    hashed: bool
    n_blocks: int

    @classmethod
    def of(cls, config: MPGGConfig, agent: IQLConfig, rounds: int, layout: str) -> "Program":
        """Translates the configurations; `rounds` is the length of the training, `layout` "auto" or a layout's name."""
        shared = agent.table == "shared"
        hashed = not shared and (layout == "hashed" or (layout == "auto" and config.n_players > LARGEST_GROUPED))
        n_blocks = 1 if shared else -(-config.n_players // LARGEST_BLOCK)
        orders = (
            _order(agent.game_order, len(GAME_ACTIONS), agent.tie),
            _order(agent.move_order, config.n_moves, agent.tie),
        )
        return cls(config, agent, _game(config, agent), _learning(agent), orders, rounds, hashed, n_blocks)

    @property
    def widths(self) -> tuple[int, int]:
        """Number of game actions and of moves."""
        return len(GAME_ACTIONS), self.config.n_moves


def _order(order: tuple[int, ...] | None, n_actions: int, tie: str) -> Any:
    """The order that breaks ties; a tuple for small sets, whose length the compiler then knows."""
    directed = tie_order(order, n_actions, tie)
    return directed if n_actions <= LARGEST_SET else np.array(directed)


def _game(config: MPGGConfig, agent: IQLConfig) -> Game:
    reached, legal = destinations(config)
    edges = bin_edges(agent.count_bins, agent.bin_ratio, config.n_players)
    bins = np.searchsorted(edges, np.arange(config.n_players + 1), side="right") - 1
    return Game(
        rules=rules_of(config),
        seats=whole_part(casino_gains(config)),
        destinations=reached.reshape(-1).astype(np.uint32),
        legal_moves=_bit_sets(legal),
        restricted=not bool(legal.all()),
        bins=bins.astype(np.int32),
        n_bins=len(edges),
        game_sees=OBSERVED_PARTS[config.obs_game],
        migration_sees=OBSERVED_PARTS[config.obs_migration],
    )


def _bit_sets(legal: BoolArray) -> UInt64Array:
    """The legal moves of each casino as a bit set, (M,); zeros for large sets of moves, which are all legal."""
    if legal.shape[1] > LARGEST_SET:
        return np.zeros(len(legal), np.uint64)
    bits: UInt64Array = (legal << np.arange(legal.shape[1])).sum(axis=1).astype(np.uint64)
    return bits


def _learning(agent: IQLConfig) -> Learning:
    shared = agent.table == "shared"
    return Learning(
        eta=agent.eta,
        gamma=agent.gamma,
        sarsa=agent.target == "sarsa",
        random_ties=agent.tie == "random",
        before_act=agent.update == "before_act",
        online=agent.learns_online and not shared,
        shared=shared,
        past_mean=agent.move_reward == "past_mean",
        capacity=agent.capacity,
        batch_size=agent.batch_size,
        members=members_of_sets(),
    )
