"""Plays a few rounds on a board with walls and saves the board as a picture.

With `boundary="mask"` a move off the board is illegal; the action mask in the infos says so, and the sampling obeys.
"""

from pathlib import Path

from PIL import Image

import mpgg_env


def main(rounds: int = 10, path: Path = Path("board.png")) -> None:
    """Plays `rounds` rounds at random and writes the last frame to `path`."""
    env = mpgg_env.parallel_env(boundary="mask", strict=True, render_mode="rgb_array")
    _, infos = env.reset(seed=0)
    for _ in range(2 * rounds):
        actions = {a: env.action_space(a).sample(infos[a]["action_mask"]) for a in env.agents}
        _, _, _, _, infos = env.step(actions)
    Image.fromarray(env.render()).save(path)
    print(f"{path}: occupancy between {env.occupancy.min()} and {env.occupancy.max()}")


if __name__ == "__main__":
    main()
