"""The compiled loops over the joint actions of stage games."""
