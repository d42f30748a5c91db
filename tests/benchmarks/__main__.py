"""`make bench`: each benchmark prints a table of ratios taken within its own run."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ["overhead", "functions", "engines", "large", "lists", "load"]

for name in BENCHMARKS:
    # One process each: they want settings of their own.
    subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=True)
