"""How the profiles of a mean-field-type game are judged."""

from typing import Any, Final

from mpgg_env.games.mean_field.registry import game_of

# Numbers per seed, kept profile, coalition and start of the testing set; NaN where not asked for or not known.
JUDGEMENTS: Final = {
    "returns": "discounted return of the coalition, without exploration",
    "gain_low": "what the coalition gains by the best response that was found: a lower bound of its exploitability",
    "gain_high": "an upper bound of that gain, or the gain itself; `mpgg_agents.mean_field` says which in which game",
}
# Of the MPGG, numbers per seed, kept profile and start of the testing set.
MPGG_JUDGEMENTS: Final = {
    "agreement": "share of the mass that cooperates just where the gain times the coalition's share exceeds 1",
    "cooperation": "share of the mass that cooperates, mean over the episode",
    "welfare": "welfare per round over the optimum",
    "best_casino": "share of all agents in the casino with the largest c (r - 1)",
    "own_share": "sum over coalitions k and casinos m of w_k mu_k(m) q_k(m): 1 / K_c mixed to 1 segregated",
}


def judgements_of(game: Any) -> dict[str, str]:
    """The judgements of a game, with what they mean."""
    return JUDGEMENTS | (MPGG_JUDGEMENTS if game_of(game) == "mpgg" else {})
