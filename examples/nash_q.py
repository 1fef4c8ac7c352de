"""Trains Nash Q-learners on three rounds of the smallest game, and shows the equilibrium that they agree on.

`pip install .`; from three agents on `pip install ".[equilibria]"`.
"""

from mpgg_agents.nash_q import NashQConfig, NashQTrainer
from mpgg_env import MPGGConfig

ROUNDS = 3
EPISODES = 1000


def main() -> None:
    """Prints who is where, what is played and what it is worth, in each state of the first game and move."""
    # Two casinos with gains 1.3 and 1.9: alone it pays to cooperate, in company it does not.
    game = MPGGConfig(n_agents=2, grid_shape=(1, 2), gain=(1.3, 1.9), boundary="mask", moves="anywhere")
    # The game is deterministic, so that one sample tells the value of a joint action.
    agent = NashQConfig(alpha=1.0, gamma=0.9, horizon="finite", episodes=EPISODES, state="observations", eps_min=1.0)
    trainer = NashQTrainer(game, agent, seeds=[0], rounds=ROUNDS)
    trainer.advance(trainer.total_rounds)
    learned = trainer.learned(0)
    print(f"{len(learned['worth'])} states, largest gain from a deviation {learned['exploitability'].max():.0e}")
    for step, casinos, strategies, worth in zip(
        *(learned[name] for name in ("steps", "positions", "strategies", "worth")), strict=True
    ):
        if step == 2 * ROUNDS - 2:  # the last game
            cooperation = ", ".join(f"{share:.2f}" for share in strategies[:, 1])
            values = ", ".join(f"{value:.2f}" for value in worth)
            print(f"last game, agents in casinos {casinos.tolist()}: cooperation {cooperation}, values {values}")
    greedy = trainer.evaluate(ROUNDS)
    print(f"from the start: payoffs of both together {greedy.welfare[0].round(2).tolist()}")


if __name__ == "__main__":
    main()
