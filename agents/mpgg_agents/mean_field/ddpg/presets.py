"""Named settings of DDPG-MFTG for each game."""

from typing import Any, Final

from mpgg_agents.mean_field.architecture import ARCHITECTURES
from mpgg_agents.presets import Preset

# Between nearly uniform and deterministic rows, of which the largest probability is then 0.9998: see the page of this
# agent for what happens with 10.
_SCALE: Final = {"logit_scale": 5.0}
# What the text says of each game's training; population matching, which it solves by tables, and the migratory public
# goods game have none.
_PLANNING: Final = {
    **_SCALE,
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
        **_SCALE,
        "episodes": 50_000,
        "actor_learning_rate": 5e-5,
        "critic_learning_rate": 1e-4,
        "sigma": 0.08,
        "tau": 0.005,
        "capacity": 100_000,
        "batch_size": 32,
    },
    "predator_prey": {
        **_SCALE,
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
_QUICK: Final[dict[str, Any]] = {
    **{"parallel_episodes": 64, "update_ratio": 1 / 64, "capacity": 50_000, "batch_size": 64},
    **{"actor_learning_rate": 3e-4, "critic_learning_rate": 1e-3, "tau": 0.01},
}


def _rounds(count: int) -> dict[str, Any]:
    """So many rounds of 64 episodes, with step sizes and noise halved after 40, 60 and 80 % of them."""
    halvings = tuple(64 * count * percent // 100 for percent in (40, 60, 80))
    return {"episodes": 64 * count, "halve_rates_at": halvings, "halve_noise_at": halvings}


# Critics learn values of a few units in some hundred updates: rewards are scaled to that.
DEFAULT: Final[dict[str, dict[str, Any]]] = {
    "population_matching": {**_QUICK, **_SCALE, **_rounds(300), "layers": (128, 128), "sigma": 0.05},
    "four_rooms": {**_QUICK, **_SCALE, **_rounds(1000), "sigma": 0.08, "reward_scale": 0.1},
    "predator_prey": {
        **_QUICK,
        **_SCALE,
        **_rounds(1000),
        "sigma": 0.8,
        "noise_on": "logits",
        "reward_scale": 0.1,
    },
    "distribution_planning": {**_QUICK, **_SCALE, **_rounds(1000), "sigma": 0.08, "reward_scale": 0.1},
    "cyber_security": {**_QUICK, **_rounds(400), "actor_learning_rate": 1e-3, "sigma": 0.1},
    "mpgg": {**_QUICK, **_SCALE, **_rounds(400), "sigma": 0.1},
}

# By game, then by name.
PRESETS: Final[dict[str, dict[str, Preset]]] = {
    game: {
        "default": Preset(
            source="found by short trials here; 64 episodes side by side, not the text's algorithm",
            agent=ARCHITECTURES[game] | settings,
        ),
        **(
            {"paper": Preset(source="[Shao2024] appendix F", agent=ARCHITECTURES[game] | PAPER[game])}
            if game in PAPER
            else {}
        ),
    }
    for game, settings in DEFAULT.items()
}
