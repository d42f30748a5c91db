"""systemd itself accepts the units."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.server import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.system]


@pytest.mark.parametrize("unit", sorted(path.name for path in (ROOT / "deploy").glob("*.service")))
def test_a_unit_is_understood(unit: str, tmp_path: Path) -> None:
    text = (ROOT / "deploy" / unit).read_text()
    # systemd looks up the programs and the account as documented; here they are elsewhere.
    installed = text.replace("/opt/imagesite", str(ROOT)).replace("User=imagesite", "User=daemon")
    assert installed != text
    (tmp_path / unit).write_text(installed)
    verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
