"""What studies need of the trading market."""

import math
from collections.abc import Mapping
from typing import Final

from mpgg_agents.experiments.game_study import GameStudy
from mpgg_agents.experiments.market.exact import exact_equilibrium
from mpgg_agents.experiments.market.measures import JUDGEMENTS
from mpgg_agents.experiments.market.reader import MarketRun
from mpgg_agents.experiments.policy_reader import LAST_SHARE, last_measured
from mpgg_env.core.types import FloatArray
from mpgg_env.games.market.config import MarketConfig

HELP: Final[Mapping[str, str]] = {
    **{name: f"{text}; of the policy that came out" for name, text in JUDGEMENTS.items()},
    "train_mean_return": f"mean return of a trader with exploration, {LAST_SHARE}",
}
THEORY_HELP: Final = {
    "equilibrium_return": "expected return of a trader in the exact equilibrium, mean over the traders, where one is "
    "known that they can see enough to play"
}


def outcomes(run: MarketRun) -> dict[str, FloatArray]:
    """Judgements of the policies that came out, and the return at the end of the training, (B,) each."""
    found = run.evaluation()
    return {**{name: found[name][:, -1] for name in JUDGEMENTS}, **last_measured(run, "mean_return")}


def theory(game: MarketConfig) -> dict[str, float]:
    """The number of `THEORY_HELP` for a market."""
    found = exact_equilibrium(game)
    return {"equilibrium_return": math.nan if found is None else float(found.value.mean())}


STUDY: Final = GameStudy(
    outcomes=outcomes,
    help=HELP,
    main=("mean_return", "distance", "share"),
    theory=theory,
    theory_help=THEORY_HELP,
)


def study_of(env: str) -> GameStudy:
    """The same for every run in the market."""
    return STUDY
