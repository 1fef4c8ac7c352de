"""Agents of the mean-field-type games."""
