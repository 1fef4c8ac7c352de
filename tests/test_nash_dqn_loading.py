"""The authors' weight files: what their networks say, and what else is refused."""

import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mpgg_agents.nash_dqn.loading import authors_network, load_authors_policy, load_authors_value
from mpgg_env.games.market.config import MarketConfig
from mpgg_env.games.market.state import MarketState
from mpgg_env.games.market.vector import MarketBatch

GAME = MarketConfig()


def nash_weights(outputs: int) -> dict[str, torch.Tensor]:
    """Five hidden layers of 32 under the names that the authors' module gives them."""
    torch.manual_seed(1)
    widths = [5, 32, 32, 32, 32, 32, outputs]
    weights = {}
    for k in range(6):
        weights[f"decoder_net.{2 * k}.weight"] = torch.randn(widths[k + 1], widths[k]) / widths[k] ** 0.5
        weights[f"decoder_net.{2 * k}.bias"] = torch.randn(widths[k + 1])
    return weights


def fp_weights() -> dict[str, torch.Tensor]:
    renamed = {}
    for k, (name, weight) in enumerate(nash_weights(1).items()):
        layer, part = divmod(k, 2)
        del part
        renamed[f"policy_net.{layer}{'' if layer == 5 else '.0'}.{name.rpartition('.')[2]}"] = weight
    return renamed


def by_numpy(weights: dict[str, torch.Tensor], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The forward pass, written out."""
    arrays = [weight.numpy().astype(float) for weight in weights.values()]
    for k in range(0, len(arrays), 2):
        x = x @ arrays[k].T + arrays[k + 1]
        if k + 2 < len(arrays):
            x = x / (1 + np.exp(-x))
    return x


@pytest.fixture
def state() -> MarketState:
    rng = np.random.default_rng(0)
    batch = MarketBatch(GAME, torch)
    start = batch.drawn_state(rng.normal(size=(6, 5)), rng.normal(size=6), rng.normal(size=6))
    return batch.step(start, torch.from_numpy(rng.normal(size=(6, 5))), torch.from_numpy(rng.normal(size=6)))[0]


def features(state: MarketState) -> np.ndarray[Any, Any]:
    """[T - t, S - Y, q_i, Y, mean of q_j - q_j0 over the others], trader by trader."""
    rows = []
    for b in range(6):
        q, q0 = state.inventory[b].numpy(), state.initial_inventory[b].numpy()
        for i in range(5):
            flow = np.mean([q[j] - q0[j] for j in range(5) if j != i])
            rows.append([4.5, float(state.price[b] - state.impact[b]), q[i], float(state.impact[b]), flow])
    return np.array(rows).reshape(6, 5, 5)


def saved(path: Path, weights: Any) -> Path:
    torch.save(weights, path)
    return path


def test_the_nash_network_says_what_it_says(tmp_path: Path, state: MarketState) -> None:
    weights = nash_weights(5)
    policy = load_authors_policy(saved(tmp_path / "Action_Net.pt", weights))
    scaled = (features(state) - [2.25, 10, 0, 0, 0]) / [1.4361, 0.7420, 2.5, 0.1, 1]
    np.testing.assert_allclose(policy(state).numpy(), by_numpy(weights, scaled)[..., 4], rtol=1e-5, atol=1e-5)
    value = load_authors_value(saved(tmp_path / "Value_Net.pt", nash_weights(1)))
    given = torch.from_numpy(scaled).float()
    np.testing.assert_allclose(value(given).numpy(), by_numpy(nash_weights(1), scaled), rtol=1e-5, atol=1e-5)


def test_the_fictitious_player_says_what_it_says(tmp_path: Path, state: MarketState) -> None:
    weights = fp_weights()
    policy = load_authors_policy(saved(tmp_path / "pol_net_it.pt", weights))
    scaled = (features(state) - [2.25, 10, 0, 0, 0]) / [1.4361, 0.7420, 4.5124, 0.3307, 4.5124]
    expected = 4.512414940762905 * by_numpy(weights, scaled)[..., 0]
    np.testing.assert_allclose(policy(state).numpy(), expected, rtol=1e-5, atol=1e-5)


def layers(outputs: int, *, nested: bool) -> nn.Sequential:
    """A network as the authors' modules are built: SiLU beside the linear layers, or within a pair with each."""
    widths = [5, 32, 32, 32, 32, 32]
    pairs = [[nn.Linear(a, b), nn.SiLU()] for a, b in pairwise(widths)]
    hidden = [nn.Sequential(*pair) for pair in pairs] if nested else [part for pair in pairs for part in pair]
    return nn.Sequential(*hidden, nn.Linear(32, outputs))


def test_files_of_modules_of_their_structure_are_read(tmp_path: Path, state: MarketState) -> None:
    torch.manual_seed(2)
    nash, fp = (nn.Module() for _ in range(2))
    nash.decoder_net, fp.policy_net = layers(5, nested=False), layers(1, nested=True)
    assert [*fp.state_dict()][-4:-1] == ["policy_net.4.0.weight", "policy_net.4.0.bias", "policy_net.5.weight"]
    offset, scaled = torch.tensor([2.25, 10, 0, 0, 0]), torch.from_numpy(features(state)).float()
    with torch.no_grad():
        expected = nash.decoder_net((scaled - offset) / torch.tensor([1.4361, 0.742, 2.5, 0.1, 1]))[..., 4]
        other = fp.policy_net((scaled - offset) / torch.tensor([1.4361, 0.742, 4.5124, 0.3307, 4.5124]))[..., 0]
    for module, rates in ((nash, expected), (fp, 4.512414940762905 * other)):
        for weights in (module.state_dict(), dict(module.named_parameters())):
            found = load_authors_policy(saved(tmp_path / "net.pt", weights))(state)
            torch.testing.assert_close(found, rates.double(), rtol=1e-5, atol=1e-5)
            assert not found.requires_grad


class Trap:
    """Runs code when it is unpickled as pickle would."""

    def __reduce__(self) -> Any:
        return pytest.fail, ("code from the file was run",)


def test_other_files_are_refused_and_run_no_code(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "trap.pt").write_bytes(pickle.dumps(Trap()))
    shorter = dict(list(nash_weights(5).items())[:-2])
    cases = {
        tmp_path / "none.pt": "cannot read",
        tmp_path / "text.pt": "is not a file of weights",
        tmp_path / "trap.pt": "is not a file of weights",
        saved(tmp_path / "shorter.pt", shorter): "to 5 outputs",
        saved(tmp_path / "value.pt", nash_weights(1)): "to 5 outputs",
        saved(tmp_path / "other.pt", {"net.weight": torch.zeros(1)}): "must hold decoder_net or policy_net layers",
        saved(tmp_path / "list.pt", [torch.zeros(1)]): "must hold weights by name",
    }
    for path, complaint in cases.items():
        with pytest.raises(ValueError, match=complaint):
            load_authors_policy(path)


def changed(name: str, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    return {**nash_weights(5), f"decoder_net.{name}": weight}


DAMAGED: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "must hold decoder_net or policy_net layers, got nothing"),
    "no names": ({0: torch.zeros(1)}, "must hold weights by name"),
    "no layers": ({"decoder_net.0.running_mean": torch.zeros(5)}, "must have layers from 5 inputs to 5 outputs"),
    "more than layers": ({**nash_weights(5), "decoder_net.3.scale": torch.zeros(5)}, "must have layers from 5 inputs"),
    "layers in another order": (dict(sorted(nash_weights(5).items(), reverse=True)), "must have layers from 5 inputs"),
    "hidden layers swapped": (
        {
            name.replace(".2.", ".x.").replace(".4.", ".2.").replace(".x.", ".4."): weight
            for name, weight in nash_weights(5).items()
        },
        "must have layers from 5 inputs",
    ),
    "a number for a bias": (changed("0.bias", torch.tensor(0.0)), "must have layers from 5 inputs"),
    "a number for a weight": (changed("0.weight", torch.tensor(0.0)), "must have layers from 5 inputs"),
    "another width": (changed("2.weight", torch.zeros(32, 31)), "must have layers from 5 inputs"),
    "not a number": (changed("4.bias", torch.full((32,), torch.nan)), "must have finite weights"),
    "sparse": (changed("4.bias", torch.zeros(32).to_sparse()), "must hold weights by name"),
    "without numbers": (changed("4.bias", torch.zeros(32, device="meta")), "must hold weights by name"),
    "integers": (changed("4.bias", torch.zeros(32, dtype=torch.int64)), "must have finite weights"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_files_that_are_nearly_such_a_network_are_refused(name: str, tmp_path: Path) -> None:
    weights, complaint = DAMAGED[name]
    with pytest.raises(ValueError, match=complaint):
        load_authors_policy(saved(tmp_path / "damaged.pt", weights))


def test_no_layers_are_no_network() -> None:
    with pytest.raises(ValueError, match="must have layers from 5 inputs to 5 outputs"):
        authors_network({}, "decoder_net", outputs=5)


@pytest.mark.parametrize("kept", [0, 100, 2000])
def test_a_file_that_was_cut_off_is_refused(kept: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "Action_Net.pt", nash_weights(5))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="is not a file of weights"):
        load_authors_policy(path)


def test_their_networks_are_of_their_market(tmp_path: Path) -> None:
    path = saved(tmp_path / "Action_Net.pt", nash_weights(5))
    for game in (GAME.replace(n_agents=3), GAME.replace(horizon=2.5)):
        with pytest.raises(ValueError, match="5 traders and the horizon of 5"):
            load_authors_policy(path, game)
    with pytest.raises(ValueError, match="scales must be 'measured' under observation 'full'"):
        load_authors_policy(path, GAME.replace(observation="full"))
