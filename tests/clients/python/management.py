"""Providers made through the control plane by the unmodified management SDK."""

import secrets
import uuid

from azure.mgmt.attestation import AttestationManagementClient
from azure.mgmt.attestation import models
from support import CONNECTION, URL, Credential

# One of this run alone, so that lists hold what its tests made.
SUBSCRIPTION = str(uuid.uuid4())
GROUP = "client-tests"
LOCATION = "westeurope"


def management(subscription=SUBSCRIPTION, **options):
    return AttestationManagementClient(Credential(), subscription, base_url=URL, **CONNECTION, **options)


def free_name(prefix="py"):
    """A name that no other test takes."""
    return prefix + secrets.token_hex(6)


def creation(signers=(), tags=None, **properties):
    """The parameters of a new provider; with signers it is an Isolated one."""
    keys = [models.JSONWebKey(kty=kty, x5_c=[holder.x5c]) for kty, holder in signers]
    certificates = models.JSONWebKeySet(keys_property=keys) if keys else None
    specific = models.AttestationServiceCreationSpecificParams(
        policy_signing_certificates=certificates, **properties
    )
    return models.AttestationServiceCreationParams(location=LOCATION, tags=tags, properties=specific)


def create(name=None, signers=(), **more):
    return management().attestation_providers.create(GROUP, name or free_name(), creation(signers, **more))
