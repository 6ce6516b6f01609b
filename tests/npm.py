"""Programs of npm that tests drive, installed into a folder that stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

TRIES = 3
"""The registry may be busy."""


def install(folder: Path, *packages: str) -> None:
    """Install these, or what the folder's `package.json` names. CalledProcessError when npm fails again and again."""
    words = ["npm", "install", "--prefix", str(folder), "--no-package-lock", "--no-save", "--no-audit", "--no-fund",
             "--ignore-scripts", "--loglevel=error", *packages]  # fmt: skip
    for left in reversed(range(TRIES)):
        done = subprocess.run(words, cwd=folder, check=left == 0)
        if done.returncode == 0:
            return
