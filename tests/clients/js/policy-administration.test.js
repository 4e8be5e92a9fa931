// Policies and policy certificates by the unmodified JavaScript SDK, on providers of both trust
// models, with the SDK's own validation of result tokens on.
// Environment: as in support.js.

import assert from "node:assert/strict";
import { test } from "node:test";

import attestation from "@azure/attestation";

import { create } from "./management.js";
import { Holder, ecKey, rsaKey } from "./pki.js";
import { base64url, checking, claimsThrough, credential, hashOf, policyHash, refused } from "./support.js";

const { AttestationAdministrationClient, KnownAttestationType } = attestation;
const SGX = KnownAttestationType.SgxEnclave;
const UNSIGNED = /Unsigned JWS specified but enclave is configured with signing certificates/;
const DEFAULT_POLICY = /^version= 1\.0;authorizationrules\{=> permit\(\);\};issuancerules\{/;

const rsa = new Holder("rsa signer", rsaKey());
const ec = new Holder("ec signer", ecKey());
const leaf = new Holder("leaf under the rsa signer", rsaKey(), { issuer: rsa, ca: false });
const stranger = new Holder("rsa signer", rsaKey());

/** A policy that shows in the claims which one it is. */
function policy(value) {
  return `version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="which", value="${value}");};`;
}

/** A client of a provider; `sent.last` is what it sent to a policy route last. */
function administration({ attestUri }, options = checking(attestUri)) {
  const sent = {};
  const recording = {
    name: "recording",
    sendRequest: (request, next) => {
      if (request.method !== "GET" && request.url.includes("/policies/")) {
        request.body = sent.replace?.(request.body) ?? request.body;
        sent.last = request.body;
      }
      return next(request);
    },
  };
  const additionalPolicies = [{ policy: recording, position: "perCall" }];
  const client = new AttestationAdministrationClient(attestUri, credential, { ...options, additionalPolicies });
  return { client, sent };
}

async function listed(client) {
  const { body } = await client.getPolicyManagementCertificates();
  return body.map(({ certificates }) => certificates[0]).sort();
}

/** Sets a policy; result token, stored text and the next attestation must all tell of it. */
async function setAndReadBack(provider, text, signer, type = SGX, evidence = "sgx-json") {
  const { client, sent } = administration(provider);
  const { body, token } = await client.setPolicy(type, text, signer?.signing);
  assert.equal(body.policyResolution, "Updated");
  assert.equal(base64url(body.policyTokenHash), hashOf(sent.last));
  assert.equal(token.getBody()["x-ms-policy-token-hash"], hashOf(sent.last));
  assert.deepEqual(body.policySigner?.certificates, signer && [signer.pem]);

  const read = await client.getPolicy(type);
  assert.equal(read.body, text);
  assert.equal(read.token.getBody()["x-ms-policy"], sent.last);

  const claims = await claimsThrough(provider.attestUri, evidence);
  assert.equal(claims["x-ms-policy-hash"], policyHash(text));
  assert.deepEqual(claims["x-ms-policy-signer"]?.x5c, signer && [signer.x5c]);
  return claims;
}

test("a new provider has the default policies", async () => {
  const { client } = administration(await create());
  for (const type of [SGX, KnownAttestationType.OpenEnclave]) {
    const { body, token } = await client.getPolicy(type);
    assert.match(body, DEFAULT_POLICY);
    assert.equal(token.algorithm, "RS256");
  }
});

test("types without a default have no policy until one is set", async () => {
  const { client } = administration(await create());
  const { Tpm } = KnownAttestationType;
  // What the SDK makes of "no policy", here as with MAA itself.
  await assert.rejects(client.getPolicy(Tpm), TypeError);
  await client.setPolicy(Tpm, policy("tpm"));
  assert.equal((await client.getPolicy(Tpm)).body, policy("tpm"));
  await client.resetPolicy(Tpm);
  await assert.rejects(client.getPolicy(Tpm), TypeError);
});

test("the SDK refuses results of another issuer", async () => {
  const { client } = administration(await create(), checking("https://other.example.org"));
  await assert.rejects(client.getPolicy(SGX), /expected issuer/);
});

test("an AAD provider takes unsigned policies and resets", async () => {
  const provider = await create();
  assert.equal((await setAndReadBack(provider, policy("unsigned"))).which, "unsigned");

  const { client } = administration(provider);
  const { body, token } = await client.resetPolicy(SGX);
  assert.equal(body.policyResolution, "Removed");
  const told = Object.keys(token.getBody()).filter((name) => name.startsWith("x-ms-policy"));
  assert.deepEqual(told, ["x-ms-policy-result"]);
  assert.match((await client.getPolicy(SGX)).body, DEFAULT_POLICY);
  assert.equal((await claimsThrough(provider.attestUri)).which, undefined);
});

test("an AAD provider takes policies signed by any RSA or P-256 key", async () => {
  const provider = await create();
  for (const [value, signer] of Object.entries({ rsa, ec, leaf })) {
    assert.equal((await setAndReadBack(provider, policy(value), signer)).which, value);
  }
  const { client } = administration(provider);
  assert.equal((await client.resetPolicy(SGX, ec.signing)).body.policyResolution, "Removed");
});

test("text that is not ASCII arrives as it is", async () => {
  const value = "Bürgermeister 市長 🗝";
  const provider = await create();
  // The SDK sends UTF-8 but reads ASCII, so the claims tell what was kept.
  await administration(provider).client.setPolicy(SGX, policy(value));
  const claims = await claimsThrough(provider.attestUri);
  assert.equal(claims.which, value);
  assert.equal(claims["x-ms-policy-hash"], policyHash(policy(value)));
});

test("the two enclave types have policies of their own", async () => {
  const provider = await create();
  await setAndReadBack(provider, policy("sgx"));
  assert.equal((await claimsThrough(provider.attestUri, "open-enclave-json")).which, undefined);
  const { OpenEnclave } = KnownAttestationType;
  await setAndReadBack(provider, policy("open enclave"), rsa, OpenEnclave, "open-enclave-json");
  assert.equal((await claimsThrough(provider.attestUri)).which, "sgx");
});

test("a policy that does not parse is refused with its position", async () => {
  const wrong = "version=1.0;\nauthorizationrules{=> permit() };\nissuancerules{};";
  for (const [provider, signing] of [[await create(), {}], [await create({ signers: [["RSA", rsa]] }), rsa.signing]]) {
    const { client } = administration(provider);
    await refused(client.setPolicy(SGX, wrong, signing), "PolicyParsingError", /Line: '2'.*Column/s);
    assert.match((await client.getPolicy(SGX)).body, DEFAULT_POLICY);
  }
});

test("a signed policy that was changed on the way is refused", async () => {
  const { client, sent } = administration(await create());
  sent.replace = (jws) => {
    const [header, , signature] = jws.split(".");
    const payload = base64url(JSON.stringify({ AttestationPolicy: base64url(policy("changed")) }));
    return [header, payload, signature].join(".");
  };
  for (const signer of [rsa, ec]) {
    await assert.rejects(client.setPolicy(SGX, policy("true"), signer.signing), { statusCode: 400 });
  }
  assert.match((await client.getPolicy(SGX)).body, DEFAULT_POLICY);
});

test("an Isolated provider takes what its signers or those under them sign", async () => {
  const provider = await create({ signers: [["RSA", rsa], ["EC", ec]] });
  const { client } = administration(provider);
  for (const [value, signer] of Object.entries({ rsa, ec, leaf })) {
    assert.equal((await setAndReadBack(provider, policy(value), signer)).which, value);
    assert.equal((await client.resetPolicy(SGX, signer.signing)).body.policyResolution, "Removed");
    assert.equal((await claimsThrough(provider.attestUri)).which, undefined);
  }
});

test("an Isolated provider refuses unsigned policies and those of strangers", async () => {
  const { client } = administration(await create({ signers: [["RSA", rsa]] }));
  await refused(client.setPolicy(SGX, policy("unsigned")), "InvalidOperation", UNSIGNED);
  await refused(client.resetPolicy(SGX), "InvalidOperation", UNSIGNED);
  // The stranger's certificate bears the same name, so only its key tells.
  for (const signer of [stranger, ec]) {
    await refused(client.setPolicy(SGX, policy("of a stranger"), signer.signing), "InvalidParameter");
    await refused(client.resetPolicy(SGX, signer.signing), "InvalidParameter");
  }
  assert.match((await client.getPolicy(SGX)).body, DEFAULT_POLICY);
});

test("policy certificates are listed, added and removed", async () => {
  const provider = await create({ signers: [["RSA", rsa]] });
  const { client } = administration(provider);
  assert.deepEqual(await listed(client), [rsa.pem]);
  for (let twice = 0; twice < 2; twice += 1) {
    const { body } = await client.addPolicyManagementCertificate(ec.pem, rsa.keyPem, rsa.pem);
    assert.equal(body.certificateThumbprint, ec.thumbprint);
    assert.equal(body.certificateResolution, "IsPresent");
    assert.deepEqual(await listed(client), [rsa.pem, ec.pem].sort());
  }
  await setAndReadBack(provider, policy("of the second signer"), ec);

  for (let twice = 0; twice < 2; twice += 1) {
    const { body } = await client.removePolicyManagementCertificate(rsa.pem, ec.keyPem, ec.pem);
    assert.equal(body.certificateThumbprint, rsa.thumbprint);
    assert.equal(body.certificateResolution, "IsAbsent");
    assert.deepEqual(await listed(client), [ec.pem]);
  }
  await refused(client.setPolicy(SGX, policy("removed"), rsa.signing), "InvalidParameter");
  await refused(client.addPolicyManagementCertificate(rsa.pem, rsa.keyPem, rsa.pem), "InvalidParameter");

  await refused(client.removePolicyManagementCertificate(ec.pem, ec.keyPem, ec.pem), "InvalidOperation");
  assert.deepEqual(await listed(client), [ec.pem]);
});

test("strangers change no policy certificates", async () => {
  const { client } = administration(await create({ signers: [["RSA", rsa]] }));
  for (const method of ["addPolicyManagementCertificate", "removePolicyManagementCertificate"]) {
    await refused(client[method](rsa.pem, stranger.keyPem, stranger.pem), "InvalidParameter");
  }
  assert.deepEqual(await listed(client), [rsa.pem]);
});

test("an AAD provider has no policy certificates and takes none", async () => {
  const { client } = administration(await create());
  assert.deepEqual(await listed(client), []);
  for (const method of ["addPolicyManagementCertificate", "removePolicyManagementCertificate"]) {
    await refused(client[method](rsa.pem, rsa.keyPem, rsa.pem), "InvalidOperation", /The operation is disallowed/);
  }
});
