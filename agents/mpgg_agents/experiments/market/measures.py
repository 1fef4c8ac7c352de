"""What is measured of a training in the market, and how its policies are judged."""

from typing import Final

# One number per seed and kept policy; NaN where it was not asked for or does not exist.
JUDGEMENTS: Final = {
    "distance": "rms difference of the rates from the exact equilibrium's, over the rms of these, where it is played",
    "mean_return": "mean return of a trader when all follow the policy, without exploration",
    "mean_return_error": "its standard error over the episodes",
    "gain": "what one trader gains by the best response that was found: a lower bound of the exploitability",
    "gain_low": "lower limit of the gain's confidence interval, paired by episodes",
    "gain_high": "upper limit of that interval",
    "share": "the gain per |V|",
    "share_low": "lower limit of that",
    "share_high": "upper limit of that",
    "value": "|V|: the trader's return in the exact equilibrium, or under the policy where none is known",
}
