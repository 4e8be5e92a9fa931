"""Policies and policy certificates by the unmodified Python SDK, synchronous and asynchronous, on
providers of both trust models, with the SDK's own validation of result tokens on.

Environment: as in support.py.
"""

import unittest

from azure.core.exceptions import HttpResponseError
from azure.security.attestation import (
    AttestationAdministrationClient,
    AttestationTokenValidationException,
    AttestationType,
    CertificateModification,
    PolicyModification,
)
from azure.security.attestation.aio import AttestationAdministrationClient as AsyncAdministrationClient
from cryptography.hazmat.primitives.asymmetric import ec
from management import create
from pki import Holder, ec_key, rsa_key
from support import (
    CONNECTION,
    AsyncCredential,
    Credential,
    base64url,
    claims_of,
    client,
    evidence,
    hash_of,
    policy_hash,
)

SGX = AttestationType.SGX_ENCLAVE
NO_POLICY = "eyJhbGciOiJub25lIn0.."
DEFAULT_POLICY = "version= 1.0;authorizationrules{=> permit();};issuancerules{"


def policy(value):
    """A policy that shows in the claims which one it is."""
    return f'version=1.0; authorizationrules{{=> permit();}}; issuancerules{{=> issue(type="which", value="{value}");}};'


class Awaitable:
    """A synchronous client in the shape of an asynchronous one, so that one test drives both."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        method = getattr(self._client, name)

        async def call(*arguments, **options):
            return method(*arguments, **options)

        return call

    async def close(self):
        self._client.close()


class Sent:
    """Keeps what the SDK sends to the policy routes; may replace it on the way."""

    def __init__(self):
        self.last, self.replace = None, None

    def __call__(self, request):
        http = request.http_request
        if http.method in ("PUT", "POST") and "/policies/" in http.url:
            if self.replace:
                http.set_text_body(self.replace(http.body))
            self.last = http.body


async def attest(provider, case="sgx-json"):
    """Attests through a provider; returns the claims of its token."""
    data, held = evidence(case)
    service = client(provider.properties.attest_uri)
    method = service.attest_open_enclave if case.startswith("open") else service.attest_sgx_enclave
    options = {"validate_token": True, "validate_issuer": True, "issuer": provider.properties.attest_uri}
    _, token = method(data, **held, **options)
    return claims_of(token)


class Administration:
    """The tests; a class below says which client they drive, and whether it can sign with EC keys."""

    @classmethod
    def setUpClass(cls):
        cls.rsa = Holder("rsa signer", rsa_key())
        cls.ec = Holder("ec signer", ec_key())
        cls.p384 = Holder("p-384 signer", ec_key(ec.SECP384R1))
        cls.leaf = Holder("leaf under the rsa signer", rsa_key(), issuer=cls.rsa, is_ca=False)
        cls.ec_leaf = Holder("ec leaf under the ec signer", ec_key(), issuer=cls.ec, is_ca=False)
        cls.other_rsa = Holder("another rsa signer", rsa_key())
        # Which of them this client can sign with.
        able = (cls.rsa, cls.ec, cls.p384, cls.leaf, cls.ec_leaf) if cls.signs_with_ec else (cls.rsa, cls.leaf)
        cls.able = able
        cls.stranger = Holder("rsa signer", rsa_key())
        cls.aad = create()
        cls.isolated = create(signers=[("RSA", cls.rsa)])

    def administration(self, provider, **options):
        """A client of a provider, and what it sends."""
        sent, url = Sent(), provider.properties.attest_uri
        validation = {"validate_token": True, "validate_issuer": True, "issuer": url}
        client = self.make(url, **CONNECTION, **{**validation, **options}, raw_request_hook=sent)
        self.addAsyncCleanup(client.close)
        return client, sent

    async def refused(self, call, code, *words):
        with self.assertRaises(HttpResponseError) as refused:
            await call
        self.assertEqual(refused.exception.status_code, 400)
        self.assertEqual(refused.exception.error.code, code)
        for word in words:
            self.assertIn(word, str(refused.exception))

    async def set_and_read_back(self, provider, text, signer=None, kind=SGX, case="sgx-json"):
        """Sets a policy; result token, stored text and the next attestation must all tell of it."""
        client, sent = self.administration(provider)
        result, token = await client.set_policy(kind, text, **(signer.signing if signer else {}))
        self.assertEqual(result.policy_resolution, PolicyModification.UPDATED)
        self.assertEqual(claims_of(token)["x-ms-policy-token-hash"], hash_of(sent.last))
        self.assertEqual(base64url(bytes(result.policy_token_hash)), hash_of(sent.last))
        if signer:
            self.assertEqual(result.policy_signer.certificates[0].strip(), signer.pem.strip())
        else:
            self.assertIsNone(result.policy_signer)

        read, token = await client.get_policy(kind)
        self.assertEqual(read, text)
        self.assertEqual(claims_of(token)["x-ms-policy"], sent.last)

        claims = await attest(provider, case)
        self.assertEqual(claims["x-ms-policy-hash"], policy_hash(text))
        self.assertEqual(claims.get("x-ms-policy-signer", {}).get("x5c"), [signer.x5c] if signer else None)
        return claims

    async def test_a_new_provider_has_the_default_policies(self):
        client, _ = self.administration(create())
        for kind in (SGX, AttestationType.OPEN_ENCLAVE):
            text, token = await client.get_policy(kind)
            self.assertTrue(text.startswith(DEFAULT_POLICY), text)
            self.assertEqual(token.algorithm, "RS256")

    async def test_types_without_a_default_have_no_policy_until_one_is_set(self):
        client, sent = self.administration(create())
        for kind in (AttestationType.TPM, "KeyGuard"):
            text, token = await client.get_policy(kind)
            self.assertEqual((text, claims_of(token)["x-ms-policy"]), ("", NO_POLICY))
            await client.set_policy(kind, policy(kind), **self.rsa.signing)
            text, token = await client.get_policy(kind)
            self.assertEqual((text, claims_of(token)["x-ms-policy"]), (policy(kind), sent.last))
            await client.reset_policy(kind)
            self.assertEqual((await client.get_policy(kind))[0], "")

    async def test_the_sdk_refuses_results_of_another_issuer(self):
        client, _ = self.administration(self.aad, issuer="https://other.example.org")
        with self.assertRaises(AttestationTokenValidationException):
            await client.get_policy(SGX)

    async def test_an_aad_provider_takes_unsigned_policies_and_resets(self):
        provider = create()
        claims = await self.set_and_read_back(provider, policy("unsigned"))
        self.assertEqual(claims["which"], "unsigned")

        client, _ = self.administration(provider)
        result, token = await client.reset_policy(SGX)
        self.assertEqual(result.policy_resolution, PolicyModification.REMOVED)
        self.assertEqual(
            {name for name in claims_of(token) if name.startswith("x-ms-policy")}, {"x-ms-policy-result"}
        )
        text, _ = await client.get_policy(SGX)
        self.assertTrue(text.startswith(DEFAULT_POLICY), text)
        self.assertNotIn("which", await attest(provider))

    async def test_an_aad_provider_takes_policies_signed_by_any_rsa_or_ec_key(self):
        client, _ = self.administration(self.aad)
        for signer in self.able:
            value = signer.certificate.subject.rfc4514_string()
            with self.subTest(value):
                claims = await self.set_and_read_back(self.aad, policy(value), signer)
                self.assertEqual(claims["which"], value)
                result, _ = await client.reset_policy(SGX, **signer.signing)
                self.assertEqual(result.policy_resolution, PolicyModification.REMOVED)

    async def test_the_two_enclave_types_have_policies_of_their_own(self):
        provider = create()
        await self.set_and_read_back(provider, policy("sgx"))
        self.assertNotIn("which", await attest(provider, "open-enclave-json"))
        claims = await self.set_and_read_back(
            provider, policy("open enclave"), self.rsa, AttestationType.OPEN_ENCLAVE, "open-enclave-json"
        )
        self.assertEqual(claims["which"], "open enclave")
        self.assertEqual((await attest(provider))["which"], "sgx")

    async def test_a_policy_that_does_not_permit_refuses_the_next_attestation(self):
        provider = create()
        client, _ = self.administration(provider)
        await client.set_policy(SGX, "version=1.0; authorizationrules{=> deny();}; issuancerules{};")
        await self.refused(attest(provider), "PolicyEvaluationError", "A Deny claim was issued")

    async def test_a_policy_that_does_not_parse_is_refused_with_its_position(self):
        for provider, signing in ((self.aad, {}), (self.isolated, self.rsa.signing)):
            client, _ = self.administration(provider)
            before, _ = await client.get_policy(SGX)
            wrong = "version=1.0;\nauthorizationrules{=> permit() };\nissuancerules{};"
            setting = client.set_policy(SGX, wrong, **signing)
            await self.refused(setting, "PolicyParsingError", "Line: '2'", "Column")
            self.assertEqual((await client.get_policy(SGX))[0], before)

    async def test_a_signed_policy_that_was_changed_on_the_way_is_refused(self):
        client, sent = self.administration(self.aad)

        def change(body):
            header, _, signature = body.split(".")
            other = base64url(b'{"AttestationPolicy": "%s"}' % base64url(policy("changed").encode()).encode())
            return ".".join((header, other, signature))

        sent.replace = change
        for signer in self.able:
            with self.subTest(signer.certificate.subject), self.assertRaises(HttpResponseError) as refused:
                await client.set_policy(SGX, policy("true"), **signer.signing)
            self.assertEqual(refused.exception.status_code, 400)

    async def test_an_isolated_provider_takes_what_its_signers_or_those_under_them_sign(self):
        provider = create(signers=[("RSA", self.rsa), ("EC", self.ec), ("EC", self.p384)])
        for signer in self.able:
            value = signer.certificate.subject.rfc4514_string()
            with self.subTest(value):
                claims = await self.set_and_read_back(provider, policy(value), signer)
                self.assertEqual(claims["which"], value)
                client, _ = self.administration(provider)
                result, _ = await client.reset_policy(SGX, **signer.signing)
                self.assertEqual(result.policy_resolution, PolicyModification.REMOVED)
                self.assertNotIn("which", await attest(provider))

    async def test_an_isolated_provider_refuses_unsigned_policies_and_those_of_strangers(self):
        client, _ = self.administration(self.isolated)
        before, _ = await client.get_policy(SGX)
        unsigned = "Unsigned JWS specified but enclave is configured with signing certificates"
        await self.refused(client.set_policy(SGX, policy("unsigned")), "InvalidOperation", unsigned)
        await self.refused(client.reset_policy(SGX), "InvalidOperation", unsigned)
        # The stranger's certificate bears the same name, so only its key tells.
        strangers = (self.stranger, self.ec, self.p384, self.ec_leaf) if self.signs_with_ec else (self.stranger,)
        for signer in strangers:
            setting = client.set_policy(SGX, policy("of a stranger"), **signer.signing)
            await self.refused(setting, "InvalidParameter")
            await self.refused(client.reset_policy(SGX, **signer.signing), "InvalidParameter")
        self.assertEqual((await client.get_policy(SGX))[0], before)

    async def test_policy_certificates_are_listed_added_and_removed(self):
        provider = create(signers=[("RSA", self.rsa)])
        client, _ = self.administration(provider)
        listed = [self.rsa.pem]
        self.assertEqual(await self.listed(client), listed)
        second = self.ec if self.signs_with_ec else self.other_rsa
        for added in (second, self.p384):
            for _ in range(2):
                result, _ = await client.add_policy_management_certificate(added.pem, **self.rsa.signing)
                self.assertEqual(result.certificate_resolution, CertificateModification.IS_PRESENT)
                self.assertEqual(result.certificate_thumbprint, added.thumbprint)
            listed.append(added.pem)
            self.assertEqual(sorted(await self.listed(client)), sorted(listed))
        await self.set_and_read_back(provider, policy("of the second signer"), second)

        for _ in range(2):
            result, _ = await client.remove_policy_management_certificate(self.rsa.pem, **second.signing)
            self.assertEqual(result.certificate_resolution, CertificateModification.IS_ABSENT)
            self.assertEqual(result.certificate_thumbprint, self.rsa.thumbprint)
        await self.refused(client.set_policy(SGX, policy("removed"), **self.rsa.signing), "InvalidParameter")
        adding = client.add_policy_management_certificate(self.rsa.pem, **self.rsa.signing)
        await self.refused(adding, "InvalidParameter")

        await client.remove_policy_management_certificate(self.p384.pem, **second.signing)
        last = client.remove_policy_management_certificate(second.pem, **second.signing)
        await self.refused(last, "InvalidOperation")
        self.assertEqual(await self.listed(client), [second.pem])

    async def test_strangers_change_no_policy_certificates(self):
        client, _ = self.administration(self.isolated)
        for method in ("add_policy_management_certificate", "remove_policy_management_certificate"):
            call = getattr(client, method)(self.rsa.pem, **self.stranger.signing)
            await self.refused(call, "InvalidParameter")
        self.assertEqual(await self.listed(client), [self.rsa.pem])

    async def test_an_aad_provider_has_no_policy_certificates_and_takes_none(self):
        client, _ = self.administration(self.aad)
        self.assertEqual(await self.listed(client), [])
        for method in ("add_policy_management_certificate", "remove_policy_management_certificate"):
            call = getattr(client, method)(self.rsa.pem, **self.rsa.signing)
            await self.refused(call, "InvalidOperation", "The operation is disallowed")

    async def listed(self, client):
        chains, _ = await client.get_policy_management_certificates()
        return [chain[0] for chain in chains]


class Synchronous(Administration, unittest.IsolatedAsyncioTestCase):
    signs_with_ec = True

    def make(self, url, **options):
        return Awaitable(AttestationAdministrationClient(url, Credential(), **options))


class Asynchronous(Administration, unittest.IsolatedAsyncioTestCase):
    # It takes keys as PEM only, and then fails by itself: see `EcKeyForTheSdk`.
    signs_with_ec = False

    def make(self, url, **options):
        return AsyncAdministrationClient(url, AsyncCredential(), **options)


if __name__ == "__main__":
    unittest.main()
