"""The page for a phone in the same room: a certificate of our own, since browsers give the camera to secure pages only."""

import datetime
import io
import ipaddress
import secrets
import socket
from pathlib import Path

import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 30


def find_address() -> str:
    """This machine's address in its network, or 127.0.0.1 where it is in none; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def write_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """A self-signed certificate for that address and this machine's names, and its key, which nobody else can read."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mien on this network")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(address)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(pem)
    return paths


def _names(address: str) -> list[x509.GeneralName]:
    host = socket.gethostname().split(".")[0]
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    if host.isascii() and host:
        names += [x509.DNSName(host), x509.DNSName(f"{host}.local")]
    try:
        return [x509.IPAddress(ipaddress.ip_address(address)), *names]
    except ValueError:  # a name
        return [x509.DNSName(address), *names]


def fingerprint(certificate: Path) -> str:
    """SHA-256 of a certificate, as browsers show it."""
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def invite(url: str, token: str, certificate: Path) -> str:
    """What the terminal shows: the address with its token as a QR code, and what the phone will ask."""
    link, code = f"{url}#token={token}", io.StringIO()
    segno.make(link, error="l").terminal(code, compact=True)
    return (
        f"{code.getvalue()}\n"
        f"On a phone in this network, scan the code or open {link}\n\n"
        "The phone will ask two things:\n"
        "  1. It says that the connection is not private, since the certificate is this program's own. Chrome: Advanced,\n"
        "     then Proceed; Safari: Show Details, then visit this website. The certificate's SHA-256 fingerprint is\n"
        f"     {fingerprint(certificate)}\n"
        "  2. Whether the page may use the camera. The pictures stay on the phone; only the page comes from here.\n\n"
        f"For programs: {url}v1/predict with the header Authorization: Bearer {token}\n"
        f"and the certificate {certificate}"
    )


def new_token() -> str:
    return secrets.token_urlsafe(18)
