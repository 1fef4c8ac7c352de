"""What profiles earn, and what coalitions gain by leaving them; it needs `mpgg-env[deep]`."""

from typing import TYPE_CHECKING

from mpgg_agents.extras import lazy_names_of_extra

if TYPE_CHECKING:
    from mpgg_agents.mean_field.evaluation.config import ResponseConfig
    from mpgg_agents.mean_field.evaluation.measure import Exploitability, exploitability
    from mpgg_agents.mean_field.evaluation.response import Response, best_response
    from mpgg_agents.mean_field.evaluation.returns import (
        EvaluatedReturns,
        evaluated_returns,
        in_type_of,
        judged,
        through_numpy,
    )

__all__ = [
    "EvaluatedReturns",
    "Exploitability",
    "Response",
    "ResponseConfig",
    "best_response",
    "evaluated_returns",
    "exploitability",
    "in_type_of",
    "judged",
    "through_numpy",
]

__getattr__ = lazy_names_of_extra(
    __name__,
    {
        "ResponseConfig": "mpgg_agents.mean_field.evaluation.config",
        "Exploitability": "mpgg_agents.mean_field.evaluation.measure",
        "exploitability": "mpgg_agents.mean_field.evaluation.measure",
        "Response": "mpgg_agents.mean_field.evaluation.response",
        "best_response": "mpgg_agents.mean_field.evaluation.response",
        "EvaluatedReturns": "mpgg_agents.mean_field.evaluation.returns",
        "evaluated_returns": "mpgg_agents.mean_field.evaluation.returns",
        "in_type_of": "mpgg_agents.mean_field.evaluation.returns",
        "judged": "mpgg_agents.mean_field.evaluation.returns",
        "through_numpy": "mpgg_agents.mean_field.evaluation.returns",
    },
)
