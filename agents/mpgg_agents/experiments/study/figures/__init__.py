"""The figures of a study: what is asked for (`spec`), and a short module for each kind."""
