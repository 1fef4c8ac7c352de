"""Steps the trading market: every trader sells what it holds evenly over the time that is left, with some noise."""

import numpy as np

from mpgg_env import market_v0


def main(seed: int = 0) -> None:
    """Plays one episode and prints what the traders have earned, by eq. 22 of the paper."""
    env, rng = market_v0.parallel_env(impact="linear", observation="full"), np.random.default_rng(seed)
    observations, start = env.reset(seed=seed)
    while env.agents:
        # Of a "full" observation 0 is the time to go, and 3 the own inventory.
        rates = {a: -seen[3] / seen[0] + rng.normal() for a, seen in observations.items()}
        observations, _, _, _, infos = env.step(rates)
    for agent, info in infos.items():
        earned = market_v0.total_reward(info) - start[agent]["inventory"] * start[agent]["price"]
        print(f"{agent}: from {start[agent]['inventory']:6.2f} to {info['inventory']:6.2f}, earned {earned:8.3f}")


if __name__ == "__main__":
    main()
