"""Print the peak memory in bytes of the largest descendant process while the sandbox makes one result."""

from __future__ import annotations

import json
import resource
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from converter import engine
from converter.sandbox import Rendered, Sandbox


def main() -> None:
    source, format, width = json.loads(sys.argv[1])
    resize = {"resize": {"width": width}} if width else {}
    recipe = engine.Recipe.parse({"format": format, **resize})
    small = BytesIO()
    Image.new("RGB", (1, 1)).save(small, "PNG")
    sandbox = Sandbox()
    # The small picture waits for the previous child to exit: only then does the fork server know its peak.
    for data in (Path(source).read_bytes(), small.getvalue()):
        *_, answer = sandbox.render(data, [recipe], engine.Limits())
        assert isinstance(answer, Rendered), answer
    sandbox.close()
    # wait() passes the peak of the children on to the parent.
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)


if __name__ == "__main__":
    main()
