"""PyJWT as a relying party that knows nothing but a provider's URL.

Environment: as in support.py.
"""

import json
import ssl
import unittest
import urllib.error
import urllib.parse
import urllib.request

import jwt
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
        signed, signature = token.rsplit(".", 1)
        first = "B" if signature[0] == "A" else "A"
        with self.assertRaises(jwt.InvalidSignatureError):
            verify(signed + "." + first + signature[1:])

    def test_the_unsecured_token_of_a_draft_is_refused(self):
        token = token_of("sgx-json", draft_policy=PERMIT)
        self.assertEqual(jwt.get_unverified_header(token)["alg"], "none")
        with self.assertRaises((jwt.PyJWTError, jwt.exceptions.PyJWKClientError)):
            verify(token)


AUDIENCE = "https://sts.example"


def attested(nonce):
    """An attestation token with a nonce, which the SDK does not send."""
    body = json.loads((MINTED / "sgx-json" / "request.json").read_text()) | {"nonce": nonce}
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
        short = exchange(attested(AUDIENCE))
        claims = identity(short, AUDIENCE)
        self.assertRegex(claims["sub"], "^sgx/[0-9a-f]{64}$")
        self.assertEqual(claims["exp"] - claims["iat"], 600)
        with self.assertRaises(jwt.InvalidAudienceError):
            identity(short, "https://other.example")
        # As an attestation token, which names nobody, it is refused.
        with self.assertRaises(jwt.InvalidAudienceError):
            verify(short)

    def test_tokens_for_others_and_other_audiences_get_nothing(self):
        for token, audience, error in (
            (attested("https://other.example"), AUDIENCE, "invalid_request"),
            (attested(AUDIENCE), "https://other.example", "invalid_target"),
        ):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                exchange(token, audience)
            self.assertEqual(refused.exception.code, 400)
            self.assertEqual(json.load(refused.exception)["error"], error)


if __name__ == "__main__":
    unittest.main()
