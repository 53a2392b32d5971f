"""Certificates for a fake that speaks TLS: an authority of its own, and what is wrong with some of its certificates."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """The files of a server's certificate and of the authority that signed it."""

    authority: Path
    certificate: Path
    key: Path


def make(folder: Path, names: str = "IP:127.0.0.1,DNS:localhost", expired: bool = False) -> Certificate:
    """A certificate for those names, signed by an authority that only this folder knows."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    request, extensions = folder / "server.csr", folder / "server.cnf"
    extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    # A validity that ended before it began: openssl needs no configuration for that in any version.
    dates = ["-days", "-1" if expired else "2"]
    openssl("req", "-x509", *new_key, "-days", "2", "-subj", "/CN=Fake authority", "-keyout", folder / "ca.key", "-out", made.authority)
    openssl("req", *new_key, "-subj", "/CN=Fake provider", "-keyout", made.key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", made.authority, "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-extfile", extensions, "-out", made.certificate, *dates)
    return made


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
