"""The unmodified Python SDK against a running Avouch, with the SDK's own token validation on.

Environment: as in support.py; AVOUCH_RECORDED_URL names a server that judges at a pinned time and
AVOUCH_RECORDED a folder of recorded exchanges with the real service.
"""

import asyncio
import json
import os
import pathlib
import unittest

from azure.core.exceptions import HttpResponseError
from azure.security.attestation import AttestationAdministrationClient, AttestationType
from azure.security.attestation.aio import AttestationClient as AsyncAttestationClient
from support import CONNECTION, URL, AsyncCredential, Credential, client, evidence, unpadded

RECORDED_URL = os.environ.get("AVOUCH_RECORDED_URL")
RECORDED = pathlib.Path(os.environ.get("AVOUCH_RECORDED", "."))

VALIDATION = {"validate_token": True, "validate_issuer": True}
PERMIT = "version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type=\"drafted\", value=7);};"
DENY = "version=1.0; authorizationrules{[type==\"x-ms-sgx-is-debuggable\", value==true] => permit();};"


def attest(case, service=None, **options):
    """Attests a minted case by the method for its kind; returns result and token."""
    service = service or client()
    data, held = evidence(case)
    held.update(options)
    method = service.attest_open_enclave if case.startswith("open-enclave") else service.attest_sgx_enclave
    return method(data, issuer=URL, **VALIDATION, **held)


class Attest(unittest.TestCase):
    def test_sgx_and_open_enclave_with_json_runtime_data(self):
        for case in ("sgx-json", "open-enclave-json"):
            with self.subTest(case):
                result, token = attest(case)
                _, held = evidence(case)
                self.assertEqual(result.runtime_claims, json.loads(held["runtime_json"]))
                self.assertIsNone(result.enclave_held_data)
                self.assertFalse(result.is_debuggable)
                self.assertEqual(result.issuer, URL)
                self.assertEqual(result.verifier_type, "sgx")
                self.assertEqual(token.algorithm, "RS256")
                self.assertEqual(token.key_url, URL + "/certs")
                self.assertEqual((token.expires - token.issued).total_seconds(), 28800)
                self.assertEqual(len(result.mr_enclave), 64)
                self.assertEqual(set(result.policy_claims), {
                    "is-debuggable", "product-id", "sgx-mrenclave", "sgx-mrsigner", "svn", "tee"})

    def test_sgx_and_open_enclave_with_binary_runtime_data(self):
        for case in ("sgx-binary", "open-enclave-binary"):
            with self.subTest(case):
                result, _ = attest(case)
                _, held = evidence(case)
                self.assertEqual(result.enclave_held_data, held["runtime_data"])
                self.assertIsNone(result.runtime_claims)

    def test_without_runtime_data(self):
        data, _ = evidence("sgx-json")
        result, _ = client().attest_sgx_enclave(data, issuer=URL, **VALIDATION)
        self.assertIsNone(result.runtime_claims)

    def test_draft_policy_gives_an_unsecured_token_with_what_it_issues(self):
        for case in ("sgx-json", "open-enclave-binary"):
            with self.subTest(case):
                result, token = attest(case, draft_policy=PERMIT)
                self.assertEqual(token.algorithm, "none")
                self.assertEqual(result.policy_claims, {"drafted": 7})
                self.assertIsNone(result.policy_signer)

    def test_draft_policy_that_does_not_permit_is_refused(self):
        with self.assertRaises(HttpResponseError) as refused:
            attest("sgx-json", draft_policy=DENY)
        self.assertEqual(refused.exception.status_code, 400)
        self.assertEqual(refused.exception.error.code, "PolicyEvaluationError")
        self.assertIn("Policy Evaluation Error has occurred", str(refused.exception))
        self.assertIn("No Permit claim was issued in the authorizationrules section, authorization failed.",
                      str(refused.exception))

    def test_draft_policy_that_does_not_parse_is_refused_with_its_place(self):
        with self.assertRaises(HttpResponseError) as refused:
            attest("sgx-json", draft_policy="version=1.0; authorizationrules{=> permit() };")
        self.assertEqual(refused.exception.error.code, "PolicyParsingError")
        self.assertIn("Line: '1'", str(refused.exception))

    def test_wrong_runtime_data_is_refused(self):
        for case in ("sgx-json", "open-enclave-json"):
            data, _ = evidence(case)
            service = client()
            method = service.attest_open_enclave if case.startswith("open") else service.attest_sgx_enclave
            for wrong in ({"runtime_json": b'{"other": true}'}, {"runtime_data": b"other"}):
                with self.subTest(case, wrong=wrong), self.assertRaises(HttpResponseError) as refused:
                    method(data, **wrong)
                self.assertEqual(refused.exception.status_code, 400)
                self.assertEqual(refused.exception.error.code, "InvalidParameter")
                self.assertIn("runtime-data", str(refused.exception))

    def test_tampered_evidence_is_refused(self):
        data, held = evidence("sgx-json")
        tampered = data[:112] + bytes([data[112] ^ 1]) + data[113:]
        with self.assertRaises(HttpResponseError) as refused:
            client().attest_sgx_enclave(tampered, **held)
        self.assertEqual(refused.exception.status_code, 400)

    def test_certificates_and_metadata(self):
        signers = client().get_signing_certificates()
        self.assertGreaterEqual(len(signers), 1)
        self.assertIn("BEGIN CERTIFICATE", signers[0].certificates[0])
        metadata = client().get_open_id_metadata()
        self.assertEqual(metadata["issuer"], URL)
        self.assertEqual(metadata["jwks_uri"], URL + "/certs")

    def test_default_policies_are_read_with_a_token_of_the_service(self):
        administration = AttestationAdministrationClient(URL, Credential(), **CONNECTION)
        for kind in (AttestationType.SGX_ENCLAVE, AttestationType.OPEN_ENCLAVE):
            policy, token = administration.get_policy(kind, issuer=URL, **VALIDATION)
            self.assertTrue(policy.startswith("version= 1.0;authorizationrules{=> permit();};"))
            self.assertEqual((token.expires - token.issued).total_seconds(), 3600)


class AttestAsync(unittest.TestCase):
    def test_all_kinds(self):
        async def run():
            async with AsyncAttestationClient(URL, AsyncCredential(), **CONNECTION) as service:
                for case in ("sgx-json", "sgx-binary"):
                    data, held = evidence(case)
                    result, token = await service.attest_sgx_enclave(data, issuer=URL, **VALIDATION, **held)
                    self.assertEqual(token.algorithm, "RS256")
                    self.assertEqual(result.issuer, URL)
                for case in ("open-enclave-json", "open-enclave-binary"):
                    data, held = evidence(case)
                    result, token = await service.attest_open_enclave(data, issuer=URL, **VALIDATION, **held)
                    self.assertEqual(token.algorithm, "RS256")
                data, held = evidence("sgx-json")
                _, token = await service.attest_sgx_enclave(data, draft_policy=PERMIT, **held)
                self.assertEqual(token.algorithm, "none")
                with self.assertRaises(HttpResponseError) as refused:
                    await service.attest_sgx_enclave(data, runtime_data=b"other")
                self.assertEqual(refused.exception.status_code, 400)
                self.assertGreaterEqual(len(await service.get_signing_certificates()), 1)
                metadata = await service.get_open_id_metadata()
                self.assertEqual(metadata["issuer"], URL)
        asyncio.run(run())


# What no replay can reproduce: times, ids, the issuer, and collateral of another day.
NOT_COMPARED = {"exp", "iat", "nbf", "jti", "iss"}
COLLATERAL = {"maa-attestationcollateral", "x-ms-sgx-collateral"}


@unittest.skipUnless(RECORDED_URL, "no recorded exchanges are at hand")
class Recorded(unittest.TestCase):
    """Recorded evidence gives the claims of Microsoft's token, name by name and value by value."""

    def test_recorded_exchanges(self):
        files = sorted(RECORDED.glob("recorded-*.json"))
        self.assertGreaterEqual(len(files), 6)
        service = client(RECORDED_URL)
        for file in files:
            with self.subTest(file.name):
                self.replay(service, json.loads(file.read_text()))

    def replay(self, service, exchange):
        body = exchange["request"]["body"]
        held = {}
        if "runtimeData" in body:
            keyword = {"JSON": "runtime_json", "Binary": "runtime_data"}[body["runtimeData"]["dataType"]]
            held[keyword] = unpadded(body["runtimeData"]["data"])
        recorded = exchange["decoded"]["payload"]
        draft = body.get("draftPolicyForAttestation")
        # The recorded provider may have had a policy of its own, which issued nothing.
        if draft is None and "sgx-mrenclave" not in recorded:
            draft = "version=1.0; authorizationrules{=> permit();}; issuancerules{};"
        if "report" in body:
            result, token = service.attest_open_enclave(unpadded(body["report"]), draft_policy=draft, **held)
        else:
            result, token = service.attest_sgx_enclave(unpadded(body["quote"]), draft_policy=draft, **held)
        claims = json.loads(unpadded(token.to_jwt_string().split(".")[1]))
        # Tokens of 2021 did not repeat the issued claims in `x-ms-policy`.
        claims.pop("x-ms-policy", None)
        for name in NOT_COMPARED:
            self.assertIn(name, claims)
            claims.pop(name), recorded.pop(name)
        for name in COLLATERAL:
            ours, theirs = claims.pop(name), recorded.pop(name)
            self.assertEqual(ours["quotehash"], theirs["quotehash"])
            self.assertEqual(set(ours), set(theirs))
        recorded.pop("x-ms-policy-signer", None)
        self.assertEqual(claims, recorded)


if __name__ == "__main__":
    unittest.main()
