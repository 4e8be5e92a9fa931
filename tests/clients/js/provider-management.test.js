// Providers by the unmodified JavaScript management SDKs: 3.0.0 (api-version 2021-06-01) and 2.1.0
// (api-version 2020-10-01).
// Environment: as in support.js.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import attestation from "@azure/attestation";
import older from "arm-attestation-2020";

import { creation, freeName, group, location, management, subscription } from "./management.js";
import { Holder, ecKey, rsaKey } from "./pki.js";
import { attest, checking, credential, url } from "./support.js";

const { AttestationAdministrationClient, AttestationClient, KnownAttestationType } = attestation;
const permit = 'version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="own", value=1);};';
const rsa = new Holder("rsa signer", rsaKey());
const ec = new Holder("ec signer", ecKey());

function management2020(of = subscription) {
  return new older.AttestationManagementClient(credential, of, { endpoint: url, retryOptions: { maxRetries: 0 } });
}

function administration({ attestUri }) {
  return new AttestationAdministrationClient(attestUri, credential, checking(attestUri));
}

async function all(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

const ids = ({ value }) => value.map(({ id }) => id).sort();

for (const [version, make] of [["2021-06-01", management], ["2020-10-01", management2020]]) {
  const client = make();
  const providers = client.attestationProviders;

  test(`${version}: a provider without certificates is of trust model AAD`, async () => {
    const name = freeName();
    const created = await providers.create(group, name, creation({ tags: { team: "attestation" } }));
    assert.equal(created.name, name);
    assert.equal(created.type, "Microsoft.Attestation/attestationProviders");
    assert.equal(
      created.id,
      `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Attestation/attestationProviders/${name}`,
    );
    assert.equal(created.location, location);
    assert.deepEqual(created.tags, { team: "attestation" });
    assert.equal(created.trustModel, "AAD");
    assert.equal(created.status, "Ready");
    assert.equal(created.attestUri, `${url}/providers/${name}`);
    assert.deepEqual(await providers.get(group, name), created);
  });

  test(`${version}: a provider with certificates is Isolated and holds them`, async () => {
    const created = await providers.create(group, freeName(), creation({ signers: [["RSA", rsa], ["EC", ec]] }));
    assert.equal(created.trustModel, "Isolated");
    const { body } = await administration(created).getPolicyManagementCertificates();
    assert.deepEqual(body.map(({ certificates }) => certificates[0]).sort(), [rsa.pem, ec.pem].sort());
  });

  test(`${version}: a certificate that is none, and a name that is none, are refused`, async () => {
    const signers = [["RSA", { x5c: "AAAA" }]];
    const name = freeName();
    await assert.rejects(providers.create(group, name, creation({ signers })), { statusCode: 400 });
    await assert.rejects(providers.get(group, name), { statusCode: 404 });
    // The SDK itself refuses what it knows to be no name; the service has the last word.
    await assert.rejects(providers.create(group, "under_score", creation()), { statusCode: 400 });
  });

  test(`${version}: a name is taken in every group, subscription and case`, async () => {
    const name = freeName();
    const created = await providers.create(group, name, creation());
    const conflict = { statusCode: 409 };
    await assert.rejects(providers.create("another-group", name, creation()), conflict);
    const stranger = make(randomUUID()).attestationProviders;
    await assert.rejects(stranger.create(group, name.toUpperCase(), creation()), conflict);
    await assert.rejects(providers.create(group, name, creation({ signers: [["RSA", rsa]] })), conflict);
    assert.deepEqual(await providers.get(group.toUpperCase(), name.toUpperCase()), created);
  });

  test(`${version}: providers are listed by subscription and by group`, async () => {
    const own = make(randomUUID()).attestationProviders;
    const made = [];
    for (const place of ["one", "one", "two"]) made.push((await own.create(place, freeName(), creation())).id);
    assert.deepEqual(ids(await own.list()), [...made].sort());
    assert.deepEqual(ids(await own.listByResourceGroup("one")), made.slice(0, 2).sort());
    assert.deepEqual(ids(await own.listByResourceGroup("two")), made.slice(2));
    assert.deepEqual(ids(await own.listByResourceGroup("three")), []);
  });

  test(`${version}: tags can be changed`, async () => {
    const name = freeName();
    await providers.create(group, name, creation({ tags: { stage: "test" } }));
    const updated = await providers.update(group, name, { tags: { stage: "live", cost: "7" } });
    assert.deepEqual(updated.tags, { stage: "live", cost: "7" });
    assert.deepEqual(await providers.get(group, name), updated);
    await assert.rejects(providers.update(group, freeName(), { tags: {} }), { statusCode: 404 });
  });

  test(`${version}: a deleted provider is gone and its name is free without its policy`, async () => {
    const name = freeName();
    const created = await providers.create(group, name, creation());
    await administration(created).setPolicy(KnownAttestationType.SgxEnclave, permit);
    await providers.delete(group, name);
    await assert.rejects(providers.get(group, name), { statusCode: 404 });
    const service = new AttestationClient(created.attestUri, checking(created.attestUri));
    await assert.rejects(attest(service, "sgx-json"), { statusCode: 404 });
    // Absent is no failure.
    await providers.delete(group, name);

    const again = await providers.create(group, name, creation());
    const { body } = await administration(again).getPolicy(KnownAttestationType.SgxEnclave);
    assert.doesNotMatch(body, /own/);
  });

  test(`${version}: default providers are read`, async () => {
    const { value } = await providers.listDefault();
    assert.equal(value.length, 1);
    assert.equal(value[0].attestUri, url);
    assert.equal(value[0].trustModel, "AAD");
    for (const place of [value[0].location, "Central US", "westeurope"]) {
      assert.equal((await providers.getDefaultByLocation(place)).attestUri, url);
    }
  });

  test(`${version}: private endpoint connections are kept`, async () => {
    const name = freeName();
    await providers.create(group, name, creation());
    const connections = client.privateEndpointConnections;
    assert.deepEqual(await all(connections.list(group, name)), []);
    for (const status of ["Pending", "Approved"]) {
      const state = { status, description: "for tests" };
      const made = await connections.create(group, name, "first", { privateLinkServiceConnectionState: state });
      assert.equal(made.name, "first");
      assert.equal(made.privateLinkServiceConnectionState.status, status);
      assert.equal(made.privateLinkServiceConnectionState.description, "for tests");
      assert.equal(made.provisioningState, "Succeeded");
      assert.deepEqual(await connections.get(group, name, "first"), made);
      assert.deepEqual(await all(connections.list(group, name)), [made]);
    }
    await connections.delete(group, name, "first");
    await assert.rejects(connections.get(group, name, "first"), { statusCode: 404 });
    assert.deepEqual(await all(connections.list(group, name)), []);
  });

  test(`${version}: operations are listed`, async () => {
    const names = (await client.operations.list()).value.map((operation) => operation.name);
    for (const action of ["read", "write", "delete"]) {
      assert.ok(names.includes(`Microsoft.Attestation/attestationProviders/${action}`), action);
    }
  });
}

test("2021-06-01: the switch for TPM tokens is kept, and shown to that version alone", async () => {
  const name = freeName();
  const { attestationProviders } = management();
  const created = await attestationProviders.create(group, name, creation());
  assert.equal(created.tpmAttestationAuthentication ?? null, null);
  for (const value of ["Disabled", "Enabled"]) {
    const properties = { tpmAttestationAuthentication: value };
    const updated = await attestationProviders.update(group, name, { properties });
    assert.equal(updated.tpmAttestationAuthentication, value);
    assert.equal((await attestationProviders.get(group, name)).tpmAttestationAuthentication, value);
  }
  const wrong = { properties: { tpmAttestationAuthentication: "Perhaps" } };
  await assert.rejects(attestationProviders.update(group, name, wrong), { statusCode: 400 });

  let raw;
  const onResponse = (response) => (raw = JSON.parse(response.bodyAsText));
  await management2020().attestationProviders.get(group, name, { onResponse });
  assert.deepEqual(Object.keys(raw.properties).sort(), ["attestUri", "status", "trustModel"]);
});

test("2021-06-01: TPM evidence needs a token until the switch is off", async () => {
  const name = freeName();
  const { attestationProviders } = management();
  const { attestUri } = await attestationProviders.create(group, name, creation());
  const anonymous = new AttestationClient(attestUri, checking(attestUri));
  const message = JSON.stringify({ payload: { type: "aikcert" } });
  await assert.rejects(anonymous.attestTpm(message), { statusCode: 401, code: "Unauthorized" });
  await attestationProviders.update(group, name, { properties: { tpmAttestationAuthentication: "Disabled" } });
  // Whatever becomes of the evidence, it is looked at.
  await assert.rejects(anonymous.attestTpm(message), { statusCode: 400 });
  await attestationProviders.update(group, name, { properties: { tpmAttestationAuthentication: "Enabled" } });
  await assert.rejects(anonymous.attestTpm(message), { statusCode: 401, code: "Unauthorized" });
});

test("2021-06-01: private link resources are listed", async () => {
  const name = freeName();
  await management().attestationProviders.create(group, name, creation());
  const { value } = await management().privateLinkResources.listByProvider(group, name);
  assert.equal(value.length, 1);
  assert.equal(value[0].properties.groupId.toLowerCase(), "standard");
});
