"""Build the deployment package for Lambda: prepare the code and zip it with Zappa.

    python -m infra.package        # or: make package

Writes to build/, or to the given folder: `site`, a clean copy of the code that the functions need; `venv`,
the locked run-time dependencies only; and `imagesite.zip`, made by Zappa from these two, for inspection.
Zappa packages everything in its working directory and environment, so it runs in these folders and never in
the checkout.
"""

from __future__ import annotations

import argparse
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
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from infra.glibc import newest_needed

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

CODE = ("converter", "imagesite", "locale", "templates", "manage.py")

# Locked packages that no function imports: needed only for deployment, home servers or the command line.
NOT_ON_LAMBDA = {
    "argcomplete", "authlib", "cfn-flip", "hjson", "joserfc", "markdown-it-py", "mdurl", "pip", "placebo", "prometheus-client", "pygments", "pyyaml", "rich",
    "setuptools", "toml", "tqdm", "troposphere", "waitress", "wheel",
}  # fmt: skip

# Languages of Django's own translations to include. Ours are part of the code.
LANGUAGES = ("en", "de")

# Service descriptions that boto3 needs for the functions' calls, out of 400.
SERVICES = {"cognito-idp", "dynamodb", "lambda", "rekognition", "s3", "ssm", "sts"}

# The fonts in use, out of 30 in their package.
FONTS = {"__init__", "FiraGO_Regular"}

# Served from the static bucket, not by the functions.
SERVED_FROM_S3 = ("/static/", "/swagger_ui/")

# Files read only by installers and type checkers, and the tests of ecdsa, half of that package.
NOT_RUN = re.compile(r"\.pyc$|\.pyi$|\.dist-info/RECORD$|ecdsa/test_\w+\.py$")

# What is allowed at the top level of the zip, and what is not allowed anywhere in it.
OURS = {"converter", "imagesite", "locale", "templates", "manage.py", "staticfiles.json"}
ZAPPAS = {"handler.py", "django_zappa_app.py", "zappa_settings.py", "package_info.json", "__init__.py"}
NOWHERE = re.compile(
    r"(^|/)(\.env|\.git|\.github|\.venv|node_modules|zappa_settings\.json|.*\.sqlite3.*|.*\.tfstate.*|.*\.log)(/|$)"
)
NEEDED = {"handler.py", "django/__init__.py", "PIL/__init__.py", "jose/__init__.py", "warrant/__init__.py"}
# Limit of all files after unpacking. The limit of 50 MB for the zip applies only to direct uploads to Lambda;
# ours goes through S3. docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 250 << 20

# Lambda's runtimes since python3.12 run on Amazon Linux 2023. python3.11 runs on Amazon Linux 2, whose glibc
# 2.26 is too old for several wheels. docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
OLDEST_PYTHON = (3, 12)
NEWEST_PYTHON = (3, 13)  # as in pyproject.toml: later ones are not tested
GLIBC = (2, 34)


class PackageError(Exception):
    """The package cannot be built or has wrong contents; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the package for Lambda.")
    parser.add_argument("build", nargs="?", type=Path, default=BUILD, help="folder to build it in")
    parser.add_argument("--check", action="store_true", help="only check whether it can be built here")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.check:
            check_machine()
            print(f"Python {platform.python_version()}")
            return 0
        archive = make(chosen.build.resolve(), ROOT / "zappa_settings.json")
    except PackageError as error:
        print(f"The package could not be built: {error}", file=sys.stderr)
        return 1
    with zipfile.ZipFile(archive) as file:
        unpacked = unpacked_bytes(file) / 10**6
    print(
        f"{archive}: {archive.stat().st_size / 10**6:.1f} MB, unpacked {unpacked:.0f} MB; to deploy it: make deploy"
    )
    return 0


def make(build: Path, settings: Path) -> Path:
    """Make build/site, build/venv and the zip; return the path of the zip. Raises PackageError."""
    check_machine()
    site, venv = build / "site", build / "venv"
    for folder in (site, venv):
        shutil.rmtree(folder, ignore_errors=True)
    copy_code(site)
    packages = venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    copy_dependencies(packages)
    check_binaries(packages)
    list_static_names(site)
    for folder in (site, packages):
        compile_all(folder)
    archive = zip_with_zappa(site, venv, settings)
    check(archive, packages)
    return archive


def check_machine() -> None:
    """Raise PackageError unless this machine matches a Lambda runtime with a recent enough glibc."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise PackageError("it contains binaries, so it must be built on Linux on x86_64, like Lambda.")
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise PackageError(
            f"it is built for this Python, {platform.python_version()}. Lambda's runtimes before 3.12 have too old a C "
            "library, and later ones than 3.13 are not tested. Install Python 3.13 or 3.12, then: rm -r .venv; make .venv/dev "
            "PYTHON=python3.13"
        )


def check_binaries(packages: Path) -> None:
    """Raise PackageError if a shared object needs a newer glibc than Lambda's runtime has."""
    for path in sorted(packages.rglob("*.so*")):
        try:
            needed = newest_needed(path)
        except ValueError as error:
            raise PackageError(f"{path.relative_to(packages)} is {error}.") from error
        if needed > GLIBC:
            raise PackageError(
                f"{path.relative_to(packages)} needs glibc {dotted(needed)}; Lambda has {dotted(GLIBC)}."
            )


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def copy_code(site: Path) -> None:
    """Copy files that are tracked or untracked in git, but not ignored ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if not (ROOT / name).exists():
            continue  # deleted, but not committed yet
        target = site / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)


def copy_dependencies(packages: Path) -> None:
    """Copy the locked distributions from this environment, where pip has verified their hashes."""
    for requirement in locked():
        distribution = importlib.metadata.distribution(requirement.name)
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise PackageError(
                f"{requirement} is locked, but {distribution.version} is installed; run `make .venv/dev`."
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
    """Return whether a file of a distribution is needed on Lambda; large unused files are left out."""
    if match := re.match(r"botocore/data/([^/]+)/", file):
        return match[1] in SERVICES
    if match := re.match(r"django/.*/locale/([^/]+)/", file):
        return match[1].startswith(LANGUAGES)
    if match := re.match(r"pymupdf_fonts/(\w+)\.py$", file):
        return match[1] in FONTS
    return not NOT_RUN.search(file) and not any(part in file for part in SERVED_FROM_S3)


def list_static_names(site: Path) -> None:
    """Write the manifest of static files into the code, so that both come from the same build."""
    with tempfile.TemporaryDirectory() as scratch:
        home = {"PATH": os.environ["PATH"], "DATA_DIR": scratch}
        command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
        done = subprocess.run(command, cwd=site, env=home, capture_output=True, text=True)
        if done.returncode:
            raise PackageError(f"the site does not start: {done.stderr}")
        shutil.copyfile(Path(scratch, "static", "staticfiles.json"), site / "staticfiles.json")


def compile_all(folder: Path) -> None:
    """Compile with unchecked hashes: Zappa dates all files 1980, so timestamp-based ones would be stale."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = compileall.compile_dir(folder, quiet=1, force=True, invalidation_mode=mode)
    if not compiled:
        raise PackageError(f"{folder.name} could not be compiled completely.")


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
        raise PackageError(f"Zappa failed: {done.stdout}{done.stderr}")
    return made.rename(archive)


def check(archive: Path, packages: Path) -> None:
    """Raise PackageError unless the zip has all required files and no others."""
    with zipfile.ZipFile(archive) as file:
        names, size = set(file.namelist()), unpacked_bytes(file)
    allowed = OURS | ZAPPAS | {entry.name for entry in packages.iterdir()}
    strange = sorted({name.split("/")[0] for name in names} - allowed)
    strange += sorted(name for name in names if NOWHERE.search(name))
    if strange:
        raise PackageError(f"the zip contains {', '.join(strange[:5])}.")
    ours = {
        str(path.relative_to(archive.parent / "site"))
        for path in (archive.parent / "site").rglob("*")
        if path.suffix in (".py", ".mo")
    }
    if missing := sorted((NEEDED | ours) - names):
        raise PackageError(f"the zip lacks {', '.join(missing[:5])}.")
    if size > MOST_BYTES:
        raise PackageError(f"unpacked it has {size} bytes; Lambda allows {MOST_BYTES}.")


def unpacked_bytes(archive: zipfile.ZipFile) -> int:
    return sum(entry.file_size for entry in archive.infolist())


if __name__ == "__main__":
    sys.exit(main())
