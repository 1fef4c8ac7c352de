"""Cyber security, version 0: `parallel_env`, `env`, `raw_env`.

Arguments are `sight`, `render_mode` and the fields of `CyberSecurityConfig`. The game is told in
`mpgg_env/games/mean_field/cyber_security/README.md`, the interface in `CoalitionParallelEnv`.

Version history: v0, the first.
"""

from mpgg_env.mftg.doors import doors_of

__all__ = ["env", "parallel_env", "raw_env"]

parallel_env, raw_env, env = doors_of("cyber_security", __name__)
