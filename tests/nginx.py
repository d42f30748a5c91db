"""A real nginx on loopback that ends TLS and passes on to the site, set up as docs/configuration.md has it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.server import ROOT

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""


class Nginx:
    """One proxy in front of `upstream` (host and port), at `url`; `certificate` is the file to verify it with."""

    def __init__(self, folder: Path, upstream: str) -> None:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        folder.mkdir()
        self.certificate = folder / "cert.pem"
        _make_certificate(self.certificate, folder / "key.pem")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"https://localhost:{port}"
        config = folder / "nginx.conf"
        config.write_text(MAIN.format(folder=folder, server=_documented(folder, port, upstream)))
        self.process = subprocess.Popen([program, "-p", folder, "-c", config], stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        self.end()
        raise RuntimeError((folder / "error.log").read_text())

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def _documented(folder: Path, port: int, upstream: str) -> str:
    """Return the server block of the documentation, with this machine's names and ports."""
    found = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "configuration.md").read_text(), re.DOTALL)
    assert found
    block = found[1]
    for written, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "images.example.org;": "localhost;",
        "/etc/ssl/images.example.org.pem": f"{folder}/cert.pem",
        "/etc/ssl/images.example.org.key": f"{folder}/key.pem",
        "127.0.0.1:8000": upstream,
    }.items():
        assert written in block, written
        block = block.replace(written, here)
    return block


def _make_certificate(certificate: Path, key: Path) -> None:
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
