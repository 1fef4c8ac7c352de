"""Allocates a replica's arrays."""

from typing import Any, Final

import numpy as np

from mpgg_agents.iql.compiled.arrays import Block, Casinos, Replay
from mpgg_agents.iql.compiled.program import Program
from mpgg_agents.iql.compiled.tables import LARGEST_LOAD, Table, new_table
from mpgg_env.games.mpgg.transfers import N_ROLES

# First sizes. Untouched pages cost no memory, and a table that need not grow is not copied.
FIRST_GROUPED_VALUES: Final = 2**22
FIRST_VISITS: Final = 256


def new_casinos(n_casinos: int) -> Casinos:
    """Empty casinos."""
    return Casinos(
        occupancy=np.zeros(n_casinos, np.int64),
        cooperators=np.zeros(n_casinos, np.int64),
        present=np.zeros(n_casinos, np.int64),
        payoffs=np.zeros(N_ROLES * n_casinos),
        rebates=np.zeros(n_casinos),
        players=np.zeros(n_casinos, np.int64),
        playing_cooperators=np.zeros(n_casinos, np.int64),
        members_left=np.zeros(n_casinos, np.int64),
        seats_left=np.zeros(n_casinos, np.int64),
        game_states=np.zeros(n_casinos, np.uint32),
        move_states=np.zeros(n_casinos, np.uint32),
    )


def new_tables(program: Program, n_agents: int) -> list[Table]:
    """The tables of games and of migrations for a block of agents."""
    agent, hashed = program.agent, program.hashed
    columns = 1 if agent.table == "shared" else n_agents
    # An agent sees at most one new state per round, so that a short run never grows.
    visits = min(FIRST_VISITS, program.rounds + 2)
    slots = int(visits / LARGEST_LOAD) + 2 if hashed else 0
    tables = []
    for width in program.widths:
        capacity = max(2 * program.config.n_casinos, FIRST_GROUPED_VALUES // (columns * width))
        if hashed:
            capacity = columns * visits
        tables.append(new_table(columns, width, capacity, slots, hashed, agent.dtype, agent.initial_value))
    return tables


def new_block(program: Program, first: int, end: int) -> Block:
    """The agents from `first` up to, but without, `end`."""
    n, agent, (n_casinos, n_moves) = end - first, program.agent, (program.config.n_casinos, program.config.n_moves)
    past_mean = agent.move_reward == "past_mean"
    online = program.learning.online
    capacity = 0 if online else agent.capacity

    def integers(size: int = n) -> Any:
        return np.zeros(size, np.uint32)

    def indices(size: int) -> Any:
        return np.zeros(size, np.uint64)

    return Block(
        first=first,
        positions=integers(),
        words=np.zeros((4, n), np.uint32),
        payoffs=np.zeros(n),
        plays=np.zeros(n if program.game.rules.terms.limits else 0, np.bool_),
        roles=integers(n if program.game.rules.terms.limits else 0),
        games=integers(),
        game_states=integers(0 if online else n),
        game_entries=indices(n if online else 0),
        moves=integers(0 if online else n),
        move_states=integers(0 if online else n),
        move_entries=indices(n if online else 0),
        rows=indices(n),
        history=np.zeros((n, agent.move_reward_window if past_mean else 0)),
        earned=np.zeros(n if past_mean else 0),
        game_replay=_replay(n, capacity),
        move_replay=_replay(n, capacity),
        cooperators=np.zeros(n_casinos, np.int64),
        flows=np.zeros(n_casinos * n_moves, np.int64),
        arrived=np.zeros(n_casinos, np.int64),
    )


def _replay(n: int, capacity: int) -> Replay:
    shape = (n, capacity)
    return Replay(
        states=np.zeros(shape, np.uint32),
        actions=np.zeros(shape, np.uint32),
        rewards=np.zeros(shape),
        next_states=np.zeros(shape, np.uint32),
        next_legal=np.zeros(shape, np.uint64),
        next_actions=np.zeros(shape, np.uint32),
        stored=np.zeros(n if capacity else 0, np.int64),
    )
