"""Read two paths per line and print their SSIMULACRA2 score; runs in its own environment."""

from __future__ import annotations

import sys

from ssimulacra2 import compute_ssimulacra2

for line in sys.stdin:
    first, second = line.rstrip("\n").split("\t")
    print(compute_ssimulacra2(first, second), flush=True)
