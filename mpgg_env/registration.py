"""The games by their PettingZoo ids, and their entry into PettingZoo's registry."""

from typing import Final

import pettingzoo

# Each module has `parallel_env` and `env`.
GAMES: Final = {
    "mpgg/migratory_public_goods-v0": "mpgg_env.mpgg_v0",
    "mpgg/market-v0": "mpgg_env.market_v0",
    "mftg/population_matching-v0": "mpgg_env.mftg.population_matching_v0",
    "mftg/four_rooms-v0": "mpgg_env.mftg.four_rooms_v0",
    "mftg/predator_prey-v0": "mpgg_env.mftg.predator_prey_v0",
    "mftg/distribution_planning-v0": "mpgg_env.mftg.distribution_planning_v0",
    "mftg/cyber_security-v0": "mpgg_env.mftg.cyber_security_v0",
    "mftg/mpgg-v0": "mpgg_env.mftg.mpgg_v0",
}


def register_games() -> None:
    """Makes `pettingzoo.make("parallel", id)` and `make("aec", id)` know the games.

    PettingZoo before 1.27 has no registry, and nothing happens. The entry points are texts, which PettingZoo imports
    when an environment is made: functions would load numba here.
    """
    if not hasattr(pettingzoo, "register"):
        return
    for game, module in GAMES.items():
        # A second entry would warn, and a reloaded package would fail where warnings are errors.
        if game not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", game, entry_point=f"{module}:parallel_env")
            pettingzoo.register("aec", game, entry_point=f"{module}:env")
