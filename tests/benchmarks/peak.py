"""Prints the peak memory, in bytes, of the largest process below this one while the sandbox makes one result."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from converter import engine
from converter.sandbox import Rendered, Sandbox


def main() -> None:
    source, format, width = json.loads(sys.argv[1])
    resize = {"resize": {"width": width}} if width else {}
    sandbox = Sandbox()
    answers = list(
        sandbox.render(
            Path(source).read_bytes(), [engine.Recipe.parse({"format": format, **resize})], engine.Limits()
        )
    )
    assert isinstance(answers[-1], Rendered), answers[-1]
    sandbox.close()
    # What is waited for hands the peak of its own children up.
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)


if __name__ == "__main__":
    main()
