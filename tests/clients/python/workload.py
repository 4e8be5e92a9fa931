"""A guest with a key: its evidence is minted for a key of the test's own making, and what is released to it is
opened with that key by `cryptography` alone.
"""

import base64
import functools
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import urllib.parse
import urllib.request
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from support import CA, URL, base64url, unpadded

VAULT_HOST = "vault.localhost"
VAULT_URL = f"https://{VAULT_HOST}:{urllib.parse.urlsplit(URL).port}"
HASHES = {
    "CKM_RSA_AES_KEY_WRAP": hashes.SHA1,
    "RSA_AES_KEY_WRAP_256": hashes.SHA256,
    "RSA_AES_KEY_WRAP_384": hashes.SHA384,
}
# Where the report has the measurement: 48 bytes.
MEASUREMENT = slice(0x90, 0xC0)


def find_vault():
    """Lets the name of the vault be found, as an operator's DNS would."""
    found = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        text = host.decode() if isinstance(host, bytes) else host
        return found("127.0.0.1" if text == VAULT_HOST else host, *arguments, **options)

    socket.getaddrinfo = getaddrinfo


class Workload:
    """A confidential guest with an RSA key of its own, which its evidence binds."""

    def __init__(self, key_bits=2048, measurement=None):
        self.key = rsa.generate_private_key(65537, key_bits)
        public = self.key.public_key().public_numbers()
        octets = lambda number: number.to_bytes((number.bit_length() + 7) // 8, "big")
        jwk = {
            "kty": "RSA", "kid": "workload", "key_ops": ["encrypt"],
            "n": base64url(octets(public.n)), "e": base64url(octets(public.e)),
        }
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "keys.json").write_text(json.dumps({"keys": [jwk]}))
            words = [os.environ["AVOUCH_COMMAND"], "mint", "snp", "--out", folder / "minted",
                     "--runtime-data", folder / "keys.json"]
            words += ["--measurement", measurement] if measurement else []
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            self.report = (folder / "minted" / "report.bin").read_bytes()
            self.request = (folder / "minted" / "request.json").read_bytes()
        self.measurement = self.report[MEASUREMENT].hex()

    def token(self):
        """What the service says of the evidence."""
        url = f"{URL}/attest/SevSnpVm?api-version=2022-08-01"
        request = urllib.request.Request(
            url, self.request, {"content-type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=CA)) as answer:
            return json.load(answer)["token"]

    def open(self, value):
        """The released key, and what its answer shows."""
        shown = verified(value)
        wrapped = json.loads(unpadded(shown["response"]["key"]["key"]["key_hsm"]))
        ciphertext = unpadded(wrapped["ciphertext"])
        hashed = HASHES[shown["request"]["enc"]]()
        oaep = padding.OAEP(padding.MGF1(hashed), hashed, None)
        length = self.key.key_size // 8
        kek = self.key.decrypt(ciphertext[:length], oaep)
        assert len(kek) == 32
        return keywrap.aes_key_unwrap_with_padding(kek, ciphertext[length:]), shown


def verified(value):
    """The payload of an answer, verified as the confidential sidecar does: by the first certificate, which
    must be for the vault's host, under a chain to a trusted root.
    """
    header, payload, signature = value.split(".")
    header = json.loads(unpadded(header))
    assert header["alg"] == "RS256", header
    chain = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in header["x5c"]]
    trusted = x509.load_pem_x509_certificate(pathlib.Path(CA).read_bytes())
    assert chain[-1] == trusted
    for one, above in zip(chain, chain[1:]):
        one.verify_directly_issued_by(above)
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [VAULT_HOST]
    thumbprint = base64url(chain[0].fingerprint(hashes.SHA256()))
    assert header["x5t#S256"] == thumbprint
    message = value.rpartition(".")[0].encode()
    chain[0].public_key().verify(
        unpadded(signature), message, padding.PKCS1v15(), hashes.SHA256())
    return json.loads(unpadded(payload))


@functools.cache
def trust_root():
    """The root of minted evidence as tokens name it: it is not the vendor's, so a policy must name it."""
    _, payload, _ = Workload().token().split(".")
    return json.loads(unpadded(payload))["avouch-trust-root"]


def policy(measurement, authority=URL):
    """Whoever has this measurement, under the root of minted evidence, without a debugger."""
    return json.dumps({"version": "1.0.0", "anyOf": [{"authority": authority, "allOf": [
        {"claim": "x-ms-attestation-type", "equals": "sevsnpvm"},
        {"claim": "x-ms-sevsnpvm-is-debuggable", "equals": "false"},
        {"claim": "x-ms-sevsnpvm-launchmeasurement", "equals": measurement},
        {"claim": "avouch-trust-root", "equals": trust_root()},
    ]}]}).encode()


def der(key):
    """PKCS#8 as it is wrapped."""
    return serialization.load_der_private_key(key, None)
