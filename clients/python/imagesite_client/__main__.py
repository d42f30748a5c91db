"""Convert files on an imagesite server: `python -m imagesite_client photos/*.jpg -o converted --recipe '{…}'`."""

from __future__ import annotations

import argparse
import glob
import json
import os
import sys
from pathlib import Path

import httpx

from imagesite_client.clients import Client
from imagesite_client.errors import ImagesiteError


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if every file was converted, 1 if some were not, 2 if nothing could be started."""
    parser = argparse.ArgumentParser(prog="imagesite", description="Convert images on an imagesite server.")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="image, or a pattern such as photos/**/*.jpg"
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="output folder")
    parser.add_argument("--recipe", required=True, metavar="JSON", help="the options, as in the API")
    parser.add_argument(
        "--server", default=os.environ.get("IMAGESITE_URL"), help="URL of the server (default: IMAGESITE_URL)"
    )
    options = parser.parse_args(arguments)
    token = os.environ.get("IMAGESITE_TOKEN")
    if not options.server or not token:
        parser.error("Set IMAGESITE_URL and IMAGESITE_TOKEN.")
    try:
        recipe = json.loads(options.recipe)
    except ValueError as exc:
        parser.error(f"--recipe is not JSON: {exc}")
    matches = {pattern: found(pattern) for pattern in map(str.strip, options.files) if pattern}
    if not any(matches.values()):
        parser.error("No files found.")
    try:
        client = Client(options.server, token)
    except (ValueError, httpx.InvalidURL) as exc:
        parser.error(str(exc))
    missing = [pattern for pattern, paths in matches.items() if not paths]
    for pattern in missing:
        print(f"{pattern}: No such file", file=sys.stderr)  # noqa: T201
    failed = len(missing)
    with client:
        for path in (path for paths in matches.values() for path in paths):
            try:
                target = saved(client, path, recipe, options.output)
                print(f"{path} -> {target}")  # noqa: T201
            except (ImagesiteError, OSError, httpx.HTTPError) as exc:
                failed += 1
                print(f"{path}: {in_words(exc, path)}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


def in_words(exc: Exception, path: Path) -> str:
    """Return what went wrong. An error of the system names its file, unless that is `path`."""
    if not isinstance(exc, OSError) or not exc.strerror:
        return str(exc)
    return exc.strerror if exc.filename in (None, str(path)) else f"{exc.strerror}: {exc.filename}"


def found(pattern: str) -> list[Path]:
    """Return the file with that name, or the files that match the pattern."""
    if os.path.exists(pattern):
        return [Path(pattern)]
    return [Path(path) for path in sorted(glob.glob(pattern, recursive=True)) if os.path.isfile(path)]


def saved(client: Client, path: Path, recipe: dict[str, object], output: Path) -> Path:
    """Convert one file. Relative paths keep their folder in the output folder."""
    result = client.convert(path, recipe)
    inside = not path.is_absolute() and ".." not in path.parts
    folder = output / path.parent if inside else output
    folder.mkdir(parents=True, exist_ok=True)
    return result.save(folder / f"{path.stem}{Path(result.name).suffix}")


if __name__ == "__main__":
    sys.exit(main())
