"""Names that functions of the analysis can be asked for; light to import, for settings that check them early."""

from typing import Final, Literal

Stage = Literal["best", "worst"]
STAGES: Final = ("best", "worst")
Scale = Literal["uniform", "cost"]
SCALES: Final = ("uniform", "cost")
