"""Named settings of DDPG-MFTG for each game."""

from typing import Any, Final

from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.presets import Preset

# What the text says of each game's training; population matching, which it solves by tables, and the migratory public
# goods game have none.
_PLANNING: Final = {
    "episodes": 20_000,
    "actor_learning_rate": 5e-5,
    "critic_learning_rate": 1e-4,
    "halve_rates_at": (6000, 12_000),
    "sigma": 0.08,
    "halve_noise_at": (6000, 12_000),
    "tau": 0.005,
    "capacity": 50_000,
    "batch_size": 128,
}
PAPER: Final[dict[str, dict[str, Any]]] = {
    "four_rooms": {
        "episodes": 50_000,
        "actor_learning_rate": 5e-5,
        "critic_learning_rate": 1e-4,
        "sigma": 0.08,
        "tau": 0.005,
        "capacity": 100_000,
        "batch_size": 32,
    },
    "predator_prey": {
        "episodes": 80_000,
        "actor_learning_rate": 5e-4,
        "critic_learning_rate": 1e-3,
        "sigma": 0.8,
        # A standard deviation of 0.8 leaves nothing of probabilities.
        "noise_on": "logits",
        "tau": 0.0025,
        "capacity": 50_000,
        "batch_size": 64,
    },
    "distribution_planning": _PLANNING,
    "cyber_security": {
        "episodes": 100,
        # The text names neither step sizes, nor noise, nor tau of this game.
        "actor_learning_rate": 1e-4,
        "critic_learning_rate": 1e-3,
        "sigma": 0.1,
        "tau": 0.005,
        "capacity": 5000,
        "batch_size": 64,
    },
}

# One update of every player per step of 64 parallel episodes: not the text's algorithm, but nearly its cost per update.
_QUICK: Final = {"parallel_episodes": 64, "update_ratio": 1 / 64, "capacity": 50_000, "batch_size": 128}
DEFAULT: Final[dict[str, dict[str, Any]]] = {
    "population_matching": {
        **_QUICK,
        "episodes": 64 * 400,
        "batch_size": 64,
        "actor_learning_rate": 3e-4,
        "critic_learning_rate": 1e-3,
        "sigma": 0.1,
        "tau": 0.01,
    },
    "four_rooms": {
        **_QUICK,
        "episodes": 64 * 400,
        "actor_learning_rate": 3e-4,
        "critic_learning_rate": 6e-4,
        "sigma": 0.08,
        "tau": 0.01,
    },
    "predator_prey": {
        **_QUICK,
        "episodes": 64 * 400,
        "actor_learning_rate": 3e-4,
        "critic_learning_rate": 6e-4,
        "sigma": 0.8,
        "noise_on": "logits",
        "tau": 0.01,
    },
    "distribution_planning": {
        **_QUICK,
        "episodes": 64 * 1000,
        "actor_learning_rate": 3e-4,
        "critic_learning_rate": 6e-4,
        "sigma": 0.08,
        "tau": 0.01,
    },
    "cyber_security": {
        **_QUICK,
        "episodes": 64 * 200,
        "actor_learning_rate": 1e-3,
        "critic_learning_rate": 1e-3,
        "sigma": 0.1,
        "tau": 0.01,
    },
    "mpgg": {
        **_QUICK,
        "episodes": 64 * 400,
        "actor_learning_rate": 3e-4,
        "critic_learning_rate": 1e-3,
        "sigma": 0.1,
        "tau": 0.01,
    },
}

# By game, then by name.
PRESETS: Final[dict[str, dict[str, Preset]]] = {
    game: {
        "default": Preset(source="found by short trials here", agent=ARCHITECTURES[game] | settings),
        **(
            {"paper": Preset(source="[Shao2024] appendix F", agent=ARCHITECTURES[game] | PAPER[game])}
            if game in PAPER
            else {}
        ),
    }
    for game, settings in DEFAULT.items()
}
