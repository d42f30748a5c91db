"""Reads two paths a line and answers with their SSIMULACRA2; runs in an environment of its own."""

from __future__ import annotations

import sys

from ssimulacra2 import compute_ssimulacra2

for line in sys.stdin:
    first, second = line.rstrip("\n").split("\t")
    print(compute_ssimulacra2(first, second), flush=True)
