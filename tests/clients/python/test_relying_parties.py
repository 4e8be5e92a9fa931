"""PyJWT, joserfc and Debian's `jose` as relying parties that know nothing but a provider's URL.

Environment: as in support.py.
"""

import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import jwt
from joserfc import errors, jwk
from joserfc import jwt as joserfc_jwt
from jwt import PyJWKClient
from support import CA, MINTED, URL
from test_attest import PERMIT, attest

CONTEXT = ssl.create_default_context(cafile=CA)


def metadata():
    url = URL + "/.well-known/openid-configuration"
    with urllib.request.urlopen(url, context=CONTEXT) as answer:
        return json.load(answer)


def verify(token, issuer=URL):
    found = metadata()
    keys = PyJWKClient(found["jwks_uri"], ssl_context=CONTEXT)
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=found["id_token_signing_alg_values_supported"],
        issuer=issuer,
        options={"require": ["exp", "nbf", "iat", "iss", "jti"]},
    )


def token_of(case, **options):
    return attest(case, **options)[1].to_jwt_string()


class PyJwt(unittest.TestCase):
    def test_a_token_verifies_and_names_what_was_attested(self):
        for case in ("sgx-json", "open-enclave-json"):
            with self.subTest(case):
                claims = verify(token_of(case))
                self.assertEqual(claims["iss"], URL)
                self.assertEqual(claims["x-ms-attestation-type"], "sgx")

    def test_another_issuer_and_another_signature_are_refused(self):
        token = token_of("sgx-json")
        with self.assertRaises(jwt.InvalidIssuerError):
            verify(token, issuer=URL + "/providers/other")
        with self.assertRaises(jwt.InvalidSignatureError):
            verify(forged(token))

    def test_the_unsecured_token_of_a_draft_is_refused(self):
        token = token_of("sgx-json", draft_policy=PERMIT)
        self.assertEqual(jwt.get_unverified_header(token)["alg"], "none")
        with self.assertRaises((jwt.PyJWTError, jwt.exceptions.PyJWKClientError)):
            verify(token)


def key_set():
    with urllib.request.urlopen(metadata()["jwks_uri"], context=CONTEXT) as answer:
        return json.load(answer)


def forged(token):
    """The same token with another first character of its signature."""
    signed, signature = token.rsplit(".", 1)
    return signed + "." + ("B" if signature[0] == "A" else "A") + signature[1:]


class Joserfc(unittest.TestCase):
    def verify(self, token, algorithms=("RS256",), issuer=URL):
        keys = jwk.KeySet.import_key_set(key_set())
        claims = joserfc_jwt.decode(token, keys, algorithms=list(algorithms)).claims
        expected = {"iss": {"essential": True, "value": issuer}, "exp": {"essential": True}}
        joserfc_jwt.JWTClaimsRegistry(**expected).validate(claims)
        return claims

    def test_a_token_verifies_and_its_siblings_are_refused(self):
        token = token_of("sgx-json")
        self.assertEqual(self.verify(token)["x-ms-attestation-type"], "sgx")
        with self.assertRaises(errors.BadSignatureError):
            self.verify(forged(token))
        with self.assertRaises(errors.UnsupportedAlgorithmError):
            self.verify(token, algorithms=("ES256",))
        with self.assertRaises(errors.InvalidClaimError):
            self.verify(token, issuer=URL + "/providers/other")
        with self.assertRaises(errors.JoseError):
            self.verify(token_of("sgx-json", draft_policy=PERMIT))


@unittest.skipUnless(shutil.which("jose"), "Debian's jose is not installed")
class DebianJose(unittest.TestCase):
    def verify(self, token, keys):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "token").write_text(token)
            (folder / "keys").write_text(json.dumps(keys))
            words = ["jose", "jws", "ver", "-i", folder / "token", "-k", folder / "keys", "-O", "-"]
            return subprocess.run(words, capture_output=True, text=True, check=False)

    def test_a_token_verifies_by_the_whole_key_set_and_its_siblings_are_refused(self):
        token, keys = token_of("sgx-json"), key_set()
        good = self.verify(token, keys)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertEqual(json.loads(good.stdout)["x-ms-attestation-type"], "sgx")
        self.assertNotEqual(self.verify(forged(token), keys).returncode, 0)
        signer = jwt.get_unverified_header(token)["kid"]
        others = {"keys": [key for key in keys["keys"] if key["kid"] != signer]}
        self.assertGreater(len(others["keys"]), 0)
        self.assertNotEqual(self.verify(token, others).returncode, 0)


AUDIENCE = "https://sts.example"
# For this the nonce of a token will do.
BY_NONCE = "https://nonce.example"


def evidence_for(audience, age=0):
    """The body of an attest request whose evidence binds an audience."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        purpose = {"audience": audience, "issued_at": int(time.time()) - age}
        (folder / "held.json").write_text(json.dumps({"token-exchange": purpose}))
        words = [os.environ["AVOUCH_COMMAND"], "mint", "sgx", "--out", folder / "minted",
                 "--runtime-data", folder / "held.json"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        return json.loads((folder / "minted" / "request.json").read_text())


def attested(nonce, body=None):
    """An attestation token with a nonce, which the SDK does not send."""
    body = body or json.loads((MINTED / "sgx-json" / "request.json").read_text())
    body = body | {"nonce": nonce}
    request = urllib.request.Request(
        URL + "/attest/SgxEnclave?api-version=2022-08-01",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, context=CONTEXT) as answer:
        return json.load(answer)["token"]


def exchange(token, audience=AUDIENCE):
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": token,
        "audience": audience,
    }
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(URL + "/avouch/token-exchange", body, context=CONTEXT) as answer:
        return json.load(answer)["access_token"]


def identity(token, audience):
    found = metadata()
    keys = PyJWKClient(found["jwks_uri"], ssl_context=CONTEXT)
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=found["id_token_signing_alg_values_supported"],
        issuer=URL,
        audience=audience,
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )


class ShortToken(unittest.TestCase):
    def test_a_short_token_is_an_identity_for_its_audience_alone(self):
        short = exchange(attested("any", evidence_for(AUDIENCE)))
        claims = identity(short, AUDIENCE)
        self.assertRegex(claims["sub"], "^sgx/[0-9a-f]{64}$")
        self.assertEqual(claims["exp"] - claims["iat"], 600)
        with self.assertRaises(jwt.InvalidAudienceError):
            identity(short, "https://other.example")
        # As an attestation token, which names nobody, it is refused.
        with self.assertRaises(jwt.InvalidAudienceError):
            verify(short)

    def test_tokens_for_others_and_other_audiences_get_nothing(self):
        short = exchange(attested("token-exchange:" + BY_NONCE), BY_NONCE)
        self.assertIn("sub", identity(short, BY_NONCE))
        good = evidence_for(AUDIENCE)
        for token, audience, error in (
            (attested(AUDIENCE), AUDIENCE, "invalid_request"),
            (attested(AUDIENCE, evidence_for("https://other.example")), AUDIENCE, "invalid_request"),
            (attested(AUDIENCE, evidence_for(AUDIENCE, age=400)), AUDIENCE, "invalid_request"),
            (attested(AUDIENCE, good), "https://other.example", "invalid_target"),
            (attested(AUDIENCE, good | {"draftPolicyForAttestation": PERMIT}), AUDIENCE, "invalid_request"),
            (attested(BY_NONCE), BY_NONCE, "invalid_request"),
        ):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                exchange(token, audience)
            self.assertEqual(refused.exception.code, 400)
            self.assertEqual(json.load(refused.exception)["error"], error)


if __name__ == "__main__":
    unittest.main()
