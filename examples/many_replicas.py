"""Plays many replicas at once through the array interface, without dictionaries.

Everybody cooperates and nobody moves: the sum of all payoffs is then the sum of c (r - 1) over the agents.
"""

import numpy as np

from mpgg_env import MPGGConfig, MPGGVectorEnv

STAY, COOPERATE = 0, 1


def main(n_replicas: int = 64, rounds: int = 100) -> None:
    """Plays `rounds` rounds in `n_replicas` replicas."""
    env = MPGGVectorEnv(MPGGConfig(), n_replicas)
    env.reset(seed=0)
    welfare = np.zeros(n_replicas)
    for _ in range(rounds):
        _, payoffs, _, _, _ = env.step(np.full((n_replicas, env.n_agents), COOPERATE))
        env.step(np.full((n_replicas, env.n_agents), STAY))
        welfare += payoffs.sum(axis=1) / rounds
    expected = (env.state.occupancy * env.cost * (env.gain - 1)).sum(axis=1)
    print(f"welfare per round {welfare.mean():.3f}, expected {expected.mean():.3f}")


if __name__ == "__main__":
    main()
