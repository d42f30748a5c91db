"""`make chaos`: runs for an hour, or for `--seconds`. The seed determines which faults happen, and when."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--keep", type=Path, help="a folder for data and log, which is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        folder = options.keep or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = run(folder, options.seconds, options.seed)
    print(
        f"Seed {options.seed}: {outcome.batches} batches, responses {dict(sorted(outcome.answers.items()))}"
    )
    print(f"Faults: {dict(outcome.faults)}")
    if outcome.wrong:
        sys.exit("\n".join([f"{len(outcome.wrong)} problems:", *outcome.wrong[:100]]))
    print("Nothing was lost, duplicated or left behind.")


if __name__ == "__main__":
    main()
