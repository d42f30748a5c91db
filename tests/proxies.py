"""Real reverse proxies on loopback that terminate TLS for the site, configured by the files in deploy/."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.server import ROOT

CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
)

NGINX = """
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
{servers}
}}
"""

BESIDE_OTHERS = """
server {{
    listen 127.0.0.1:{port} ssl;
    server_name localhost;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{ return 200 "another site"; }}
{locations}
}}
"""

CADDY = """
{{
    admin off
    auto_https disable_redirects
}}
{sites}
"""


class Proxy:
    """A proxy at `url`; `certificate` is the file to verify it with."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.certificate = folder / "cert.pem"
        files = ["-keyout", str(folder / "key.pem"), "-out", str(self.certificate)]
        names = ["-addext", "subjectAltName=DNS:localhost"]
        subprocess.run([*CERTIFICATE.split(), *files, *names], check=True, capture_output=True)
        self.port, self.plain_port = _free_ports()
        self.url = f"https://localhost:{self.port}"

    def start(self, program: str, *words: str) -> None:
        found = shutil.which(program) or f"/usr/sbin/{program}"
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [found, *words], stdout=log, stderr=log, env={**os.environ, "HOME": str(self.folder)}
            )
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.end()
        raise RuntimeError((self.folder / "log").read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)


class Nginx(Proxy):
    """nginx in front of `upstream` (host and port), on its own host or under a path beside other sites."""

    def __init__(self, folder: Path, upstream: str, *, beside_others: bool = False) -> None:
        super().__init__(folder)
        if beside_others:
            locations = adapted("nginx-path.conf", {"127.0.0.1:8000": upstream})
            servers = BESIDE_OTHERS.format(port=self.port, folder=folder, locations=locations)
        else:
            servers = adapted(
                "nginx.conf",
                {
                    "    listen [::]:80;\n": "",
                    "    listen [::]:443 ssl;\n": "",
                    "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                    "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
                    "server_name images.example.org": "server_name localhost",
                    "/etc/letsencrypt/live/images.example.org/fullchain.pem": f"{folder}/cert.pem",
                    "/etc/letsencrypt/live/images.example.org/privkey.pem": f"{folder}/key.pem",
                    "127.0.0.1:8000": upstream,
                },
            )
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, servers=servers))
        self.start("nginx", "-p", str(folder), "-c", str(config))


class Caddy(Proxy):
    def __init__(self, folder: Path, upstream: str) -> None:
        super().__init__(folder)
        site = f"localhost:{self.port} {{\n\tbind 127.0.0.1\n\ttls {folder}/cert.pem {folder}/key.pem"
        changes = {"images.example.org {": site, "127.0.0.1:8000": upstream}
        config = folder / "Caddyfile"
        config.write_text(CADDY.format(sites=adapted("Caddyfile", changes)))
        self.start("caddy", "run", "--adapter", "caddyfile", "--config", str(config))


def adapted(name: str, changes: Mapping[str, str]) -> str:
    """Return a file from deploy/ with the given replacements, such as this machine's names and ports."""
    text = (ROOT / "deploy" / name).read_text()
    for written, here in changes.items():
        assert written in text, written
        text = text.replace(written, here)
    return text


def _free_ports(count: int = 2) -> Sequence[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
