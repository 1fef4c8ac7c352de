"""Equilibria, efficiency and mechanisms of the games: functions of configurations and arrays, never of environments.

Import the module that answers the question; this package itself loads nothing.
"""
