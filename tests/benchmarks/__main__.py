"""`make bench`: each benchmark prints a table of ratios measured in the same run.

Arguments select benchmarks by name, or rows of `engines` by a part of their name, such as "PNG 4K".
"""

from __future__ import annotations

import subprocess
import sys

from tests.cloud.interpreter import lambda_python

BENCHMARKS = [
    "overhead",
    "sandbox",
    "functions",
    "engines",
    "formats",
    "aims",
    "cost",
    "large",
    "lists",
    "load",
    "fairness",
    "memory",
]


def main(names: list[str]) -> None:
    rows = [name for name in names if name not in BENCHMARKS]
    wanted = [*(name for name in names if name in BENCHMARKS), *(["engines"] if rows else [])]
    for name in dict.fromkeys(wanted or BENCHMARKS):
        # One process each, since they need different settings.
        python = lambda_python() if name == "functions" else sys.executable
        more = rows if name == "engines" else []
        subprocess.run([python, "-m", f"tests.benchmarks.{name}", *more], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
