"""What the tabular learners of mean-field-type games share: grids, episodes, replicas, trainers, profiles."""
