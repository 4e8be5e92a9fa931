"""Providers by the unmodified Python management SDK (api-version 2021-06-01).

Environment: as in support.py.
"""

import asyncio
import unittest
import uuid

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.mgmt.attestation import models
from azure.mgmt.attestation.aio import AttestationManagementClient as AsyncManagementClient
from azure.security.attestation import AttestationAdministrationClient, AttestationType
from management import GROUP, LOCATION, SUBSCRIPTION, create, creation, free_name, management
from pki import Holder, ec_key, rsa_key
from support import CONNECTION, URL, AsyncCredential, Credential, client, evidence

PERMIT = 'version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="own", value=1);};'


def administration(provider):
    return AttestationAdministrationClient(provider.properties.attest_uri, Credential(), **CONNECTION)


class Providers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = management()
        cls.providers = cls.client.attestation_providers
        cls.rsa = Holder("rsa signer", rsa_key())
        cls.ec = Holder("ec signer", ec_key())

    def test_a_provider_without_certificates_is_of_trust_model_aad(self):
        for keys in (None, models.JSONWebKeySet(keys_property=[])):
            name = free_name()
            parameters = creation(tags={"team": "attestation"})
            parameters.properties.policy_signing_certificates = keys
            created = self.providers.create(GROUP, name, parameters)
            self.assertEqual(created.name, name)
            self.assertEqual(created.type, "Microsoft.Attestation/attestationProviders")
            self.assertEqual(created.id, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
                                         f"/providers/Microsoft.Attestation/attestationProviders/{name}")
            self.assertEqual(created.location, LOCATION)
            self.assertEqual(created.tags, {"team": "attestation"})
            self.assertEqual(created.properties.trust_model, "AAD")
            self.assertEqual(created.properties.status, "Ready")
            self.assertEqual(created.properties.attest_uri, f"{URL}/providers/{name}")
            self.assertEqual(self.providers.get(GROUP, name), created)

    def test_a_provider_with_certificates_is_isolated_and_holds_them(self):
        created = create(signers=[("RSA", self.rsa), ("EC", self.ec)])
        self.assertEqual(created.properties.trust_model, "Isolated")
        chains, _ = administration(created).get_policy_management_certificates()
        self.assertEqual(sorted(chain[0] for chain in chains), sorted([self.rsa.pem, self.ec.pem]))

    def test_the_answer_to_a_creation_is_201_with_the_place_of_the_provider(self):
        answers = []
        created = self.providers.create(
            GROUP, free_name(), creation(), raw_response_hook=lambda one: answers.append(one.http_response)
        )
        self.assertEqual(answers[-1].status_code, 201)
        self.assertEqual(answers[-1].headers["location"], created.properties.attest_uri + "/")

    def test_a_certificate_that_is_none_or_has_a_short_key_is_refused(self):
        # No policy under a key of 1024 bits would be taken.
        short = Holder("short key", rsa_key(1024)).x5c
        for x5c in (["AAAA"], ["not base64"], [], [short]):
            parameters = creation()
            key = models.JSONWebKey(kty="RSA", x5_c=x5c)
            parameters.properties.policy_signing_certificates = models.JSONWebKeySet(keys_property=[key])
            name = free_name()
            with self.subTest(x5c), self.assertRaises(HttpResponseError) as refused:
                self.providers.create(GROUP, name, parameters)
            self.assertEqual(refused.exception.status_code, 400)
            self.assertTrue(refused.exception.error.code)
            self.assertTrue(refused.exception.error.message)
            with self.assertRaises(ResourceNotFoundError):
                self.providers.get(GROUP, name)

    def test_names_that_are_none_are_refused(self):
        for name in ("ab", "a" * 25, "under_score", "dot.ted"):
            with self.subTest(name), self.assertRaises(HttpResponseError) as refused:
                self.providers.create(GROUP, name, creation())
            self.assertIn(refused.exception.status_code, (400, 404))

    def test_a_name_is_taken_in_every_group_subscription_and_case(self):
        created = create()
        for client, group, name in (
            (self.client, "another-group", created.name),
            (management(str(uuid.uuid4())), GROUP, created.name),
            (management(str(uuid.uuid4())), GROUP, created.name.upper()),
        ):
            with self.subTest(group, name=name), self.assertRaises(ResourceExistsError):
                client.attestation_providers.create(group, name, creation())
        # Still the first one's.
        self.assertEqual(self.providers.get(GROUP, created.name), created)

    def test_the_trust_model_of_a_provider_cannot_be_changed(self):
        created = create()
        with self.assertRaises(ResourceExistsError):
            create(created.name, signers=[("RSA", self.rsa)])
        self.assertEqual(self.providers.get(GROUP, created.name).properties.trust_model, "AAD")
        chains, _ = administration(created).get_policy_management_certificates()
        self.assertEqual(chains, [])

    def test_names_and_groups_are_found_in_any_case(self):
        created = create()
        self.assertEqual(self.providers.get(GROUP.upper(), created.name.upper()), created)

    def test_tags_and_switches_can_be_changed(self):
        created = create(tags={"stage": "test"})
        self.assertIsNone(created.properties.tpm_attestation_authentication)

        update = models.AttestationServicePatchParams(tags={"stage": "live", "cost": "7"})
        updated = self.providers.update(GROUP, created.name, update)
        self.assertEqual(updated.tags, {"stage": "live", "cost": "7"})
        self.assertEqual(updated.properties, created.properties)

        for name in ("tpm_attestation_authentication", "public_network_access"):
            for value in ("Disabled", "Enabled"):
                specific = models.AttestationServicePatchSpecificParams(**{name: value})
                update = models.AttestationServicePatchParams(properties=specific)
                updated = self.providers.update(GROUP, created.name, update)
                self.assertEqual(getattr(updated.properties, name), value)
                self.assertEqual(updated.tags, {"stage": "live", "cost": "7"})
                self.assertEqual(self.providers.get(GROUP, created.name), updated)

    def test_a_switch_can_be_set_at_creation_and_not_to_anything_else(self):
        created = create(tpm_attestation_authentication="Disabled")
        self.assertEqual(created.properties.tpm_attestation_authentication, "Disabled")
        self.assertIsNone(created.properties.public_network_access)
        with self.assertRaises(HttpResponseError) as refused:
            create(tpm_attestation_authentication="Perhaps")
        self.assertEqual(refused.exception.status_code, 400)

    def test_a_provider_that_is_not_there_cannot_be_changed(self):
        with self.assertRaises(ResourceNotFoundError):
            self.providers.update(GROUP, free_name(), models.AttestationServicePatchParams(tags={"a": "b"}))

    def test_providers_are_listed_by_subscription_and_by_group(self):
        own = management(str(uuid.uuid4())).attestation_providers
        here = {own.create("one", free_name(), creation()).id for _ in range(2)}
        there = {own.create("two", free_name(), creation(signers=[("RSA", self.rsa)])).id}
        ids = lambda result: {provider.id for provider in result.value}
        self.assertEqual(ids(own.list()), here | there)
        self.assertEqual(ids(own.list_by_resource_group("one")), here)
        self.assertEqual(ids(own.list_by_resource_group("two")), there)
        self.assertEqual(ids(own.list_by_resource_group("three")), set())

    def test_a_deleted_provider_is_gone_and_its_name_is_free_without_its_policy(self):
        created = create()
        administration(created).set_policy(AttestationType.SGX_ENCLAVE, PERMIT)
        self.assertIsNone(self.providers.delete(GROUP, created.name))
        with self.assertRaises(ResourceNotFoundError):
            self.providers.get(GROUP, created.name)
        self.assertNotIn(created.id, [one.id for one in self.providers.list().value])
        data, held = evidence("sgx-json")
        with self.assertRaises(ResourceNotFoundError):
            client(created.properties.attest_uri).attest_sgx_enclave(data, **held)
        # Absent is no failure.
        self.assertIsNone(self.providers.delete(GROUP, created.name))

        again = create(created.name)
        text, _ = administration(again).get_policy(AttestationType.SGX_ENCLAVE)
        self.assertNotIn("own", text)

    def test_default_providers_are_read(self):
        (default,) = self.providers.list_default().value
        self.assertEqual(default.properties.attest_uri, URL)
        self.assertEqual(default.properties.trust_model, "AAD")
        for location in (default.location, "Central US", "westeurope"):
            with self.subTest(location):
                found = self.providers.get_default_by_location(location)
                self.assertEqual(found.properties.attest_uri, URL)

    def test_private_endpoint_connections_are_kept(self):
        created = create()
        connections = self.client.private_endpoint_connections
        self.assertEqual(list(connections.list(GROUP, created.name)), [])
        for status in ("Pending", "Approved"):
            state = models.PrivateLinkServiceConnectionState(status=status, description="for tests")
            properties = models.PrivateEndpointConnectionProperties(private_link_service_connection_state=state)
            wanted = models.PrivateEndpointConnection(properties=properties)
            made = connections.create(GROUP, created.name, "first", wanted)
            self.assertEqual(made.name, "first")
            self.assertEqual(made.properties.private_link_service_connection_state, state)
            self.assertEqual(made.properties.provisioning_state, "Succeeded")
            self.assertEqual(connections.get(GROUP, created.name, "first"), made)
            self.assertEqual(list(connections.list(GROUP, created.name)), [made])
        shown = self.providers.get(GROUP, created.name).properties.private_endpoint_connections
        self.assertEqual([one.name for one in shown], ["first"])

        self.assertIsNone(connections.delete(GROUP, created.name, "first"))
        with self.assertRaises(ResourceNotFoundError):
            connections.get(GROUP, created.name, "first")
        self.assertEqual(list(connections.list(GROUP, created.name)), [])

    def test_private_link_resources_and_operations_are_listed(self):
        (resource,) = self.client.private_link_resources.list_by_provider(GROUP, create().name).value
        self.assertEqual(resource.properties.group_id.lower(), "standard")
        names = {operation.name for operation in self.client.operations.list()}
        self.assertIn("Microsoft.Attestation/attestationProviders/read", names)
        self.assertIn("Microsoft.Attestation/attestationProviders/write", names)
        self.assertIn("Microsoft.Attestation/attestationProviders/delete", names)

    def test_the_asynchronous_client_does_the_same(self):
        async def run():
            options = {"base_url": URL, **CONNECTION}
            async with AsyncManagementClient(AsyncCredential(), SUBSCRIPTION, **options) as client:
                providers, name = client.attestation_providers, free_name()
                created = await providers.create(GROUP, name, creation(signers=[("RSA", self.rsa)]))
                self.assertEqual(created.properties.trust_model, "Isolated")
                self.assertEqual(await providers.get(GROUP, name), created)
                self.assertIn(created.id, [one.id for one in (await providers.list()).value])
                update = models.AttestationServicePatchParams(tags={"a": "b"})
                self.assertEqual((await providers.update(GROUP, name, update)).tags, {"a": "b"})
                await providers.delete(GROUP, name)
                with self.assertRaises(ResourceNotFoundError):
                    await providers.get(GROUP, name)
                self.assertTrue([one async for one in client.operations.list()])
        asyncio.run(run())


if __name__ == "__main__":
    unittest.main()
