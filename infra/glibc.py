"""Find out which version of the GNU C library a shared object needs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

VERSIONS_NEEDED = 0x6FFFFFFE  # the type of the section .gnu.version_r; its layout is in the LSB, 10.7.3


def newest_needed(path: Path) -> tuple[int, ...]:
    """Return the highest glibc version that the file requires, such as (2, 34), or () if it requires none.

    Raises ValueError for anything that is not a 64-bit little-endian ELF file.
    """
    needed = [name.removeprefix("GLIBC_") for name in versions_needed(path.read_bytes())]
    return max(
        (tuple(map(int, version.split("."))) for version in needed if version[0].isdigit()), default=()
    )


def versions_needed(elf: bytes) -> Iterator[str]:
    """Yield the symbol versions that a shared object requires from others, such as GLIBC_2.34."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    start, size, count = (*struct.unpack_from("<Q", elf, 0x28), *struct.unpack_from("<2H", elf, 0x3A))
    headers = [struct.unpack_from("<2I4Q2I", elf, start + size * index) for index in range(count)]
    for _, kind, _, _, library, _, strings, _ in headers:
        if kind != VERSIONS_NEEDED:
            continue
        text = headers[strings][4]
        while True:
            _, _, _, to_version, to_library = struct.unpack_from("<2H3I", elf, library)
            version = library + to_version
            while True:
                _, _, _, name, to_next = struct.unpack_from("<I2H2I", elf, version)
                yield elf[text + name : elf.index(b"\0", text + name)].decode()
                version += to_next
                if not to_next:
                    break
            library += to_library
            if not to_library:
                break
