"""Comparing what learners of the market have learned: the work of `mpgg compare`."""
