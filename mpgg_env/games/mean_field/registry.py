"""The mean-field-type games by name and by configuration."""

from importlib import import_module
from typing import Any, Final

from mpgg_env.core.validation import check_choice

# Name of the game -> classes of its parameters and of its rules, in its modules `config` and `rules`.
GAMES: Final = {
    "population_matching": ("PopulationMatchingConfig", "PopulationMatching"),
    "four_rooms": ("FourRoomsConfig", "FourRooms"),
    "predator_prey": ("PredatorPreyConfig", "PredatorPrey"),
    "distribution_planning": ("DistributionPlanningConfig", "DistributionPlanning"),
    "cyber_security": ("CyberSecurityConfig", "CyberSecurity"),
    "mpgg": ("MeanFieldMPGGConfig", "MeanFieldMPGG"),
}
_PACKAGE: Final = "mpgg_env.games.mean_field"


def config_class(game: str) -> Any:
    """The class of the parameters of a game.

    Raises:
        ValueError: There is no such game.
    """
    check_choice("game", game, list(GAMES))
    return getattr(import_module(f"{_PACKAGE}.{game}.config"), GAMES[game][0])


def rules_class(config: object) -> Any:
    """The class of the rules that a configuration parametrises.

    Raises:
        TypeError: It is not the configuration of a mean-field-type game.
    """
    game = game_of(config)
    return getattr(import_module(f"{_PACKAGE}.{game}.rules"), GAMES[game][1])


def game_of(config: object) -> str:
    """The name of the game that a configuration parametrises.

    Raises:
        TypeError: It is not the configuration of a mean-field-type game.
    """
    for game, (name, _) in GAMES.items():
        if type(config).__name__ == name:
            return game
    allowed = ", ".join(name for name, _ in GAMES.values())
    raise TypeError(f"config must be one of {allowed}, got {config!r}")
