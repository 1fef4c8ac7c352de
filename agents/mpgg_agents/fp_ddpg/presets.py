"""Named settings of the market and of fictitious play with DDPG."""

from typing import Final

from mpgg_agents.presets import Preset

PRESETS: Final[dict[str, Preset]] = {
    "default": Preset(source="what worked best here for the budget of Nash-DQN's default; the defaults"),
    "exact": Preset(
        source="the linear market seen in full, whose equilibrium is known exactly",
        game={"impact": "linear", "observation": "full"},
    ),
    "authors": Preset(
        source="the public code of the authors of [Casgrain2022]: iterated best response, the buffer emptied in each "
        "round and all of it used in the one gradient step",
        agent={
            "reading": "last",
            "responses": 20,
            "first_rounds": 10_000,
            "next_rounds": 5_000,
            "episodes": 10,
            "gradient_steps": 1,
            "batch_size": 100,
            "capacity": 100,
            "hidden": (32, 32, 32, 32, 32),
            "phi": (),
            "learning_rate": 3e-4,
            "final_learning_rate": 1.0,
            "max_gradient_norm": 1e4,
            "tau": 0.5,
            "exploration": "authors",
            "schedule": "response",
            "rate_limit": 50.0,
            "scales": "authors",
        },
    ),
}
