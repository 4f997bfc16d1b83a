"""`mien serve --lan`: a certificate for this machine's address, an invitation with the token, and https that holds to both."""

import hashlib
import re
import ssl
from pathlib import Path

import httpx
import pytest
from tests.serving.running import ASTRONAUT, JPEG, problem

from mien.serving import lan

x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture
def certificate(tmp_path):
    return lan.write_certificate(tmp_path, "192.0.2.7")


def test_the_certificate_is_for_the_address_and_for_a_month(certificate):
    path, key = certificate
    found = x509.load_pem_x509_certificate(path.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert 30 <= (found.not_valid_after_utc - found.not_valid_before_utc).days <= 31
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert key.stat().st_mode & 0o077 == 0
    ssl.create_default_context().load_cert_chain(path, key)


def test_a_host_may_be_a_name_too(tmp_path):
    found = x509.load_pem_x509_certificate(lan.write_certificate(tmp_path, "studio.example")[0].read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "studio.example" in names.get_values_for_type(x509.DNSName)


def test_two_starts_share_no_key_and_no_token(tmp_path):
    keys = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        keys.append(lan.write_certificate(tmp_path / name, "127.0.0.1")[1].read_bytes())
    assert keys[0] != keys[1]
    assert len({lan.new_token() for _ in range(100)}) == 100
    assert min(len(lan.new_token()) for _ in range(100)) >= 24


def test_the_fingerprint_is_what_openssl_computes(certificate):
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate[0].read_text())).hexdigest().upper()
    assert lan.fingerprint(certificate[0]).replace(":", "") == digest


def test_the_code_says_what_the_line_below_says(certificate):
    """Read back from what the terminal shows, as a phone's camera would."""
    reader, numpy = pytest.importorskip("zxingcpp"), pytest.importorskip("numpy")
    text = lan.invite("https://192.0.2.7:8000/", "t" * 24, certificate[0])
    rows = [line for line in text.splitlines() if set(line) & set("▀▄█")]
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}  # lit or not, on a dark terminal
    squares = numpy.array([[halves[letter][half] for letter in row] for row in rows for half in (0, 1)])
    (found,) = reader.read_barcodes((numpy.kron(squares, numpy.ones((8, 8))) * 255).astype(numpy.uint8))
    assert found.text == f"https://192.0.2.7:8000/#token={'t' * 24}"
    assert found.text in text


def test_no_network_is_no_failure(monkeypatch):
    def unreachable(self, address):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("socket.socket.connect", unreachable)
    assert lan.find_address() == "127.0.0.1"


def test_a_phone_gets_the_page_over_https_and_programs_need_the_token(run, tmp_path):
    service = run("--lan", "--host", "127.0.0.2", "--workers", "1")
    assert (service.scheme, service.host) == ("https", "127.0.0.2")
    said = service.stderr
    token = re.search(r"#token=(\S+)", said)[1]
    path = re.search(r"certificate (\S+\.pem)", said)[1]
    for words in ("Advanced", "Show Details", "use the camera", "stay on the phone"):
        assert words in said
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(service.address)
    context = ssl.create_default_context(cafile=path)
    with service.client(verify=context) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert token not in page.text
        problem(client.post("/v1/predict", content=ASTRONAUT, headers=JPEG), 401)
        headers = JPEG | {"authorization": f"Bearer {token}"}
        assert client.post("/v1/predict", content=ASTRONAUT, headers=headers).json()["faces"]
    seen = tmp_path / "seen.pem"
    seen.write_text(ssl.get_server_certificate((service.host, service.port)))
    assert lan.fingerprint(seen) in said
    service.process.terminate()
    assert service.process.wait(10) == 0
    assert not Path(path).parent.exists()
