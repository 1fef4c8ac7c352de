"""TorchRL: independent PPO, one network for all agents, through `PettingZooWrapper`; the policy obeys the mask.

`make example NAME=torchrl_ippo` installs what is needed and runs it; in an environment of your own,
`pip install . torchrl`. TorchRL 0.14.1 warns that it was tested with PettingZoo 1.24.3; 1.27.0 works here. In the
last state of an episode, in which no agent is live, its `action_mask` is all True: do not learn from that mask.
"""

import torch
from tensordict.nn import TensorDictModule
from torchrl.envs import ExplorationType, PettingZooWrapper, set_exploration_type
from torchrl.modules import MLP, MaskedCategorical, ProbabilisticActor
from torchrl.objectives import ClipPPOLoss, ValueEstimators

import mpgg_env

STEPS = 40  # of an episode, two per round


def network(outputs: int, key: str) -> TensorDictModule:
    """A network from each agent's own observation, (..., agents, 8), to `outputs` numbers."""
    layers = MLP(in_features=8, out_features=outputs, num_cells=[64, 64])
    return TensorDictModule(layers, in_keys=[("agent", "observation")], out_keys=[("agent", key)])


def payoff(rollout) -> float:
    """Mean payoff per agent and round."""
    return 2 * rollout["next", "agent", "reward"].mean().item()


def illegal(rollout) -> float:
    """Illegal actions: the counters of the agents at the end of each episode."""
    return rollout["next", "agent", "info", "illegal"][rollout["next", "done"].squeeze(-1)].sum().item()


def main(iterations: int = 10, seed: int = 0) -> dict[str, float]:
    """Trains on `iterations` batches of 10 episodes."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the networks are small
    # Every gain is above N = 4, so that cooperating is dominant; the second casino pays more than the first.
    game = {"n_agents": 4, "grid_shape": (1, 2), "gain_range": (5, 8), "boundary": "mask", "max_cycles": STEPS}
    env = PettingZooWrapper(mpgg_env.parallel_env(**game, obs_scale="unit"), seed=seed)
    random = env.rollout(10 * STEPS, break_when_any_done=False)

    actor = ProbabilisticActor(
        network(5, "logits"),
        spec=env.full_action_spec,
        in_keys={"logits": ("agent", "logits"), "mask": ("agent", "action_mask")},
        out_keys=[("agent", "action")],
        distribution_class=MaskedCategorical,
        return_log_prob=True,
    )
    loss = ClipPPOLoss(actor, network(1, "state_value"), entropy_coeff=0.01)
    names = {name: ("agent", name) for name in ("action", "reward", "done", "terminated", "advantage", "value_target")}
    loss.set_keys(**names, value=("agent", "state_value"), sample_log_prob=("agent", "action_log_prob"))
    loss.make_value_estimator(ValueEstimators.GAE, gamma=0.9, lmbda=0.9)
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)

    illegal_in_training = 0.0
    for _ in range(iterations):
        with torch.no_grad(), set_exploration_type(ExplorationType.RANDOM):
            batch = env.rollout(10 * STEPS, actor, break_when_any_done=False)
        illegal_in_training += illegal(batch)
        for _ in range(10):
            losses = loss(batch.copy())  # with new advantages each time, of the critic as it is now
            (losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]).backward()
            optimizer.step()
            optimizer.zero_grad()

    with set_exploration_type(ExplorationType.DETERMINISTIC), torch.no_grad():
        trained = env.rollout(10 * STEPS, actor, break_when_any_done=False)
    return {
        "random": payoff(random),
        "trained": payoff(trained),
        "illegal": illegal(random) + illegal_in_training + illegal(trained),
    }


if __name__ == "__main__":
    print(main())
