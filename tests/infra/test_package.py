from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra import package
from infra.glibc import newest_needed
from infra.package import PackageError

GOOD = [*package.NEEDED, "manage.py", "converter/__init__.py", "django/http/__init__.py"]


def made(tmp_path: Path, names: Iterable[str]) -> tuple[Path, Path]:
    """Return a zip with these names, and the packages it was made with."""
    packages = tmp_path / "venv"
    for name in ("django", "PIL", "jose", "warrant"):
        (packages / name).mkdir(parents=True)
    (tmp_path / "site" / "converter").mkdir(parents=True)
    (tmp_path / "site" / "converter" / "__init__.py").touch()
    archive = tmp_path / "imagesite.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.writestr(name, "")
    return archive, packages


def test_it_works(tmp_path: Path) -> None:
    package.check(*made(tmp_path, GOOD))


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "converter/.env",
        "db.sqlite3",
        "converter/db.sqlite3-wal",
        "tests/jobs/test_run.py",
        "infra/deploy.py",
        ".git/config",
        "zappa_settings.json",
        "node_modules/a/index.js",
        "django/.github/ci.yml",
        "var/secret_key",
        "notes.txt",
    ],
)
def test_unexpected_files_are_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError, match="the zip contains"):
        package.check(*made(tmp_path, [*GOOD, name]))


@pytest.mark.parametrize("name", ["warrant/__init__.py", "converter/__init__.py", "handler.py"])
def test_missing_files_are_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError, match=f"the zip lacks {name}"):
        package.check(*made(tmp_path, [good for good in GOOD if good != name]))


def test_a_package_too_large_for_lambda_is_found_by_its_size_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MOST_BYTES", 100_000)
    archive, packages = made(tmp_path, GOOD)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("django/zeros.py", b"0" * 100_001, zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 10_000
    with pytest.raises(PackageError, match="unpacked it has 100001 bytes; Lambda allows 100000"):
        package.check(archive, packages)


def test_a_large_zip_is_accepted_if_its_contents_are_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MOST_BYTES", 1)
    archive, packages = made(tmp_path, GOOD)
    assert archive.stat().st_size > 1
    package.check(archive, packages)


def test_the_bound_is_the_one_that_lambda_names() -> None:
    """In Lambda's words: Unzipped size must be smaller than 262144000 bytes."""
    assert package.MOST_BYTES == 262_144_000


def test_other_platforms_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    with pytest.raises(PackageError, match="Linux"):
        package.make(tmp_path, package.ROOT / "zappa_settings.json")


@pytest.mark.parametrize("version", [(3, 11, 7), (3, 14, 0)])
def test_a_python_whose_runtime_is_too_old_or_not_tested_is_refused(
    version: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.version_info", version)
    with pytest.raises(PackageError, match=r"Install Python 3\.13 or 3\.12"):
        package.make(tmp_path, package.ROOT / "zappa_settings.json")


def test_the_newest_python_is_that_of_the_project() -> None:
    project = tomllib.loads((package.ROOT / "pyproject.toml").read_text())["project"]
    major, minor = package.NEWEST_PYTHON
    assert project["requires-python"].endswith(f"<{major}.{minor + 1}")


def binary_of(distribution: str, name: str) -> Path:
    (file,) = (file for file in metadata.files(distribution) or () if file.match(name))
    return Path(str(file.locate()))


def test_the_glibc_version_a_shared_object_needs_is_that_of_its_wheel() -> None:
    """The reference is auditwheel, which names wheels."""
    tags = metadata.distribution("cryptography").read_text("WHEEL") or ""
    (said,) = re.findall(r"Tag: .*manylinux_(\d+)_(\d+)_x86_64", tags)
    assert newest_needed(binary_of("cryptography", "*.so")) == tuple(map(int, said)) == (2, 34)


def test_a_shared_object_that_needs_a_newer_c_library_than_lambda_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cryptography").mkdir()
    content = binary_of("cryptography", "*.so").read_bytes()
    (tmp_path / "cryptography" / "_rust.abi3.so").write_bytes(content)
    package.check_binaries(tmp_path)
    (tmp_path / "cryptography" / "_rust.abi3.so").write_bytes(
        content.replace(b"\0GLIBC_2.34\0", b"\0GLIBC_2.39\0")
    )
    with pytest.raises(
        PackageError, match=r"cryptography/_rust\.abi3\.so needs glibc 2\.39; Lambda has 2\.34"
    ):
        package.check_binaries(tmp_path)


def test_an_invalid_shared_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.so").write_bytes(b"\x7fELF")
    with pytest.raises(PackageError, match=r"broken\.so is not a 64-bit little-endian ELF file"):
        package.check_binaries(tmp_path)


def test_another_version_than_the_locked_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "locked", lambda: [Requirement("django==1.0")])
    with pytest.raises(PackageError, match=r"django==1\.0 is locked"):
        package.copy_dependencies(tmp_path)


def test_only_what_runs_on_lambda_is_taken() -> None:
    names = {requirement.name for requirement in package.locked()}
    assert {"django", "pillow", "boto3", "warrant", "python-jose", "zappa"} <= names
    assert not names & {"pip", "moto", "pytest", "python-jose-cryptodome", "pycryptodome", "waitress"}


@pytest.mark.parametrize(
    ("file", "needed"),
    [
        ("django/test/client.py", True),
        ("ecdsa/keys.py", True),
        ("ecdsa/test_keys.py", False),
        ("pillow-13.0.0.dist-info/METADATA", True),
        ("pillow-13.0.0.dist-info/RECORD", False),
        ("kornia_rs/image.pyi", False),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
    ],
)
def test_unused_files_are_left_out(file: str, needed: bool) -> None:
    assert package.is_needed(file) is needed
