"""PyJWT as a relying party that knows nothing but a provider's URL.

Environment: as in support.py.
"""

import json
import ssl
import unittest
import urllib.request

import jwt
from jwt import PyJWKClient
from support import CA, URL
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


if __name__ == "__main__":
    unittest.main()
