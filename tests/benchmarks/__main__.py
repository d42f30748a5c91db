"""`make bench`: each benchmark prints a table of ratios taken within its own run."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ["machinery", "functions", "engines", "large", "lists", "storm"]

for name in BENCHMARKS:
    # One process each: they want settings of their own.
    subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)
