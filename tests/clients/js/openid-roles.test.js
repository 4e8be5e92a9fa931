// Bearer tokens of a packaged OpenID server against a service in production mode: which count,
// what their holders may do, and what a change of the server's keys does.
// Environment: AVOUCH_COMMAND names the program.

import assert from "node:assert/strict";
import { createHmac, createPublicKey } from "node:crypto";
import { after, before, mock, test } from "node:test";

import { AttestationManagementClient } from "@azure/arm-attestation";
import attestation from "@azure/attestation";

import { Issuer } from "./issuer.js";
import { Holder, ecKey, jwk, rsaKey } from "./pki.js";
import { AUDIENCE, Service } from "./production.js";

const { AttestationAdministrationClient, KnownAttestationType } = attestation;
const POLICY = "/policies/SgxEnclave?api-version=2022-08-01";
const RESET = "/policies/SgxEnclave:reset?api-version=2022-08-01";
const UNSIGNED_RESET = "eyJhbGciOiJub25lIn0..";
const SUBSCRIPTION = "6a0b1f3e-4f0c-4d5e-8a57-2c1d9e7b4a10";
const GROUP = "client-tests";

const policy = 'version=1.0; authorizationrules{=> permit();}; issuancerules{=> issue(type="by", value="token");};';
const creation = { location: "westeurope", properties: {} };
const unauthorized = { statusCode: 401, code: "Unauthorized" };

let authority, holder;
let keys; // of the issuer that the service knows
let issuer, service;

before(async () => {
  authority = new Holder("authority of the tests", ecKey());
  holder = new Holder("127.0.0.1", ecKey(), { issuer: authority, ca: false, addresses: ["127.0.0.1"] });
  keys = [rsaKey(), ecKey()];
  issuer = await Issuer.start({ authority, holder, keys: [jwk(keys[0], "rsa", "RS256"), jwk(keys[1], "ec", "ES256")] });
  service = await Service.start({ authority, holder, issuer });
});

after(async () => {
  await Promise.all([service?.stop(), issuer?.stop()]);
});

/** A credential as the SDKs want it: they name the audience themselves, as a scope. */
function credential(program) {
  return {
    getToken: async (scopes) => {
      const [, audience] = [scopes].flat()[0].match(/^(.*)\/\.default$/);
      return { token: await issuer.token(program, audience), expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
}

function connection() {
  return { retryOptions: { maxRetries: 0 }, tlsOptions: { ca: authority.pem } };
}

function dataPlane(program, url) {
  const validationOptions = { validateToken: true, validateIssuer: true, expectedIssuer: url };
  return new AttestationAdministrationClient(url, credential(program), { validationOptions, ...connection() });
}

function controlPlane(program) {
  const options = { endpoint: service.url, ...connection() };
  return new AttestationManagementClient(credential(program), SUBSCRIPTION, options);
}

/** Asks for a policy, which any token of the issuer may read. */
function read(token, of = service) {
  return of.call(POLICY, { token });
}

/** Resets a policy, which only contributors may. */
function reset(token) {
  return service.call(RESET, { method: "POST", body: UNSIGNED_RESET, token });
}

async function refused(answering, check) {
  const answer = await answering;
  assert.equal(answer.status, 401, answer.text);
  const { code, message } = answer.json().error;
  assert.equal(code, "Unauthorized");
  assert.match(message, check);
  assert.match(answer.headers["www-authenticate"], /^Bearer/);
}

/** Runs something while this process, and so the OpenID server in it, thinks that it is another time. */
async function shifted(seconds, action) {
  mock.timers.enable({ apis: ["Date"], now: Date.now() + seconds * 1000 });
  try {
    return await action();
  } finally {
    mock.timers.reset();
  }
}

function parts(token) {
  const [header, payload, signature] = token.split(".");
  const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));
  return { header: decode(header), payload: decode(payload), signature };
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

test("a token of either kind of key counts, for the audience with and without a slash", async () => {
  for (const algorithm of ["RS256", "ES256"]) {
    issuer.algorithm = algorithm;
    for (const audience of [AUDIENCE, `${AUDIENCE}/`]) {
      const token = await issuer.token("contributor", audience);
      assert.equal(parts(token).header.alg, algorithm);
      assert.equal((await reset(token)).status, 200);
    }
  }
  issuer.algorithm = "RS256";
});

test("roles come from the claims of the token", async () => {
  const statuses = async (program) => {
    const token = await issuer.token(program, AUDIENCE);
    return [(await read(token)).status, (await reset(token)).status];
  };
  assert.deepEqual(await statuses("owner"), [200, 200]);
  assert.deepEqual(await statuses("contributor"), [200, 200]);
  assert.deepEqual(await statuses("reader"), [200, 401]);
  // Whoever has a valid token may read the default provider's policy, and nothing else.
  assert.deepEqual(await statuses("nobody"), [200, 401]);
});

test("the refusal of a token without the role names the role", async () => {
  await refused(reset(await issuer.token("nobody", AUDIENCE)), /role Contributor/);
  await refused(reset(await issuer.token("reader", AUDIENCE)), /role Contributor/);
});

test("the unmodified SDK sets a policy with a contributor's token, and cannot with a reader's", async () => {
  const type = KnownAttestationType.OpenEnclave;
  const administration = (program) => dataPlane(program, service.url);
  await administration("contributor").setPolicy(type, policy);
  assert.equal((await administration("reader").getPolicy(type)).body, policy);
  await assert.rejects(administration("reader").setPolicy(type, policy), unauthorized);
  await assert.rejects(administration("reader").resetPolicy(type), unauthorized);
  assert.equal((await administration("reader").getPolicy(type)).body, policy);
});

test("owners make and delete providers; a role at one provider is none at another", async () => {
  const { attestationProviders: owner } = controlPlane("owner");
  const made = {};
  for (const name of ["contoso", "fabrikam"]) {
    await assert.rejects(controlPlane("contributor").attestationProviders.create(GROUP, name, creation), unauthorized);
    await assert.rejects(controlPlane("contoso").attestationProviders.create(GROUP, name, creation), unauthorized);
    made[name] = (await owner.create(GROUP, name, creation)).attestUri;
  }
  const type = KnownAttestationType.SgxEnclave;
  await dataPlane("contoso", made.contoso).setPolicy(type, policy);
  for (const elsewhere of [made.fabrikam, service.url]) {
    await assert.rejects(dataPlane("contoso", elsewhere).setPolicy(type, policy), unauthorized);
  }
  await assert.rejects(dataPlane("contoso", made.fabrikam).getPolicy(type), unauthorized);
  await assert.rejects(dataPlane("nobody", made.contoso).getPolicy(type), unauthorized);
  assert.equal((await dataPlane("reader", made.contoso).getPolicy(type)).body, policy);
  assert.notEqual((await dataPlane("reader", made.fabrikam).getPolicy(type)).body, policy);

  const { attestationProviders: contoso } = controlPlane("contoso");
  assert.equal((await contoso.get(GROUP, "contoso")).attestUri, made.contoso);
  await assert.rejects(contoso.get(GROUP, "fabrikam"), unauthorized);
  assert.deepEqual((await contoso.list()).value.map(({ name }) => name), ["contoso"]);
  for (const [program, name] of [["contoso", "contoso"], ["contributor", "contoso"], ["nobody", "fabrikam"]]) {
    await assert.rejects(controlPlane(program).attestationProviders.delete(GROUP, name), unauthorized);
  }
  assert.equal((await owner.list()).value.length, 2);
  await owner.delete(GROUP, "contoso");
  assert.deepEqual((await owner.list()).value.map(({ name }) => name), ["fabrikam"]);
  await assert.rejects(dataPlane("reader", made.contoso).getPolicy(type), { statusCode: 404 });
});

test("a request without a token, or with a text that is none, is refused", async () => {
  await refused(read(), /needs a bearer token/);
  await refused(read("nonsense"), /token-unknown/);
  await refused(read("non.sen.se"), /token-/);
  const token = await issuer.token("owner", AUDIENCE);
  await refused(service.call(POLICY, { headers: { authorization: `Basic ${token}` } }), /needs a bearer token/);
  await refused(service.call(`${POLICY}&access_token=${token}`), /needs a bearer token/);
});

test("an expired token is refused; a minute of difference between clocks is forgiven", async () => {
  const expired = (seconds) => shifted(-3600 - seconds, () => issuer.token("owner", AUDIENCE));
  assert.equal((await read(await expired(5))).status, 200);
  await refused(read(await expired(90)), /token-expiry/);
  await refused(read(await expired(24 * 3600)), /token-expiry/);
});

test("a token from the future is refused", async () => {
  await refused(read(await shifted(600, () => issuer.token("owner", AUDIENCE))), /token-issued-at/);
});

test("a token for another audience is refused", async () => {
  for (const audience of ["https://vault.azure.net", `${AUDIENCE}.example.org`, "https://attest.azure"]) {
    await refused(read(await issuer.token("owner", audience)), /token-audience/);
  }
});

test("a token of an issuer that is not known is refused", async () => {
  const other = await Issuer.start({ authority, holder, keys: [jwk(rsaKey(), "rsa", "RS256")] });
  try {
    await refused(read(await other.token("owner", AUDIENCE)), /token-issuer/);
  } finally {
    await other.stop();
  }
});

test("a token of a server that only claims to be the issuer is refused", async () => {
  // One key has the identifier of a known key, the other an unknown one.
  for (const [kid, check] of [["rsa", /token-signature/], ["another", /token-key/]]) {
    const impostor = await Issuer.start({ authority, holder, keys: [jwk(rsaKey(), kid, "RS256")], url: issuer.url });
    try {
      const token = await impostor.token("owner", AUDIENCE);
      assert.equal(parts(token).payload.iss, issuer.url);
      await refused(read(token), check);
    } finally {
      await impostor.stop();
    }
  }
});

test("a good token that was made unsecured is refused", async () => {
  const { header, payload, signature } = parts(await issuer.token("owner", AUDIENCE));
  for (const alg of ["none", "None", "NONE", ""]) {
    for (const left of ["", signature]) {
      await refused(read(`${encode({ ...header, alg })}.${encode(payload)}.${left}`), /token-(algorithm|form)/);
    }
  }
});

test("a good token whose claims or signature were changed is refused", async () => {
  const token = await issuer.token("nobody", AUDIENCE);
  const { header, payload, signature } = parts(token);
  const raised = { ...payload, roles: ["attestation-owner"] };
  await refused(reset(`${encode(header)}.${encode(raised)}.${signature}`), /token-signature/);
  const flipped = Buffer.from(signature, "base64url");
  flipped[0] ^= 1;
  await refused(read(`${encode(header)}.${encode(payload)}.${flipped.toString("base64url")}`), /token-signature/);
});

test("a token under the issuer's public key as a shared secret is refused", async () => {
  const { payload } = parts(await issuer.token("owner", AUDIENCE));
  const secret = createPublicKey(keys[0].publicKey).export({ type: "spki", format: "pem" });
  const text = `${encode({ alg: "HS256", kid: "rsa", typ: "at+jwt" })}.${encode(payload)}`;
  const signature = createHmac("sha256", secret).update(text).digest("base64url");
  await refused(read(`${text}.${signature}`), /token-algorithm/);
});

test("after a change of keys new tokens count at once, and old ones no more", async () => {
  let changing = await Issuer.start({ authority, holder, keys: [jwk(rsaKey(), "first", "RS256")] });
  const { port } = changing;
  const reader = await Service.start({ authority, holder, issuer: changing });
  try {
    const old = await changing.token("owner", AUDIENCE);
    assert.equal((await read(old, reader)).status, 200);

    await changing.stop();
    // While the issuer does not answer its known keys serve.
    assert.equal((await read(old, reader)).status, 200);

    changing = await Issuer.start({ authority, holder, port, keys: [jwk(rsaKey(), "second", "RS256")] });
    // Nobody has shown a token under the new key yet: the old set is in use for up to an hour.
    assert.equal((await read(old, reader)).status, 200);
    // Here is one: the set is fetched again.
    const second = await changing.token("owner", AUDIENCE);
    assert.equal((await read(second, reader)).status, 200);
    await refused(read(old, reader), /token-key/);
    assert.equal((await read(second, reader)).status, 200);

    // A new key under the name of the old one is found as well.
    await changing.stop();
    changing = await Issuer.start({ authority, holder, port, keys: [jwk(rsaKey(), "second", "RS256")] });
    assert.equal((await read(await changing.token("owner", AUDIENCE), reader)).status, 200);
    await refused(read(second, reader), /token-signature/);
  } finally {
    await Promise.all([changing.stop(), reader.stop()]);
  }
});

test("while keys cannot be had no token counts, and that is not the caller's fault", async () => {
  const silent = await Issuer.start({ authority, holder, keys: [jwk(rsaKey(), "rsa", "RS256")] });
  const reader = await Service.start({ authority, holder, issuer: silent });
  try {
    const token = await silent.token("owner", AUDIENCE);
    await silent.stop();
    const answer = await read(token, reader);
    assert.equal(answer.status, 503, answer.text);
  } finally {
    await reader.stop();
  }
});
