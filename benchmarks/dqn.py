"""Deep Q-learning on the array engine against Stable-Baselines3's DQN, in agent-steps per second at N = 150.

One agent-step is one agent's action in one `env.step`, two per round. Shared: one network for all agents; the peer is
SuperSuit's vector environment under `DQN.learn`. Independent: networks of each agent's own; the peer is a loop over one
pair of `DQN` models per agent, with `predict`, `replay_buffer.add` and `train`. Both sides have equal networks, batches
and gradient steps per agent-step, explore fully and run in one thread. "On torch" is the trainer with the training step
of Stable-Baselines3 (shared) or of torch (independent), as on a graphics card, in place of its own.
"""

import time
from typing import Any

import numpy as np
import supersuit
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import DQN
from stable_baselines3.common.logger import Logger

from benchmarks.measure import Figure, in_turn, ratios, require
from mpgg_agents.dqn import DQNConfig, DQNTrainer
from mpgg_agents.threads import limited_threads
from mpgg_env import MPGGConfig, MPGGParallelEnv, MPGGVectorEnv

N = 150
HIDDEN = (64, 64)
BATCH = 32
CAPACITY = 1000  # transitions per agent and buffer
ENDLESS = 2**31 - 1
SHARED_BAR = 5.0
INDEPENDENT_BAR = 15.0


def trainer_rate(sharing: Any, train_every: int, rounds: int, warm_up: int, *, on_torch: bool = False) -> float:
    """Agent-steps per second of `DQNTrainer`, with its own gradient steps or with those of SB3 and torch."""
    networks = {"hidden": HIDDEN, "batch_size": BATCH, "capacity": CAPACITY}
    agent = DQNConfig(sharing=sharing, train_every=train_every, decay=1.0, **networks)
    trainer = DQNTrainer(MPGGConfig(), agent, [0], warm_up + rounds, threads=1)
    if on_torch:
        trainer.agents(0).Q_G.use_torch()
        trainer.agents(0).Q_M.use_torch()
    trainer.advance(warm_up)
    before = trainer.gradient_steps
    start = time.perf_counter()
    trainer.advance(rounds)
    elapsed = time.perf_counter() - start
    require(trainer.gradient_steps - before == 2 * rounds // train_every, "one gradient step per network and training")
    return 2 * rounds * N / elapsed


def supersuit_rate(train_every: int, steps: int, warm_up: int) -> float:
    """Agent-steps per second of SuperSuit and Stable-Baselines3 with one gradient step per `train_every` env steps."""
    env = MPGGParallelEnv(MPGGConfig(max_cycles=ENDLESS), action_mode="joint", obs_scale="unit", action_mask="none")
    vector = supersuit.pettingzoo_env_to_vec_env_v1(env)
    vector = supersuit.concat_vec_envs_v1(vector, 1, num_cpus=0, base_class="stable_baselines3")
    model = DQN(
        "MlpPolicy",
        vector,
        batch_size=BATCH,
        buffer_size=2 * CAPACITY * N,
        learning_starts=warm_up * N // 2,
        train_freq=train_every,
        target_update_interval=200 * N,
        exploration_fraction=1.0,
        exploration_final_eps=0.99,
        policy_kwargs={"net_arch": list(HIDDEN)},
        device="cpu",
    )
    model.learn(warm_up * N)
    before = model._n_updates
    start = time.perf_counter()
    model.learn(steps * N, reset_num_timesteps=False)
    elapsed = time.perf_counter() - start
    require(model._n_updates - before == steps // train_every, "one gradient step per `train_every` env steps")
    return steps * N / elapsed


class Loop:
    """One pair of Stable-Baselines3 models per agent, driven by hand, one gradient step per model and round."""

    def __init__(self) -> None:
        self.env = MPGGVectorEnv(MPGGConfig(max_cycles=ENDLESS), obs_scale="unit")
        self.models = {phase: [_model(actions) for _ in range(N)] for phase, actions in (("game", 2), ("move", 5))}
        self.observations = self.env.reset(seed=0)[0][0]
        self.last: dict[str, Any] = {}
        for _ in range(BATCH):
            self.round(trains=False)

    def round(self, *, trains: bool = True) -> None:
        """One round of all agents; a move is paid by the next game."""
        seen = self.observations
        games = self.act("game", seen)
        observations, rewards, *_ = self.env.step(games[None])
        self.keep("move", observations[0], rewards[0])
        moves = self.act("move", observations[0])
        self.observations = self.env.step(moves[None])[0][0]
        self.last["game"] = seen, games
        self.keep("game", self.observations, rewards[0])
        self.last["move"] = observations[0], moves
        if trains:
            for models in self.models.values():
                for model in models:
                    model.train(1, BATCH)

    def act(self, phase: str, observations: Any) -> Any:
        """Every agent's action by its own model."""
        return np.array(
            [model.predict(observation)[0] for model, observation in zip(self.models[phase], observations, strict=True)]
        )

    def keep(self, phase: str, observations: Any, rewards: Any) -> None:
        """Every agent's transition into its own buffer."""
        if phase not in self.last:
            return
        seen, actions = self.last[phase]
        for i, model in enumerate(self.models[phase]):
            infos: list[dict[str, Any]] = [{}]
            model.replay_buffer.add(
                seen[i], observations[i], actions[i : i + 1], rewards[i : i + 1], np.zeros(1), infos
            )

    def rate(self, rounds: int) -> float:
        """Agent-steps per second."""
        before = self.updates()
        start = time.perf_counter()
        for _ in range(rounds):
            self.round()
        elapsed = time.perf_counter() - start
        require(self.updates() - before == 2 * N * rounds, "one gradient step per model and round")
        return 2 * rounds * N / elapsed

    def updates(self) -> int:
        """Gradient steps of all models."""
        return sum(model._n_updates for models in self.models.values() for model in models)


def _model(n_actions: int) -> DQN:
    arguments: dict[str, Any] = {"policy_kwargs": {"net_arch": list(HIDDEN)}, "buffer_size": CAPACITY, "device": "cpu"}
    model = DQN("MlpPolicy", None, _init_setup_model=False, **arguments)  # type: ignore[arg-type]
    model.observation_space, model.action_space = Box(-1, 2, (8,), np.float32), Discrete(n_actions)
    model.n_envs = 1
    model.exploration_rate = 1.0
    model._setup_model()
    model.set_logger(Logger(None, []))
    return model


def run(quick: bool) -> list[Figure]:
    """Rates of all sides and the ratios."""
    repetitions, rounds = (2, 400) if quick else (5, 1200)
    figures = []
    with limited_threads():  # both sides: products of this size only lose by more
        for every in (1, 4):
            tasks = {
                "ours": lambda every=every: trainer_rate("shared", every, rounds, warm_up=100),
                "peer": lambda every=every: supersuit_rate(every, rounds // 2, warm_up=100),
                "torch": lambda every=every: trainer_rate("shared", every, rounds, warm_up=100, on_torch=True),
            }
            rates = in_turn(tasks, repetitions, warm_up=False)
            figures += _figures(f"shared, a step per {every} x 150", rates, "SuperSuit + SB3", SHARED_BAR)
        loop = Loop()
        tasks = {
            "ours": lambda: trainer_rate("independent", 1, 20 if quick else 60, warm_up=40),
            "peer": lambda: loop.rate(2 if quick else 5),
            "torch": lambda: trainer_rate("independent", 1, 20 if quick else 60, warm_up=40, on_torch=True),
        }
        rates = in_turn(tasks, repetitions, warm_up=False)
        figures += _figures("independent", rates, "loop of SB3 models", INDEPENDENT_BAR)
    return figures


def _figures(label: str, rates: dict[str, tuple[float, ...]], peer: str, bar: float) -> list[Figure]:
    thousands = {name: tuple(rate / 1e3 for rate in values) for name, values in rates.items()}
    return [
        Figure(name=f"{label}: trainer", values=thousands["ours"], unit="k agent-steps/s"),
        Figure(name=f"{label}: {peer}", values=thousands["peer"], unit="k agent-steps/s"),
        Figure(name=f"{label}: trainer on torch", values=thousands["torch"], unit="k agent-steps/s"),
        Figure(
            name=f"{label}: ratio",
            values=ratios(rates["ours"], rates["peer"]),
            unit="x",
            bar=bar,
            higher_is_better=True,
        ),
    ]
