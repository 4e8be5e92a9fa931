// The unmodified JavaScript SDK against a running Avouch, with the SDK's own token validation on.
// Environment: as in support.js; AVOUCH_RECORDED_URL names a server that judges at a pinned time and
// AVOUCH_RECORDED a folder of recorded exchanges with the real service.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import attestation from "@azure/attestation";

import { attest, checking, credential, evidence, refused, url } from "./support.js";

const { AttestationAdministrationClient, AttestationClient, KnownAttestationType } = attestation;
const recordedUrl = process.env.AVOUCH_RECORDED_URL;

const permit =
  'version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="drafted", value=7);};';

function client(credentials) {
  return credentials
    ? new AttestationClient(url, credentials, checking())
    : new AttestationClient(url, checking());
}

for (const name of ["sgx-json", "sgx-binary", "open-enclave-json", "open-enclave-binary"]) {
  test(`attests ${name}, with and without a credential`, async () => {
    for (const service of [client(), client(credential)]) {
      const response = await attest(service, name);
      assert.equal(response.token.algorithm, "RS256");
      assert.equal(response.token.keyUrl, `${url}/certs`);
      assert.equal(response.body.issuer, url);
      assert.equal(response.body.isDebuggable, false);
      const { held } = evidence(name);
      if (held.runTimeJson) {
        assert.deepEqual(response.body.runTimeClaims, JSON.parse(held.runTimeJson.toString()));
      } else {
        assert.deepEqual(Buffer.from(response.body.enclaveHeldData), held.runTimeData);
      }
    }
  });

  test(`a draft policy over ${name} gives an unsecured token`, async () => {
    const response = await attest(client(), name, { draftPolicyForAttestation: permit });
    assert.equal(response.token.algorithm, "none");
    assert.deepEqual(response.body.policyClaims, { drafted: 7 });
  });

  test(`wrong runtime data beside ${name} is refused`, async () => {
    const { bytes } = evidence(name);
    const service = client();
    const call = name.startsWith("open-enclave") ? "attestOpenEnclave" : "attestSgxEnclave";
    await refused(service[call](bytes, { runTimeData: Buffer.from("other") }), "InvalidParameter");
    await refused(service[call](bytes, { runTimeJson: Buffer.from("{}") }), "InvalidParameter");
  });
}

test("a draft policy that does not permit is refused", async () => {
  const draftPolicyForAttestation = "version=1.0; authorizationrules{=> deny();};";
  await refused(attest(client(), "sgx-json", { draftPolicyForAttestation }), "PolicyEvaluationError");
});

test("reads certificates, metadata and default policies", async () => {
  const signers = await client().getAttestationSigners();
  assert.ok(signers.length >= 1);
  assert.match(signers[0].certificates[0], /BEGIN CERTIFICATE/);
  const metadata = await client().getOpenIdMetadata();
  assert.equal(metadata.issuer, url);
  assert.equal(metadata.jwks_uri, `${url}/certs`);
  const administration = new AttestationAdministrationClient(url, credential, checking());
  const policy = await administration.getPolicy(KnownAttestationType.SgxEnclave);
  assert.match(policy.body, /^version= 1\.0;authorizationrules/);
});

test("recorded evidence attests at its pinned time", { skip: !recordedUrl }, async () => {
  const service = new AttestationClient(recordedUrl, { validationOptions: { validateToken: true } });
  const folder = process.env.AVOUCH_RECORDED;
  const files = readdirSync(folder).filter((name) => name.startsWith("recorded-"));
  assert.ok(files.length >= 6);
  for (const file of files) {
    const exchange = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const body = exchange.request.body;
    const data = body.runtimeData && Buffer.from(body.runtimeData.data, "base64url");
    const held = !data ? {} : body.runtimeData.dataType === "JSON" ? { runTimeJson: data } : { runTimeData: data };
    const response = body.report
      ? await service.attestOpenEnclave(Buffer.from(body.report, "base64url"), held)
      : await service.attestSgxEnclave(Buffer.from(body.quote, "base64url"), held);
    const theirs = exchange.decoded.payload;
    assert.equal(response.body.mrEnclave, theirs["x-ms-sgx-mrenclave"], file);
    assert.equal(response.body.mrSigner, theirs["x-ms-sgx-mrsigner"], file);
    assert.equal(response.body.sgxCollateral.quotehash, theirs["x-ms-sgx-collateral"].quotehash, file);
  }
});
