"""Collects a panel from the array interface and measures efficiency, crowding, structure and synergy on it.

The agents follow a rule of thumb: they cooperate where the casino is not overcrowded, and leave it at random where it
is. For a run folder `load_run(path).efficiency_table()` gives the same measures, one value per seed.
"""

import numpy as np
from numpy.typing import NDArray

from mpgg_env import MPGGConfig, MPGGVectorEnv
from mpgg_env.analysis import metrics, metrics_panel, metrics_structure

Panel = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def play(config: MPGGConfig, rounds: int, seed: int) -> Panel:
    """Positions, actions and payoffs of every agent, (rounds, agents) each."""
    env, generator = MPGGVectorEnv(config.replace(max_cycles=2 * rounds)), np.random.default_rng(seed)
    env.reset([seed])
    shape = (rounds, env.n_agents)
    positions, actions, payoffs = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
    for t in range(rounds):
        positions[t] = env.state.positions[0]
        crowded = env.state.occupancy[0, positions[t]] > env.gain[positions[t]]
        actions[t] = np.where(crowded, generator.random(env.n_agents) < 0.3, True)
        payoffs[t] = env.step(actions[t][None])[1][0]
        moves = np.where(crowded, generator.integers(0, config.n_moves, env.n_agents), 0)
        env.step(moves[None])
    return positions, actions, payoffs


def main(rounds: int = 300, seed: int = 0) -> None:
    """Plays and prints the measures, means over the rounds."""
    config = MPGGConfig()
    env = MPGGVectorEnv(config)
    values = env.cost * (env.gain - 1)  # what a cooperator among cooperators earns
    positions, actions, payoffs = play(config, rounds, seed)
    occupancy, cooperators = metrics_panel.panel_counts(positions, actions, config.n_casinos)
    welfare, seated = payoffs.sum(axis=1), metrics.seated(occupancy, env.gain)
    price = metrics_structure.price_split(config, occupancy, cooperators)
    print(f"cooperation rate  {metrics.cooperation_rate(occupancy, cooperators).mean():.3f}")
    print(f"efficiency        {metrics.efficiency(welfare, config.n_players, values.max()).mean():.3f}")
    print(f"  of the seats    {metrics.carrying_capacity_efficiency(welfare, 150, env.gain, values).mean():.3f}")
    print(f"seats taken       {metrics.seat_use(seated, env.gain).mean():.3f}")
    print(f"above floor(r)    {metrics.overcrowding(seated, config.n_players).mean():.3f}")
    print(f"assortment        {np.nanmean(metrics_structure.assortment(occupancy, cooperators)):.3f}")
    print(f"C ahead of D by   {np.nanmean(price.between):.3f} between - {np.nanmean(price.within):.3f} within casinos")
    print(f"Gini of payoffs   {metrics_panel.payoff_inequality(payoffs).gini:.3f}")
    corridor = metrics_structure.corridor_set(occupancy.mean(axis=0), cooperators.mean(axis=0))
    spans = bool(metrics_structure.corridor_spans(config, corridor))
    print(f"corridor          {corridor.sum()} casinos, {'joins' if spans else 'does not join'} low to high gain")
    lasting = metrics_panel.persistence(positions, actions)
    print(f"P(C again)        {lasting.after_move:.3f} after a move, {lasting.after_stay:.3f} without")
    synergy = metrics_panel.synergy_survival(positions, actions, payoffs, [0.0, 0.25, 0.5, 0.75], config.n_casinos)
    for threshold, survival, count in zip((0, 25, 50, 75), synergy.survival, synergy.endangered, strict=True):
        print(
            f"more than {threshold:2d} % D   {survival:.3f} of {count} cooperators are ahead of the defectors they met"
        )


if __name__ == "__main__":
    main()
