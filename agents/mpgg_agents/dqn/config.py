"""Hyper-parameters of deep Q-learning on the two-phase game."""

from dataclasses import dataclass
from typing import Literal

from mpgg_env.core.config import Config
from mpgg_env.core.validation import check_choice, check_flag, check_integer, check_layers, check_real

SHARING = ("shared", "independent")
COUNTS = ("log", "linear")


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNConfig(Config):
    """Deep Q-learning ([Mnih2015]) with one network per phase and dual replay buffers ([MPGG2025] section 2.2).

    Networks and observations are float32.

    Attributes:
        sharing: shared trains one pair of networks, Q_G and Q_M, that all agents use and feed; independent trains one
            pair per agent, on its own transitions alone.
        hidden: Units of each hidden layer (ReLU) of every network.
        learning_rate: Step size of Adam, > 0.
        gamma: Discount per round, in [0, 1].
        eps_0: Exploration rate of the first round, in [0, 1].
        decay: Factor on the exploration rate per round, in (0, 1]: eps(t) = max(eps_min, eps_0 decay^t).
        eps_min: Lowest exploration rate, in [0, 1].
        capacity: Transitions that each buffer keeps per agent.
        batch_size: Transitions per gradient step of one network, drawn with replacement from its buffer.
        learning_starts: Transitions per agent in a buffer before its networks learn, at most the capacity.
        train_every: Rounds between trainings.
        gradient_steps: Gradient steps of each network per training.
        target_every: Rounds between updates of the target networks.
        tau: Weight of the online network in such an update, in (0, 1]; 1 copies it.
        double: Double DQN ([VanHasselt2016]): the online network picks the next action, the target network values it.
        max_gradient_norm: The gradient of each network is scaled down to this norm, > 0.
        counts: How an observation's counts n and n_C are normalised to [0, 1]: log is log(1 + n) / log(1 + N), which
            keeps small crowds apart when N is large; linear is n / N.
        identity: The observation tells who the agent is, one-hot; for shared networks, which then can treat agents
            differently.
        previous_action: The observation has the agent's last game action and last move, one-hot, zeros before the
            first.
        previous_payoff: The observation has the agent's last payoff in units of the highest cost x gain.
        frames: Observations stacked, the newest last, zeros before the first; one per step, so two per round.
        episodes: Episodes, each as long as the run's rounds. Positions are reset between them; networks, buffers and
            exploration go on.
        device: Where the networks live, in torch's words, such as cpu or cuda:0.
    """

    sharing: Literal["shared", "independent"] = "shared"
    hidden: tuple[int, ...] = (64, 64)
    learning_rate: float = 1e-3
    gamma: float = 0.95
    eps_0: float = 1.0
    decay: float = 0.99995
    eps_min: float = 0.05
    capacity: int = 1000
    batch_size: int = 32
    learning_starts: int = 10
    train_every: int = 1
    gradient_steps: int = 1
    target_every: int = 100
    tau: float = 1.0
    double: bool = False
    max_gradient_norm: float = 10.0
    counts: Literal["log", "linear"] = "log"
    identity: bool = False
    previous_action: bool = False
    previous_payoff: bool = False
    frames: int = 1
    episodes: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_choice("sharing", self.sharing, SHARING)
        check_choice("counts", self.counts, COUNTS)
        self._set("hidden", check_layers("hidden", self.hidden, 2**16))
        self._set("learning_rate", check_real("learning_rate", self.learning_rate, 0, open_minimum=True))
        self._set("max_gradient_norm", check_real("max_gradient_norm", self.max_gradient_norm, 0, open_minimum=True))
        for name in ("gamma", "eps_0", "eps_min"):
            self._set(name, check_real(name, getattr(self, name), 0, 1))
        for name in ("decay", "tau"):
            self._set(name, check_real(name, getattr(self, name), 0, 1, open_minimum=True))
        for name in ("capacity", "batch_size", "train_every", "gradient_steps", "target_every", "frames", "episodes"):
            self._set(name, check_integer(name, getattr(self, name), 1))
        self._set("learning_starts", check_integer("learning_starts", self.learning_starts, 1, self.capacity))
        for name in ("double", "identity", "previous_action", "previous_payoff"):
            check_flag(name, getattr(self, name))
        if not isinstance(self.device, str) or not self.device:
            raise TypeError(f"device must be a name such as 'cpu' or 'cuda:0', got {self.device!r}")
        if self.identity and self.sharing == "independent":
            raise ValueError(
                "identity must be False with sharing 'independent', where a network serves one agent, got True"
            )
