"""Measure the sandbox: the same files in this process, in a child without layers, and in one with all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from converter import engine
from converter.engine import raster
from converter.sandbox import LAYERS, Rendered, Sandbox

from .overhead import photo

ROUNDS = 40
WEBP = engine.Recipe.parse({"format": "webp", "quality": 80})
SIZES = {"64×48": (64, 48), "2 megapixels": (1632, 1224)}

_WITHOUT = (
    "from converter.sandbox import confinement; confinement.missing = lambda: dict.fromkeys(confinement.LAYERS, ''); "
    "from converter.sandbox import fork_server"
)


def main() -> None:
    full, bare = Sandbox(required=True), Sandbox()
    bare._program = bare._program.replace("from converter.sandbox import fork_server", _WITHOUT)
    limits = engine.Limits()

    def alone(data: bytes) -> None:
        raster.convert(data, WEBP)

    def confined(sandbox: Sandbox) -> Callable[[bytes], None]:
        def render(data: bytes) -> None:
            answer = list(sandbox.render(data, [WEBP], limits))[-1]
            assert isinstance(answer, Rendered), answer

        return render

    print(f"JPEG to WebP in the sandbox ({', '.join(LAYERS)}), medians of {ROUNDS} rounds:")
    for name, size in SIZES.items():
        data = photo(1, size)
        alone_times, child_times, full_times = taken(data, [alone, confined(bare), confined(full)])
        print(
            f"  {name}: the engine alone {statistics.median(alone_times) * 1000:.1f} ms; "
            f"in a child {ratio(child_times, alone_times):.2f}×, with all layers {ratio(full_times, alone_times):.2f}×; "
            f"with layers to without {ratio(full_times, child_times):.2f}×"
        )
    full.close()
    bare.close()


def taken(data: bytes, acts: list[Callable[[bytes], None]]) -> list[list[float]]:
    """Return the seconds of each function, run in turns; a pause lets the next child start in time."""
    times: list[list[float]] = [[] for _ in acts]
    for _ in range(ROUNDS + 1):
        for act, its_times in zip(acts, times, strict=True):
            time.sleep(0.05)
            start = time.perf_counter()
            act(data)
            its_times.append(time.perf_counter() - start)
    return [its_times[1:] for its_times in times]  # the first one starts the fork server


def ratio(some: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(some, others, strict=True))


if __name__ == "__main__":
    main()
