"""How the profiles of a mean-field-type game are judged."""

from typing import Final

# Numbers per seed, kept profile, coalition and start of the testing set; NaN where not asked for or not known.
JUDGEMENTS: Final = {
    "returns": "discounted return of the coalition, without exploration",
    "lower_bound": "what the coalition gains by the best response that was found: its exploitability is at least this",
    "exact": "its exploitability, where there is a formula",
    "upper_bound": "its exploitability is at most this",
    "replayed_lower": "at least this is gained if the others do again what they did, whatever happens",
    "replayed_upper": "at most this is gained then; no bound of the exploitability where they react",
}
GAINS: Final = tuple(name for name in JUDGEMENTS if name != "returns")
# Of the MPGG, numbers per seed, kept profile and start of the testing set.
MPGG_JUDGEMENTS: Final = {
    "agreement": "share of game actions as in equilibrium: cooperation where gain times own share exceeds 1",
    "cooperation": "share of agents who cooperate",
    "welfare": "mean payoff over that of the optimum",
    "best_casino": "share of agents in the casino with the largest c (r - 1)",
    "own_share": "share of an agent's own coalition in its casino: 1 / K_c where all are mixed, 1 where all are apart",
}
