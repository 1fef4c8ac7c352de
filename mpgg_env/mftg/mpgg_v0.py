"""The migratory public goods game between coalitions, version 0: `parallel_env`, `env`, `raw_env`.

Arguments are an `MPGGConfig`, if a finite game is the start, `sight`, `render_mode` and the fields of
`MeanFieldMPGGConfig`. The game is told in `mpgg_env/games/mean_field/mpgg/README.md`, the interface in
`CoalitionParallelEnv`.

Version history: v0, the first.
"""

from typing import Any

from mpgg_env.games.mean_field.mpgg.config import MeanFieldMPGGConfig
from mpgg_env.games.mpgg.config import MPGGConfig
from mpgg_env.mftg.doors import doors_of

__all__ = ["env", "parallel_env", "raw_env"]


def configured(game: MPGGConfig | None = None, **fields: Any) -> MeanFieldMPGGConfig:
    """The game between coalitions from its fields, or from a finite game and the fields that it lacks or replaces."""
    if game is None:
        return MeanFieldMPGGConfig(**fields)
    if isinstance(game, MeanFieldMPGGConfig):
        return game.replace(**fields)
    if not isinstance(game, MPGGConfig):
        raise TypeError(f"the game must be an MPGGConfig, got {game!r}")
    return MeanFieldMPGGConfig.of(game, **fields)


parallel_env, raw_env, env = doors_of("mpgg", __name__, configured)
