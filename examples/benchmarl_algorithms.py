"""BenchMARL: IPPO, MAPPO, IQL, VDN or QMIX on the game, through the ready task of `mpgg_env.benchmarl`.

`make example NAME=benchmarl_algorithms ARGS=qmix` installs what is needed and runs it; in an environment of your own,
`pip install . benchmarl`, which needs TorchRL < 0.12 (BenchMARL 1.5.2). TorchRL 0.11.1 takes every action of an
episode's last state for legal, see `mpgg_env.benchmarl`.
"""

import sys
import tempfile

import torch
from benchmarl.algorithms import algorithm_config_registry
from benchmarl.experiment import Callback, Experiment, ExperimentConfig
from benchmarl.models.mlp import MlpConfig
from torchrl.envs import ExplorationType, set_exploration_type

from mpgg_env.benchmarl import MPGGTask

ALGORITHMS = ("ippo", "mappo", "iql", "vdn", "qmix")
STEPS = 40  # of an episode, two per round
# Every gain is above N = 4, so that cooperating is dominant; the second casino pays more than the first.
GAME = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8), "boundary": "mask", "max_cycles": STEPS}


def experiment_config(folder: str) -> ExperimentConfig:
    """BenchMARL's defaults, but for a training of seconds: 15 times 10 episodes."""
    config = ExperimentConfig.get_from_yaml()
    config.save_folder, config.loggers, config.create_json, config.evaluation = folder, [], False, False
    config.gamma, config.lr, config.max_n_frames = 0.9, 1e-3, 15 * 10 * STEPS
    config.on_policy_collected_frames_per_batch = config.off_policy_collected_frames_per_batch = 10 * STEPS
    config.on_policy_n_minibatch_iters, config.on_policy_minibatch_size = 10, 100
    config.off_policy_n_optimizer_steps, config.polyak_tau = 40, 0.05
    return config


def payoff(rollout) -> float:
    """Mean payoff per agent and round."""
    return 2 * rollout["next", "agent", "reward"].mean().item()


def illegal(rollout) -> float:
    """Illegal actions: the counters of the agents at the end of each episode."""
    return rollout["next", "agent", "info", "illegal"][rollout["next", "done"].squeeze(-1)].sum().item()


def main(algorithm: str = "qmix", seed: int = 0) -> dict[str, float]:
    """Trains with one of the algorithms, by its name in BenchMARL."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    torch.set_num_threads(1)  # the networks are small
    task = MPGGTask.MIGRATORY_PUBLIC_GOODS.get_task(GAME)
    batches, keep = [], Callback()
    keep.on_batch_collected = batches.append
    configs = algorithm_config_registry[algorithm].get_from_yaml(), MlpConfig.get_from_yaml()
    with tempfile.TemporaryDirectory() as folder:
        experiment = Experiment(task, *configs, seed, experiment_config(folder), callbacks=[keep])
        experiment.run()
    env = task.get_env_fun(1, False, seed + 1, "cpu")()
    random = env.rollout(10 * STEPS, break_when_any_done=False)
    with set_exploration_type(ExplorationType.DETERMINISTIC), torch.no_grad():
        trained = env.rollout(10 * STEPS, experiment.policy, break_when_any_done=False)
    return {
        "random": payoff(random),
        "trained": payoff(trained),
        "illegal": sum(map(illegal, [random, *batches, trained])),
    }


if __name__ == "__main__":
    print(main(*sys.argv[1:2]))
