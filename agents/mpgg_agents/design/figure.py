"""The figure of a design study: efficiency against the mechanism's strength, by analysis and with learners."""

import numpy as np
from matplotlib.figure import Figure

from mpgg_agents.design.settings import DesignConfig
from mpgg_agents.design.study import Study
from mpgg_agents.experiments.statistics import mean_interval
from mpgg_agents.experiments.style import BLACK, BLUE, GREY, VERMILION, new_figure


def design_figure(study: Study, settings: DesignConfig) -> Figure:
    """One family: the curve that analysis found, the designed strength, the goal, and the trials with learners."""
    found = study.design
    figure = new_figure(2.5)
    axes = figure.subplots()
    axes.plot(*study.predicted.T, color=BLACK, label=f"{settings.equilibrium} equilibrium")
    for label, colour, values in (
        ("learners", BLUE, [trial.efficiency for trial in study.trials]),
        ("their cooperation", VERMILION, [trial.cooperation for trial in study.trials]),
    ):
        mean, low, high = np.array([mean_interval(value) for value in values]).T
        error = None if np.isnan(low).any() else np.array([mean - low, high - mean])
        places = [trial.strength for trial in study.trials]
        axes.errorbar(
            places, mean, error, color=colour, marker="o", markersize=3, linewidth=0.8, capsize=1.5, label=label
        )
    axes.axhline(settings.goal, color=GREY, linewidth=0.8, linestyle=":", label="goal")
    if found.reached:
        axes.axvline(found.strength, color=GREY, linewidth=0.8, linestyle="--", label="designed")
    axes.set_xlabel(f"{found.family}: {found.parameter}")
    axes.set_ylabel("efficiency, cooperation rate")
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), max(1.02, axes.get_ylim()[1]))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, columnspacing=1.2)
    return figure
