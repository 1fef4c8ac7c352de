"""Trains Nash Q-learners on three rounds of the smallest game, and shows the equilibrium that they agree on.

`pip install .`; from three agents on `pip install ".[equilibria]"`.
"""

from mpgg_agents.nash_q import NashQConfig, NashQTrainer
from mpgg_env import MPGGConfig

ROUNDS = 3
EPISODES = 1000


def main() -> None:
    """Prints what is played in the last game, by who is where, and what a whole episode pays."""
    # Two casinos with gains 1.3 and 1.9: alone it pays to cooperate, in company it does not.
    game = MPGGConfig(n_agents=2, grid_shape=(1, 2), gain=(1.3, 1.9), moves="anywhere")
    # The game is deterministic, so that one sample tells the value of a joint action.
    agent = NashQConfig(alpha=1.0, gamma=0.9, horizon="finite", episodes=EPISODES, state="observations", eps_min=1.0)
    trainer = NashQTrainer(game, agent, seeds=[0], rounds=ROUNDS)
    trainer.advance(trainer.total_rounds)
    learned = trainer.learned(0)
    print(f"{len(learned['worth'])} states, largest gain from a deviation {learned['exploitability'].max():.0e}")
    for state in sorted(range(len(learned["steps"])), key=lambda s: learned["positions"][s].tolist()):
        if learned["steps"][state] == 2 * ROUNDS - 2:  # the last game
            cooperation = learned["strategies"][state, :, 1].round(2).tolist()
            casinos, values = learned["positions"][state].tolist(), learned["worth"][state].round(2).tolist()
            print(f"last game, agents in casinos {casinos}: cooperation {cooperation}, values {values}")
    greedy = trainer.evaluate(ROUNDS)
    print(f"from the start: payoffs of both together {greedy.welfare[0].round(2).tolist()}")


if __name__ == "__main__":
    main()
