"""Replay buffers."""

from mpgg_agents.replay.dual import DualReplayBuffer, Transition

__all__ = ["DualReplayBuffer", "Transition"]
