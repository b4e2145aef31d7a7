"""The front encrypts by one setting."""

import datetime as dt
import re
import socket
import ssl

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "a password that is long"


async def enter(environment, address, trusted):
    """Redeem the printed invitation over an encrypted connection; return the cookies."""
    code = re.search(r"#code=(\S+)", environment.printed)[1]
    async with httpx.AsyncClient(base_url=address, verify=ssl.create_default_context(cafile=trusted)) as browser:
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', (await browser.get("/hub/welcome")).text)[1]
        form = {"_xsrf": xsrf, "code": code, "password": PASSWORD, "password_again": PASSWORD}
        answer = await browser.post("/hub/welcome", data=form)
        assert answer.status_code == 302
        return {cookie.name: cookie for cookie in browser.cookies.jar}, answer


def configured(tmp_path, **front):
    file = tmp_path / "acre.yaml"
    file.write_text("front:\n" + "".join(f"  {key}: {value}\n" for key, value in front.items()))
    return ("--config", str(file))


async def test_an_authority_of_its_own_encrypts_with_http2_and_cookies_that_stay_encrypted(new_environment, tmp_path):
    environment = new_environment(options=configured(tmp_path, tls="internal", name="localhost"))
    address = f"https://localhost:{environment.port}"
    assert address in environment.printed
    cookies, answer = await enter(environment, address, environment.authority)
    assert cookies["jupyterhub-hub-login"].secure
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    context = ssl.create_default_context(cafile=environment.authority)
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", environment.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as encrypted,
    ):
        assert encrypted.selected_alpn_protocol() == "h2"
        assert encrypted.version() in {"TLSv1.2", "TLSv1.3"}
    clear = httpx.get(f"http://127.0.0.1:{environment.port}/hub/login")
    assert clear.status_code == 400  # nothing is answered in clear


async def test_ones_own_certificate_is_shown(new_environment, tmp_path):
    certificate, key = make_certificate(tmp_path)
    environment = new_environment(
        options=configured(tmp_path, tls="files", name="localhost", certificate=certificate, key=key)
    )
    cookies, _ = await enter(environment, f"https://localhost:{environment.port}", certificate)
    assert cookies["jupyterhub-hub-login"].secure


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ({"tls": "files"}, "needs both certificate and key"),
        ({"tls": "acme"}, "needs name"),
        ({"tls": "acme", "name": "192.0.2.1"}, "needs name"),
        ({"tls": "internal", "key": "/x"}, "tls: files only"),
        ({"name": "'exa mple'"}, "front.name"),
        (
            {"tls": "files", "certificate": "/nowhere.crt", "key": "/nowhere.key"},
            "'front.certificate' names /nowhere.crt",
        ),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_the_remedy(acre, tmp_path, port, front, said):
    result = acre("up", "--port", str(port), *configured(tmp_path, **front))
    assert result.returncode == 2
    assert said in result.stderr


def make_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "site.crt", folder / "site.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
