"""Trains deep Q-learners, shared and independent, and compares what they earn with tabular Q-learning.

`make example NAME=train_dqn` installs the deep learning libraries and runs it; in an environment of your own,
`pip install ".[deep]"`.
"""

from mpgg_agents.dqn import DQNConfig, DQNTrainer
from mpgg_agents.iql import IQLConfig, IQLTrainer
from mpgg_env import MPGGConfig


def main(rounds: int = 1500) -> None:
    """Trains two seeds of each kind of learner for `rounds` rounds and prints their greedy payoffs."""
    game = MPGGConfig(n_agents=6, grid_shape=(2, 2), boundary="wall")
    schedule = {"gamma": 0.9, "decay": 0.995}
    trainers = {
        "tables, one pair per agent": IQLTrainer(game, IQLConfig(**schedule), [0, 1], rounds),
        "networks, one pair for all": DQNTrainer(game, DQNConfig(**schedule), [0, 1], rounds),
        "networks, one pair per agent": DQNTrainer(game, DQNConfig(sharing="independent", **schedule), [0, 1], rounds),
    }
    for name, trainer in trainers.items():
        trainer.advance(rounds)
        greedy = trainer.evaluate(200)
        payoff = greedy.welfare.mean() / game.n_players
        cooperation = greedy.cooperators.mean() / game.n_players
        print(f"{name:<30} payoff {payoff:.2f} per agent and round, cooperation rate {cooperation:.2f}")


if __name__ == "__main__":
    main()
