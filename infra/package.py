"""Lay out what runs on Lambda, and zip it as Zappa will.

    python infra/package.py        # or: make package

Leaves in build/: `site`, a clean copy of the code that the functions need; `venv`, the locked run-time
dependencies and nothing else; `imagesite.zip`, made from the two by Zappa, to be looked at. Zappa packs whatever
lies in the folder and environment it runs in, so it is run in these, never in the checkout.
"""

from __future__ import annotations

import compileall
import importlib.metadata
import json
import os
import platform
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

CODE = ("converter", "imagesite", "locale", "templates", "manage.py")

# Locked for deploying, for serving at home or for the command line: no function imports them.
NOT_ON_LAMBDA = {
    "argcomplete", "cfn-flip", "hjson", "markdown-it-py", "mdurl", "pip", "placebo", "pygments", "pyyaml", "rich",
    "setuptools", "toml", "tqdm", "troposphere", "waitress", "wheel",
}  # fmt: skip

# Of Django's own words. Ours travel with the code.
LANGUAGES = ("en", "de")

# AWS's descriptions of those services that the functions call; boto3 has 400.
SERVICES = {"cognito-idp", "dynamodb", "lambda", "rekognition", "s3", "ssm", "sts"}

# The fonts that are ever drawn with; their package has 30.
FONTS = {"__init__", "FiraGO_Regular"}

# Served from the static bucket, not by the functions.
SERVED_FROM_S3 = ("/static/", "/swagger_ui/")

# What the zip may hold at its top, and what nowhere.
OURS = {"converter", "imagesite", "locale", "templates", "manage.py", "staticfiles.json"}
ZAPPAS = {"handler.py", "django_zappa_app.py", "zappa_settings.py", "package_info.json", "__init__.py"}
NOWHERE = re.compile(
    r"(^|/)(\.env|\.git|\.github|\.venv|node_modules|zappa_settings\.json|.*\.sqlite3.*|.*\.tfstate.*|.*\.log)(/|$)"
)
NEEDED = {"handler.py", "django/__init__.py", "PIL/__init__.py", "jose/__init__.py", "warrant/__init__.py"}
MOST_BYTES = 50 * 10**6


class Spoilt(Exception):
    """The package cannot be made, or is not what it should be; the text says why."""


def main() -> int:
    try:
        archive = make(BUILD, ROOT / "zappa_settings.json")
    except Spoilt as spoilt:
        print(f"No package: {spoilt}", file=sys.stderr)
        return 1
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 10**6:.1f} MB; to deploy it: make deploy")
    return 0


def make(build: Path, settings: Path) -> Path:
    """Make build/site, build/venv and the zip; return the zip's path. Raises Spoilt."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Spoilt(
            "binary parts are copied as they are, so it must be made on Linux on x86_64, as Lambda is."
        )
    site, venv = build / "site", build / "venv"
    for folder in (site, venv):
        shutil.rmtree(folder, ignore_errors=True)
    copy_code(site)
    packages = venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    copy_dependencies(packages)
    list_static_names(site)
    for folder in (site, packages):
        compile_all(folder)
    archive = zip_with_zappa(site, venv, settings)
    check(archive, packages)
    return archive


def copy_code(site: Path) -> None:
    """Copy the files that git keeps or would keep: what it ignores stays in the checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if not (ROOT / name).exists():
            continue  # deleted, and not committed yet
        target = site / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)


def copy_dependencies(packages: Path) -> None:
    """Copy the locked distributions from this environment, where pip has checked their hashes."""
    for requirement in locked():
        distribution = importlib.metadata.distribution(requirement.name)
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise Spoilt(
                f"{requirement} is locked and {distribution.version} installed; run `make .venv/dev`."
            )
        for file in distribution.files or ():
            if file.parts[0] == ".." or not is_needed(str(file)):
                continue
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.locate(), target)


def locked() -> Iterable[Requirement]:
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip(" \\"))
            wanted = requirement.marker is None or requirement.marker.evaluate()
            if wanted and requirement.name not in NOT_ON_LAMBDA:
                yield requirement


def is_needed(file: str) -> bool:
    """Return whether a file of a distribution is ever read on Lambda; what is large and is not stays behind."""
    if match := re.match(r"botocore/data/([^/]+)/", file):
        return match[1] in SERVICES
    if match := re.match(r"django/.*/locale/([^/]+)/", file):
        return match[1].startswith(LANGUAGES)
    if match := re.match(r"pymupdf_fonts/(\w+)\.py$", file):
        return match[1] in FONTS
    return not file.endswith(".pyc") and not any(part in file for part in SERVED_FROM_S3)


def list_static_names(site: Path) -> None:
    """Write the list of static names, which travels with the code, so that both are of one build."""
    with tempfile.TemporaryDirectory() as scratch:
        home = {"PATH": os.environ["PATH"], "DATA_DIR": scratch}
        command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        done = subprocess.run(command, cwd=site, env=home, capture_output=True, text=True)
        if done.returncode:
            raise Spoilt(f"the site does not start: {done.stderr}")
        shutil.copyfile(Path(scratch, "static", "staticfiles.json"), site / "staticfiles.json")


def compile_all(folder: Path) -> None:
    """Compile with unchecked hashes: Zappa sets all times to 1980, by which other byte-code is always stale."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = compileall.compile_dir(folder, quiet=1, force=True, invalidation_mode=mode)
    if not compiled:
        raise Spoilt(f"not all of {folder.name} compiles.")


def zip_with_zappa(site: Path, venv: Path, settings: Path) -> Path:
    archive = site.parent / "imagesite.zip"
    archive.unlink(missing_ok=True)
    region = json.loads(settings.read_text())["base"]["aws_region"]
    env = {**os.environ, "VIRTUAL_ENV": str(venv), "AWS_DEFAULT_REGION": region}
    zappa = str(Path(sys.executable).with_name("zappa"))
    command = [zappa, "package", "production", "--settings_file", str(settings), "--output", archive.name]
    done = subprocess.run(command, cwd=site, env=env, capture_output=True, text=True)
    made = site / archive.name
    if done.returncode or not made.exists():
        raise Spoilt(f"Zappa says: {done.stdout}{done.stderr}")
    return made.rename(archive)


def check(archive: Path, packages: Path) -> None:
    """Raise Spoilt unless the zip holds what it should and nothing else."""
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
    allowed = OURS | ZAPPAS | {entry.name for entry in packages.iterdir()}
    strange = sorted({name.split("/")[0] for name in names} - allowed)
    strange += sorted(name for name in names if NOWHERE.search(name))
    if strange:
        raise Spoilt(f"the zip holds {', '.join(strange[:5])}.")
    ours = {
        str(path.relative_to(archive.parent / "site"))
        for path in (archive.parent / "site").rglob("*")
        if path.suffix in (".py", ".mo")
    }
    if missing := sorted((NEEDED | ours) - names):
        raise Spoilt(f"the zip lacks {', '.join(missing[:5])}.")
    if (size := archive.stat().st_size) > MOST_BYTES:
        raise Spoilt(f"the zip has {size} bytes; Lambda takes {MOST_BYTES}.")


if __name__ == "__main__":
    sys.exit(main())
