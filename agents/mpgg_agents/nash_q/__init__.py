"""Nash Q-learning."""
