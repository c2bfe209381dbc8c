"""How connections are encrypted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc

CA = "BALLAST_TLS_CA"
CERTIFICATE = "BALLAST_CLIENT_CERTIFICATE"
KEY = "BALLAST_CLIENT_KEY"


@dataclass(frozen=True)
class Tls:
    """What encrypts connections, and what proves who the client is. The mesh must prove the host name that it is called by.

    :param authorities: PEM of those that are believed; None: those that gRPC comes with
    :param certificate: PEM of what the client proves itself with, its own first; None: nothing is proved
    :param key: PEM of the certificate's key, without a passphrase
    """

    authorities: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")

    @staticmethod
    def of_environment(environment: Mapping[str, str] = os.environ) -> Tls | None:
        """Returns what ``BALLAST_TLS_CA``, ``BALLAST_CLIENT_CERTIFICATE`` and ``BALLAST_CLIENT_KEY`` say, as of every command; None: no TLS."""
        files = {name: environment[name] for name in (CA, CERTIFICATE, KEY) if environment.get(name)}
        if (CERTIFICATE in files) != (KEY in files):
            raise ValueError(f"{CERTIFICATE} and {KEY} belong together")
        if CA not in files:
            if files:
                raise ValueError(f"{CERTIFICATE} and {CA} belong together")
            return None
        authorities = None if files[CA] == "system" else _read(CA, files[CA])
        if CERTIFICATE not in files:
            return Tls(authorities)
        return Tls(authorities, _read(CERTIFICATE, files[CERTIFICATE]), _read(KEY, files[KEY]))

    def credentials(self) -> grpc.ChannelCredentials:
        """Returns what gRPC takes."""
        return grpc.ssl_channel_credentials(self.authorities, self.key, self.certificate)


def _read(variable: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ValueError(f"{variable}: {file}: {error.strerror} (expected: a file as PEM)") from error
