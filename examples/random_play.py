"""Steps the environment with random legal actions and prints what a round pays.

A round is two steps: in the game phase the agents play C or D, in the migration phase they move.
"""

import mpgg_env


def main(steps: int = 20) -> None:
    """Plays one episode of `steps` steps."""
    env = mpgg_env.parallel_env(n_agents=30, grid_shape=(2, 3), max_cycles=steps)
    _, infos = env.reset(seed=0)
    while env.agents:
        phase, number = env.phase, env.round
        actions = {a: env.action_space(a).sample(infos[a]["action_mask"]) for a in env.agents}
        _, rewards, _, _, infos = env.step(actions)
        if phase == "game":
            mean_payoff = sum(rewards.values()) / len(rewards)
            print(f"round {number}: {env.cooperators.sum()} of 30 cooperate, mean payoff {mean_payoff:.3f}")
    env.close()


if __name__ == "__main__":
    main()
