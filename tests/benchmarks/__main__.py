"""`make bench`: each benchmark prints a table of ratios taken within its own run."""

from __future__ import annotations

import subprocess
import sys

from tests.cloud.interpreter import lambda_python

BENCHMARKS = [
    "overhead",
    "sandbox",
    "functions",
    "engines",
    "aims",
    "large",
    "lists",
    "load",
    "fairness",
    "memory",
]

for name in BENCHMARKS:
    # One process each: they want settings of their own.
    python = lambda_python() if name == "functions" else sys.executable
    subprocess.run([python, "-m", f"tests.benchmarks.{name}"], check=True)
