"""A daemon that is reached over TLS, as one on another host is."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from tests.hypervisor.daemon import NOBODY, PrivateDaemon

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CERTIFICATE = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = {purpose}
subjectAltName = DNS:localhost
"""


class TlsDaemon(PrivateDaemon):
    """It has a socket of this host as well."""

    OPTIONS = ("--listen",)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.certificates = folder / "pki"
        self.certificates.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._port = server.getsockname()[1]
        self._make_authority()
        self._make_certificate("server", "serverAuth")
        self._make_certificate("client", "clientAuth")
        settings = {
            "listen_addr": "127.0.0.1",
            "tls_port": self._port,
            "auth_tls": "none",
            "ca_file": self.certificates / "cacert.pem",
            "cert_file": self.certificates / "servercert.pem",
            "key_file": self.certificates / "serverkey.pem",
        }
        lines = ["listen_tls = 1", *(f'{name} = "{value}"' for name, value in settings.items())]
        (folder / "config/libvirt/libvirtd.conf").write_text("\n".join(lines) + "\n")
        for path in self.certificates.iterdir():
            os.chown(path, NOBODY, NOBODY)

    @property
    def remote_uri(self) -> str:
        return self.uri_with(self.certificates)

    def uri_with(self, certificates: Path) -> str:
        """For a client that has those."""
        return f"qemu+tls://localhost:{self._port}/session?pkipath={certificates}"

    def _make_authority(self) -> None:
        uses = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        self._openssl("req", "-x509", *_KEY, "-keyout", "cakey.pem", "-out", "cacert.pem", "-subj", "/CN=tests", *uses)

    def _make_certificate(self, name: str, purpose: str) -> None:
        (self.certificates / "extensions").write_text(_CERTIFICATE.format(purpose=purpose))
        asked = ("-keyout", f"{name}key.pem", "-out", "request.pem")
        self._openssl("req", *_KEY, *asked, "-subj", "/CN=localhost")
        signed = ("-CA", "cacert.pem", "-CAkey", "cakey.pem", "-CAcreateserial", "-extfile", "extensions")
        self._openssl("x509", "-req", "-in", "request.pem", "-out", f"{name}cert.pem", *signed)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.certificates, check=True, capture_output=True)
