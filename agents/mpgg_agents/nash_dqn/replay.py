"""The replay buffer of joint decisions."""

import torch

from mpgg_agents.nash_dqn.episodes import Transitions
from mpgg_agents.replay.ring import Ring


class Replay(Ring[Transitions]):
    """The last `capacity` joint decisions.

    Args:
        capacity: How many it keeps.
        own: Own features of a trader.
        n_agents: Number of traders N.
    """

    def __init__(self, capacity: int, own: int, n_agents: int) -> None:
        widths = {"own": (n_agents, own), "next_own": (n_agents, own), "goes_on": (1,)}
        super().__init__(
            Transitions(*(torch.zeros(capacity, *widths.get(name, (n_agents,))) for name in Transitions._fields))
        )
