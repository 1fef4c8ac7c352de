"""The games that can be trained in, by the ids of their environments. A new game is one more entry of `GAMES`."""

from typing import Final

from mpgg_agents.experiments.kinds import GameKind
from mpgg_agents.experiments.market.kind import MARKET
from mpgg_agents.experiments.mean_field.kind import MEAN_FIELD
from mpgg_agents.experiments.mpgg.kind import MPGG
from mpgg_env.core.validation import check_choice

GAMES: Final[dict[str, GameKind]] = {kind.env: kind for kind in (MPGG, MARKET, *MEAN_FIELD)}
DEFAULT_ENV: Final = MPGG.env


def game_kind(env: object) -> GameKind:
    """The kind of game of this environment.

    Raises:
        ValueError: There is no such environment.
    """
    check_choice("env", env, list(GAMES))
    return GAMES[str(env)]


def check_agent(kind: GameKind, agent: object) -> str:
    """The name of an agent after checking that it plays the game.

    Raises:
        ValueError: It does not, or there is no such agent.
    """
    homes = [other.env for other in GAMES.values() if agent in list(other.agents)]  # a list from a file has no hash
    if kind.env in homes or not homes:
        check_choice("agent", agent, list(kind.agents))
        return str(agent)
    players = ", ".join(map(repr, kind.agents))
    where = (
        f"{homes[0]}; add --env {homes[0]}" if len(homes) == 1 else f"{', '.join(homes)}; name one of these by --env"
    )
    raise ValueError(f"agent must be one of {players} in {kind.env}, got {agent!r}, which plays {where}")
