"""The mean-field-type games as kinds of games that can be trained in."""

from typing import Final

from mpgg_agents.experiments.files import POLICY_RESULTS
from mpgg_agents.experiments.kinds import GameKind
from mpgg_agents.experiments.mean_field.agents import agents_of
from mpgg_agents.experiments.mean_field.settings import ENVS, MeanFieldExperiment, MeanFieldRunConfig
from mpgg_env.games.mean_field.registry import config_class
from mpgg_env.games.mpgg.config import DilemmaWarning

_TRAIN: Final = """Trains the central players of coalitions of many agents, one replica per seed; judges the profiles
that were kept on the way by their test returns and by how much a coalition could gain, from below and, where it is
known, from above or exactly; and writes a run folder with settings, measures of every round (Parquet), weights and
judgements (npz), a manifest with checksums, and figures."""


def _kind(env: str, game: str) -> GameKind:
    return GameKind(
        env=env,
        title=f"mean-field-type game: {game.replace('_', ' ')}",
        train_text=_TRAIN,
        game_class=config_class(game),
        run_class=MeanFieldRunConfig,
        experiment_class=MeanFieldExperiment,
        agents=agents_of(game),
        results=POLICY_RESULTS,
        notes=(DilemmaWarning,),
        package="mpgg_agents.experiments.mean_field",
    )


MEAN_FIELD: Final = tuple(_kind(env, game) for env, game in ENVS.items())
