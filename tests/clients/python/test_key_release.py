"""The unmodified SDK for keys against Avouch's vault: keys with release policies, and their release to a
workload that Avouch attested. What was released is opened by independent code.

Environment: as in support.py; AVOUCH_COMMAND names the command that mints evidence.
"""

import asyncio
import json
import secrets
import unittest


from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import (
    ApiVersion, JsonWebKey, KeyClient, KeyExportEncryptionAlgorithm, KeyReleasePolicy)
from azure.keyvault.keys.aio import KeyClient as AsyncKeyClient
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support import CONNECTION, AsyncCredential, Credential, base64url
from workload import VAULT_URL, Workload, der, find_vault, policy

find_vault()
SECRET = secrets.token_bytes(32)
RELEASING = [ApiVersion.V7_3, ApiVersion.V7_4, ApiVersion.V7_5, ApiVersion.V7_6, ApiVersion.V2025_07_01]


def vault(**options):
    return KeyClient(VAULT_URL, Credential(), **CONNECTION, **options)


def name():
    return f"py-{secrets.token_hex(6)}"


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.workload = Workload()
        cls.policy = KeyReleasePolicy(policy(cls.workload.measurement))

    def create(self, client, key_name, **options):
        return client.create_oct_key(
            key_name, size=256, exportable=True, release_policy=self.policy, **options)

    def test_a_key_is_created_listed_updated_and_released(self):
        client, key_name = vault(), name()
        made = self.create(client, key_name, tags={"purpose": "test"})
        self.assertEqual((made.name, made.key_type), (key_name, "oct"))
        self.assertTrue(made.properties.exportable and made.properties.enabled)
        self.assertEqual(made.properties.release_policy.encoded_policy, self.policy.encoded_policy)
        self.assertFalse(made.properties.release_policy.immutable)
        self.assertIn(key_name, [key.name for key in client.list_properties_of_keys()])
        versions = list(client.list_properties_of_key_versions(key_name))
        self.assertEqual([one.version for one in versions], [made.properties.version])

        changed = client.update_key_properties(key_name, enabled=False, tags={"purpose": "other"})
        self.assertEqual((changed.properties.enabled, changed.properties.tags), (False, {"purpose": "other"}))
        token = self.workload.token()
        with self.assertRaises(HttpResponseError) as refused:
            client.release_key(key_name, token)
        self.assertEqual(refused.exception.status_code, 403)
        self.assertIn("disabled", str(refused.exception))

        client.update_key_properties(key_name, made.properties.version, enabled=True)
        released = client.release_key(key_name, token, nonce="a nonce")
        key, shown = self.workload.open(released.value)
        self.assertEqual(len(key), 32)
        self.assertEqual(shown["request"]["nonce"], "a nonce")
        self.assertEqual(shown["request"]["kid"], made.id)
        again, _ = self.workload.open(client.release_key(key_name, token, version=made.properties.version).value)
        self.assertEqual(again, key)

    def test_an_imported_key_of_each_type_comes_out_as_it_went_in(self):
        client, token = vault(), self.workload.token()
        octets = lambda number, length=None: number.to_bytes(
            length or (number.bit_length() + 7) // 8, "big")
        private = rsa.generate_private_key(65537, 3072).private_numbers()
        jwk = JsonWebKey(
            kty="RSA", key_ops=["encrypt", "decrypt"],
            n=octets(private.public_numbers.n), e=octets(private.public_numbers.e),
            d=octets(private.d), p=octets(private.p), q=octets(private.q),
            dp=octets(private.dmp1), dq=octets(private.dmq1), qi=octets(private.iqmp))
        client.import_key("py-rsa", jwk, exportable=True, release_policy=self.policy)
        key, _ = self.workload.open(client.release_key("py-rsa", token).value)
        self.assertEqual(der(key).private_numbers(), private)
        for curve, crv, length in ((ec.SECP256R1(), "P-256", 32), (ec.SECP384R1(), "P-384", 48),
                                   (ec.SECP521R1(), "P-521", 66)):
            numbers = ec.generate_private_key(curve).private_numbers()
            point = numbers.public_numbers
            jwk = JsonWebKey(
                kty="EC", crv=crv, key_ops=["sign", "verify"], x=octets(point.x, length),
                y=octets(point.y, length), d=octets(numbers.private_value, length))
            client.import_key(f"py-{crv}", jwk, exportable=True, release_policy=self.policy)
            key, shown = self.workload.open(client.release_key(f"py-{crv}", token).value)
            self.assertEqual(der(key).private_numbers(), numbers)
            self.assertEqual(shown["response"]["key"]["key"]["x"], base64url(octets(point.x, length)))
        jwk = JsonWebKey(kty="oct", k=SECRET, key_ops=["encrypt", "decrypt"])
        client.import_key("py-oct", jwk, exportable=True, release_policy=self.policy)
        key, _ = self.workload.open(client.release_key("py-oct", token).value)
        self.assertEqual(key, SECRET)

    def test_every_algorithm_opens_and_each_by_its_own_hash(self):
        client, key_name, token = vault(), name(), self.workload.token()
        self.create(client, key_name)
        for algorithm in KeyExportEncryptionAlgorithm:
            with self.subTest(algorithm):
                released = client.release_key(key_name, token, algorithm=algorithm)
                _, shown = self.workload.open(released.value)
                self.assertEqual(shown["request"]["enc"], algorithm.value)

    def test_longer_keys_of_the_workload_open_what_is_wrapped_to_them(self):
        client = vault()
        for bits in (3072, 4096):
            workload, key_name = Workload(bits), name()
            self.create(client, key_name)
            released = client.release_key(key_name, workload.token())
            self.assertEqual(len(workload.open(released.value)[0]), 32)

    def test_every_version_of_the_api_that_releases_keys(self):
        key_name, token = name(), self.workload.token()
        self.create(vault(), key_name)
        for version in ApiVersion:
            with self.subTest(version), vault(api_version=version) as client:
                self.assertEqual(client.get_key(key_name).name, key_name)
                if version in RELEASING:
                    _, shown = self.workload.open(client.release_key(key_name, token).value)
                    self.assertEqual(shown["request"]["api-version"], version.value)

    def test_another_measurement_gets_nothing(self):
        client, key_name = vault(), name()
        self.create(client, key_name)
        measurement = bytearray(bytes.fromhex(self.workload.measurement))
        measurement[-1] ^= 1
        other = Workload(measurement=measurement.hex())
        with self.assertRaises(HttpResponseError) as refused:
            client.release_key(key_name, other.token())
        self.assertEqual(refused.exception.status_code, 403)
        self.assertIn("x-ms-sevsnpvm-launchmeasurement", str(refused.exception))

    def test_an_immutable_policy_stays(self):
        client, key_name = vault(), name()
        immutable = KeyReleasePolicy(policy(self.workload.measurement), immutable=True)
        made = client.create_ec_key(key_name, curve="P-384", exportable=True, release_policy=immutable)
        self.assertTrue(made.properties.release_policy.immutable)
        other = KeyReleasePolicy(policy("00" * 48))
        with self.assertRaises(HttpResponseError) as refused:
            client.update_key_properties(key_name, release_policy=other)
        self.assertEqual(refused.exception.status_code, 400)
        self.workload.open(client.release_key(key_name, self.workload.token()).value)

    def test_a_policy_is_replaced_and_the_new_one_counts(self):
        client, key_name, token = vault(), name(), self.workload.token()
        client.create_rsa_key(
            key_name, size=2048, exportable=True, release_policy=KeyReleasePolicy(policy("00" * 48)))
        with self.assertRaises(HttpResponseError):
            client.release_key(key_name, token)
        client.update_key_properties(key_name, release_policy=self.policy)
        key, _ = self.workload.open(client.release_key(key_name, token).value)
        public = der(key).public_key().public_numbers()
        self.assertEqual(public.n, int.from_bytes(client.get_key(key_name).key.n, "big"))

    def test_a_deleted_key_is_recovered_and_purged(self):
        client, key_name = vault(), name()
        self.create(client, key_name)
        deleted = client.begin_delete_key(key_name).result()
        self.assertTrue(deleted.recovery_id.endswith(f"/deletedkeys/{key_name}"))
        self.assertIn(key_name, [key.name for key in client.list_deleted_keys()])
        with self.assertRaises(ResourceNotFoundError):
            client.get_key(key_name)
        with self.assertRaises(ResourceExistsError):
            self.create(client, key_name)
        recovered = client.begin_recover_deleted_key(key_name).result()
        self.assertEqual(recovered.name, key_name)
        client.begin_delete_key(key_name).wait()
        client.purge_deleted_key(key_name)
        with self.assertRaises(ResourceNotFoundError):
            client.get_deleted_key(key_name)

    def test_lists_go_on_over_pages(self):
        client, prefix = vault(), name()
        for index in range(30):
            client.create_oct_key(f"{prefix}-{index}", size=128)
        names = [key.name for key in client.list_properties_of_keys(max_page_size=7)]
        self.assertEqual(len([one for one in names if one.startswith(prefix)]), 30)

    def test_random_bytes(self):
        client = vault()
        self.assertEqual(len(client.get_random_bytes(32)), 32)
        self.assertNotEqual(client.get_random_bytes(32), client.get_random_bytes(32))

    def test_what_the_vault_does_not_do_is_said(self):
        client, key_name = vault(), name()
        self.create(client, key_name)
        with self.assertRaises(HttpResponseError) as refused:
            client.backup_key(key_name)
        self.assertEqual(refused.exception.status_code, 501)
        self.assertIn("releases them", str(refused.exception))

    def test_a_token_that_nobody_signed_gets_nothing(self):
        client, key_name = vault(), name()
        self.create(client, key_name)
        header, payload, signature = self.workload.token().split(".")
        none = base64url(json.dumps({"alg": "none"}).encode())
        for token in (f"{none}.{payload}.", f"{header}.{payload}.{signature[:-4]}AAAA"):
            with self.assertRaises(HttpResponseError) as refused:
                client.release_key(key_name, token)
            self.assertEqual(refused.exception.status_code, 403)


class AsyncKeys(unittest.TestCase):
    def test_the_asynchronous_client_does_the_same(self):
        async def run():
            workload, key_name = Workload(), name()
            release_policy = KeyReleasePolicy(policy(workload.measurement))
            async with AsyncKeyClient(VAULT_URL, AsyncCredential(), **CONNECTION) as client:
                made = await client.create_ec_key(
                    key_name, curve="P-256", exportable=True, hardware_protected=True,
                    release_policy=release_policy)
                names = [key.name async for key in client.list_properties_of_keys()]
                self.assertIn(key_name, names)
                await client.update_key_properties(key_name, tags={"a": "b"})
                self.assertEqual((await client.get_key(key_name)).properties.tags, {"a": "b"})
                released = await client.release_key(key_name, workload.token(), nonce="n")
                key, shown = workload.open(released.value)
                self.assertEqual(shown["response"]["key"]["key"]["kty"], "EC-HSM")
                self.assertEqual(shown["request"]["nonce"], "n")
                public = der(key).public_key().public_numbers()
                self.assertEqual(public.x, int.from_bytes(made.key.x, "big"))
                deleting = await client.delete_key(key_name)
                self.assertEqual(deleting.name, key_name)

        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
