"""What the tests share: the service, a credential, minted evidence, and encodings.

Environment: AVOUCH_URL and AVOUCH_CA name a server that judges at the present time, AVOUCH_MINTED
a folder of minted evidence that it accepts.
"""

import base64
import hashlib
import json
import os
import pathlib
import time

from azure.core.credentials import AccessToken
from azure.security.attestation import AttestationClient

CA = os.environ["AVOUCH_CA"]
URL = os.environ["AVOUCH_URL"]
MINTED = pathlib.Path(os.environ["AVOUCH_MINTED"])

# For every client: the CA of the service, and no patience with it.
CONNECTION = {"connection_verify": CA, "retry_total": 0}


class Credential:
    """Any bearer token will do for `serve --dev`."""

    def get_token(self, *_scopes, **_options):
        return AccessToken("development", int(time.time()) + 3600)


class AsyncCredential(Credential):
    async def get_token(self, *scopes, **options):
        return super().get_token(*scopes, **options)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_details):
        pass


def client(url=URL):
    return AttestationClient(url, Credential(), **CONNECTION)


def evidence(case):
    """Minted evidence and the keyword argument that carries what it is bound to."""
    folder = MINTED / case
    name = "report.bin" if case.startswith("open-enclave") else "quote.bin"
    for held, keyword in (("runtime-data.json", "runtime_json"), ("runtime-data.bin", "runtime_data")):
        if (folder / held).exists():
            return (folder / name).read_bytes(), {keyword: (folder / held).read_bytes()}
    raise FileNotFoundError(folder)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hash_of(text):
    return base64url(hashlib.sha256(text.encode()).digest())


def policy_hash(text):
    """`x-ms-policy-hash`: of the base64url form of the text, not of the text."""
    return hash_of(base64url(text.encode()))


def claims_of(token):
    """The claims of a token, without the models of the SDK."""
    return json.loads(token.body_bytes)
