"""A mesh that encrypts and asks for certificates is spoken to, by what is given or what the environment says."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from conftest import free_ports, mesh
from cryptography.hazmat.primitives import serialization

from ballast import Mesh, Tls
from ballast.errors import Forbidden, Unauthenticated, Unreachable
from ballast.reward.v1.reward_service_pb2 import ListRewardModelsRequest
from ballast.scoring import Scorer

NAME = "trainer.example"


@dataclass(frozen=True)
class Secured:
    """A mesh that encrypts, and the files of a client that it knows."""

    target: str
    https: str
    ca: Path
    certificate: Path
    key: Path

    def environment(self) -> dict[str, str]:
        return {"BALLAST_TLS_CA": str(self.ca), "BALLAST_CLIENT_CERTIFICATE": str(self.certificate), "BALLAST_CLIENT_KEY": str(self.key)}

    def tls(self) -> Tls:
        return Tls(self.ca.read_bytes(), self.certificate.read_bytes(), self.key.read_bytes())


def pkcs8(key: bytes) -> bytes:
    """Returns a key in the one form that a mesh takes."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A mesh of the tests' own that knows the holder of one certificate as a trainer of tenant "a"."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name, issued in (("mesh", authority.issue_cert("127.0.0.1")), ("client", authority.issue_cert(NAME))):
        (folder / f"{name}.key").write_bytes(pkcs8(issued.private_key_pem.bytes()))
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    data = tmp_path_factory.mktemp("secured")
    port, http_port, https_port = free_ports(3)
    settings = {
        "ballast.tls.certificate": folder / "mesh.pem",
        "ballast.tls.key": folder / "mesh.key",
        "ballast.tls.trust": folder / "ca.pem",
        "ballast.tls.client-auth": "OPTIONAL",
        f'ballast.security.certificates."{NAME}".tenant': "a",
        f'ballast.security.certificates."{NAME}".rights': "trainer",
        "quarkus.http.ssl.certificate.files": folder / "mesh.pem",
        "quarkus.http.ssl.certificate.key-files": folder / "mesh.key",
        "quarkus.http.ssl-port": https_port,
        "quarkus.http.ssl.certificate.reload-period": "1m",
    }
    where = ["--port", str(port), "--http-port", str(http_port), "--data", str(data)]
    mesh("up", "--detach", "--json", *where, *(f"--set={name}={value}" for name, value in settings.items()))
    try:
        yield Secured(f"127.0.0.1:{port}", f"https://127.0.0.1:{https_port}", folder / "ca.pem", folder / "client.pem", folder / "client.key")
    finally:
        mesh("down", "--data", str(data))


def score(client: Mesh) -> float:
    return Scorer(client).score(["int size = list."], ["size();"])[0].value


def test_a_client_proves_itself_by_its_certificate(secured: Secured) -> None:
    with Mesh(secured.target, tls=secured.tls()) as client:
        assert isinstance(score(client), float)
    with Mesh(secured.target, tls=secured.tls(), tenant="b") as client, pytest.raises(Forbidden, match="not one that trainer.example may ask for"):
        client.call(client.reward.ListRewardModels, ListRewardModelsRequest(metadata=client.metadata()))


def test_the_environment_says_it_too(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in secured.environment().items():
        monkeypatch.setenv(name, value)
    with Mesh(secured.target) as client:
        assert isinstance(score(client), float)


@pytest.mark.parametrize("tls", [False, True], ids=["plain text", "other authorities"])
def test_without_its_authority_nothing_is_said(secured: Secured, tls: bool) -> None:
    with Mesh(secured.target, tls=tls, timeout=5) as client, pytest.raises(Unreachable):
        client.call(client.reward.ListRewardModels, ListRewardModelsRequest())


def test_without_a_certificate_nobody_is_known(secured: Secured) -> None:
    with Mesh(secured.target, tls=secured.ca.read_bytes()) as client, pytest.raises(Unauthenticated):
        client.call(client.reward.ListRewardModels, ListRewardModelsRequest())


def test_http_is_encrypted_beside_it(secured: Secured) -> None:
    trusting = ssl.create_default_context(cafile=str(secured.ca))
    with urllib.request.urlopen(f"{secured.https}/q/health", context=trusting) as answer:
        assert answer.status == 200
    question = urllib.request.Request(f"{secured.https}/get_reward", b'{"query": ["int a = 1;"]}', {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(question, context=trusting)


def test_what_cannot_be_used_is_named() -> None:
    assert Tls.of_environment({}) is None
    assert Tls.of_environment({"BALLAST_TLS_CA": "system"}) == Tls()
    with pytest.raises(ValueError, match="BALLAST_CLIENT_CERTIFICATE and BALLAST_CLIENT_KEY belong together"):
        Tls.of_environment({"BALLAST_TLS_CA": "system", "BALLAST_CLIENT_KEY": "k"})
    with pytest.raises(ValueError, match="BALLAST_CLIENT_CERTIFICATE and BALLAST_TLS_CA belong together"):
        Tls.of_environment({"BALLAST_CLIENT_CERTIFICATE": "c", "BALLAST_CLIENT_KEY": "k"})
    with pytest.raises(ValueError, match=r"^BALLAST_TLS_CA: /no/such: No such file"):
        Tls.of_environment({"BALLAST_TLS_CA": "/no/such"})
    with pytest.raises(ValueError, match="certificate and key belong together"):
        Tls(certificate=b"c")
    assert "secret" not in repr(Tls(certificate=b"c", key=b"secret"))
