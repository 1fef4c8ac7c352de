"""Named settings of the market and of Nash-DQN."""

from typing import Final

from mpgg_agents.presets import Preset

PRESETS: Final[dict[str, Preset]] = {
    "default": Preset(
        source="the method of [Casgrain2022] with settings chosen by how near they come to the equilibrium"
    ),
    "exact": Preset(
        source="the linear market seen in full, whose equilibrium is known exactly",
        game={"impact": "linear", "observation": "full"},
    ),
    "paper": Preset(
        source="[Casgrain2022] sections 6.2 to 6.4",
        agent={
            "iterations": 20_000,
            "episodes": 10,
            "clock": "scalar",
            "learning_rate": 3e-3,
            "final_learning_rate": 1.0,
            "warm_up": 0,
            "beta_2": 0.999,
            "weight_decay": 1e-3,
            "target_every": 50,
            "exploring": 1.0,
            "trace": 0.0,
            "final_trace": 0.0,
            "noise": 2.5,
            "final_noise": 0.5,
            "psi_penalty": 100.0,
            "penalty": "l1",
            "data": "replay",
            "returned": "best",
        },
    ),
    "authors": Preset(
        source="the authors' public code, whose networks are one layer deeper and take the mean of the order flow",
        agent={
            "iterations": 20_000,
            "episodes": 10,
            "hidden": [32, 32, 32, 32, 32],
            "phi": [0],
            "clock": "scalar",
            "learning_rate": 3e-4,
            "final_learning_rate": 1.0,
            "warm_up": 0,
            "beta_2": 0.999,
            "weight_decay": 1e-2,
            "max_gradient_norm": 0.1,
            "target_every": 50,
            "exploring": 1.0,
            "trace": 0.0,
            "final_trace": 0.0,
            "noise": 2.5,
            "final_noise": 0.5,
            "psi_penalty": 50.0,
            "penalty": "l2",
            "reduction": "sum",
            "returned": "last",
            "scales": "authors",
        },
    ),
}
