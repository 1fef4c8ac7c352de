"""Trains independent Q-learners through the PettingZoo interface alone, with the readable agent.

The same call trains on your own environment, if it has two phases and puts its masks where this one does.
"""

import mpgg_env
from mpgg_agents.iql import IQLConfig, train


def main(rounds: int = 200) -> None:
    """Trains 30 agents on 6 casinos for `rounds` rounds."""
    env = mpgg_env.parallel_env(n_agents=30, grid_shape=(2, 3))
    for _population, result in train(env, IQLConfig(decay=0.99), rounds=rounds, seed=0):
        if env.round % 50 == 0:
            print(f"round {env.round}: {result.game_actions.mean():.2f} cooperate, payoff {result.payoffs.mean():.3f}")


if __name__ == "__main__":
    main()
