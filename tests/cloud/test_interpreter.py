from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.cloud.interpreter import lambda_python


def test_without_a_suitable_python_the_tests_say_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_none(*command: Any, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "Install Python 3.13 or 3.12.")

    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    monkeypatch.setattr(subprocess, "run", find_none)
    with pytest.raises(RuntimeError, match=r"Install Python 3\.13"):
        lambda_python.__wrapped__()
