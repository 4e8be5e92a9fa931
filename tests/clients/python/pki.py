"""Keys and certificates made for one run of the tests."""

import base64
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def rsa_key(bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key(curve=ec.SECP256R1):
    return ec.generate_private_key(curve())


class EcKeyForTheSdk:
    """An EC key in the form in which the SDK can sign with it.

    The SDK asks the key to `sign(data, algorithm=...)`, which keys of `cryptography` do for RSA
    alone. The synchronous client takes key objects beside PEM, so this one translates; what it
    sends, `ECDH256` with a signature in DER, is the SDK's own.
    """

    def __init__(self, key):
        self._key = key

    def sign(self, data, algorithm):
        return self._key.sign(data, ec.ECDSA(algorithm))


ec.EllipticCurvePrivateKey.register(EcKeyForTheSdk)


def issue(subject, public_key, issuer, extensions):
    """A certificate, DER, by a holder."""
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def base64url_uint(number):
    """As members of a JWK have it."""
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Holder:
    """A key and its certificate, self-signed or issued by another holder."""

    def __init__(self, name, key, issuer=None, is_ca=True):
        self.key, self.name = key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=is_ca, path_length=None)
        der = issue(self.name, key.public_key(), issuer or self, [(constraints, True)])
        self.certificate = x509.load_der_x509_certificate(der)

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def x5c(self):
        """As it stands in `x5c`: base64, not base64url."""
        return base64.b64encode(self.der).decode()

    @property
    def thumbprint(self):
        return hashlib.sha1(self.der).hexdigest().upper()

    @property
    def signing(self):
        """The keyword arguments that make the SDK sign with this key."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return {"signing_key": EcKeyForTheSdk(self.key), "signing_certificate": self.certificate}
        return {"signing_key": self.key_pem, "signing_certificate": self.pem}
