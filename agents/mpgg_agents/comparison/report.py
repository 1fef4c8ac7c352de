"""A comparison as text for a terminal and as numbers for a file."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mpgg_agents.comparison.penalty import PenaltyStudy
from mpgg_agents.comparison.settings import CompareConfig
from mpgg_agents.experiments.columns import aligned
from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.experiments.statistics import mean_interval
from mpgg_env.core.types import FloatArray

if TYPE_CHECKING:
    from mpgg_agents.comparison.deviations import Returns


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found.

    Attributes:
        runs: The runs by name.
        seeds: Which replica of each run played.
        settings: Numbers of the comparison.
        returns: What the pairs of policies earned.
        penalty: Loss against beta; None where the runs differ in more.
    """

    runs: Mapping[str, MarketRun]
    seeds: Mapping[str, int]
    settings: CompareConfig
    returns: "Returns"
    penalty: PenaltyStudy | None


def text(found: Comparison) -> str:
    """The deviations, what all earn, and the judgements of the runs, in tables."""
    settings = found.settings
    lines = [
        f"Playing: {', '.join(f'{name} with seed {seed}' for name, seed in found.seeds.items())}.",
        "One trader, number 0, leaves the others; "
        f"{settings.repetitions} means of {settings.paths:,} episodes, the same for all:",
        *_deviation_table(found),
        "",
        "Return of a trader when all follow one policy less that when all follow the other, paired:",
        *_profile_table(found),
    ]
    exploited = _exploitability(found.runs)
    if exploited:
        lines += ["", "Exploitability at the end, % of |V|, first less second, over the common seeds, paired:"]
        lines += _rows([(f"{a} - {b}", *_percent(numbers)) for (a, b), numbers in exploited.items()])
        lines += [_verdict(*pair, *numbers) for pair, numbers in exploited.items()]
    lines += [
        f"{a} and {b} were judged by different responses (iterations, trader or episodes): no comparison of these."
        for a, b in _pairs(found.runs)
        if _judging(found.runs[a]) != _judging(found.runs[b])
    ]
    return "\n".join(lines)


def numbers(found: Comparison) -> dict[str, Any]:
    """All numbers as plain JSON values; what is not known is None."""
    plain: dict[str, Any] = _plain(
        {
            "settings": found.settings.to_dict(),
            "runs": [_run(name, run, found.seeds[name]) for name, run in found.runs.items()],
            "deviations": [asdict(deviation) for deviation in found.returns.deviations()],
            "profiles": [
                {"first": a, "second": b, "paired": asdict(paired)}
                for (a, b), paired in found.returns.profiles().items()
            ],
            "exploitability": [
                {"first": a, "second": b, "difference_of_gains": mean, "interval": [low, high]}
                for (a, b), (mean, low, high) in _exploitability(found.runs).items()
            ],
            "loss_against_beta": None if found.penalty is None else asdict(found.penalty),
        }
    )
    return plain


def _deviation_table(found: Comparison) -> list[str]:
    head = ("one follows", "others", "gain", "paired 95 % interval", "p", "Welch 95 % interval", "p")
    rows = [
        (
            deviation.follows,
            deviation.others,
            f"{deviation.paired.mean:+.5f}",
            _interval(deviation.paired.interval),
            f"{deviation.paired.p_value:.3g}",
            _interval(deviation.unpaired.interval),
            f"{deviation.unpaired.p_value:.3g}",
        )
        for deviation in found.returns.deviations()
    ]
    return _rows([head, *rows])


def _profile_table(found: Comparison) -> list[str]:
    rows = [
        (f"{a} - {b}", f"{paired.mean:+.5f}", _interval(paired.interval), f"p = {paired.p_value:.3g}")
        for (a, b), paired in found.returns.profiles().items()
    ]
    return _rows(rows)


def _verdict(first: str, second: str, mean: float, low: float, high: float) -> str:
    """Which of two policies is exploited less, in a sentence."""
    if np.isnan(low):
        return f"Whether {first} or {second} is exploited less, one common seed cannot tell."
    if low <= 0 <= high:
        return f"{first} and {second} are not told apart in how much they are exploited."
    less, more = (first, second) if mean < 0 else (second, first)
    return f"{less} is exploited less than {more} by the responses that were found."


def _exploitability(runs: Mapping[str, MarketRun]) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Mean difference of the last gains of the common seeds, as a share of the first run's |V|, with its interval.

    For each pair that was judged alike: bounds by responses of different training or traders would not compare.
    """
    found = {}
    for a, b in _pairs(runs):
        first, second = _last_gains(runs[a]), _last_gains(runs[b])
        common = sorted(set(first) & set(second))
        if common and _judging(runs[a]) == _judging(runs[b]):
            value = float(runs[a].evaluation()["value"][:, -1].mean())
            found[a, b] = mean_interval(np.array([first[seed] - second[seed] for seed in common]) / value)
    return found


def _pairs(runs: Mapping[str, MarketRun]) -> list[tuple[str, str]]:
    return list(combinations(runs, 2))


def _judging(run: MarketRun) -> tuple[int, int, int]:
    settings = run.config.run
    return settings.response_iterations, settings.response_trader, settings.evaluation_episodes


def _last_gains(run: MarketRun) -> dict[int, float]:
    gains: FloatArray = run.evaluation()["gain"][:, -1]
    return {seed: float(gain) for seed, gain in zip(run.seeds, gains, strict=True) if not np.isnan(gain)}


def _run(name: str, run: MarketRun, seed: int) -> dict[str, Any]:
    last = {judgement: run.evaluation()[judgement][:, -1] for judgement in JUDGEMENTS}
    return {
        "name": name,
        "path": str(run.path),
        "agent": run.config.run.agent,
        "results_checksum": run.manifest["results_checksum"],
        "seed": seed,
        "seeds": list(run.seeds),
        "at_the_end": last,
    }


def _percent(numbers: Sequence[float]) -> tuple[str, str]:
    mean, low, high = (100 * number for number in numbers)
    return f"{mean:+.2f}", _interval((low, high), 2) if not np.isnan(low) else "one seed"


def _interval(limits: tuple[float, float], decimals: int = 5) -> str:
    return f"[{limits[0]:+.{decimals}f}, {limits[1]:+.{decimals}f}]"


def _rows(rows: Sequence[Sequence[str]]) -> list[str]:
    return aligned(list(zip(*rows, strict=True)), names_left=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
