// The unmodified JavaScript SDK for keys against Avouch's vault: the flow of its own tests of release, with
// Avouch in the place of their mock. What was released is opened by OpenSSL, by way of Node.
// Environment: as in support.js; AVOUCH_COMMAND names the command that mints evidence.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createDecipheriv, createPrivateKey, createPublicKey, generateKeyPairSync, privateDecrypt, verify,
  X509Certificate } from "node:crypto";
import dns from "node:dns";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { KeyClient } from "@azure/keyvault-keys";

import { credential, url } from "./support.js";

const host = "vault.localhost";
const vaultUrl = `https://${host}:${new URL(url).port}`;

// The name of the vault is found, as an operator's DNS would let it.
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(name === host ? "127.0.0.1" : name, ...rest);

const hashes = {
  CKM_RSA_AES_KEY_WRAP: "sha1",
  RSA_AES_KEY_WRAP_256: "sha256",
  RSA_AES_KEY_WRAP_384: "sha384",
};

function vault(options = {}) {
  return new KeyClient(vaultUrl, credential, { retryOptions: { maxRetries: 0 }, ...options });
}

let made = 0;
const name = () => `js-${process.pid}-${(made += 1)}`;

/** A confidential guest with an RSA key of its own, which its evidence binds. */
function workload(measurement) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "workload", key_ops: ["encrypt"] };
  const folder = mkdtempSync(join(tmpdir(), "avouch-"));
  try {
    writeFileSync(join(folder, "keys.json"), JSON.stringify({ keys: [jwk] }));
    const words = ["mint", "snp", "--out", join(folder, "minted"), "--runtime-data", join(folder, "keys.json")];
    if (measurement) words.push("--measurement", measurement);
    execFileSync(process.env.AVOUCH_COMMAND, words, { stdio: ["ignore", "ignore", "inherit"] });
    const read = (file) => readFileSync(join(folder, "minted", file));
    const report = read("report.bin");
    return { privateKey, request: read("request.json"), measurement: report.toString("hex", 0x90, 0xc0) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function attest(guest) {
  const answer = await fetch(`${url}/attest/SevSnpVm?api-version=2022-08-01`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: guest.request,
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).token;
}

// The root of minted evidence as tokens name it: it is not the vendor's, so a policy must name it.
const [, payload] = (await attest(workload())).split(".");
const trustRoot = JSON.parse(Buffer.from(payload, "base64url").toString())["avouch-trust-root"];

function releasePolicy(measurement) {
  const claim = (claim, equals) => ({ claim, equals });
  const policy = {
    version: "1.0.0",
    anyOf: [{
      authority: url,
      allOf: [
        claim("x-ms-attestation-type", "sevsnpvm"),
        claim("x-ms-sevsnpvm-is-debuggable", "false"),
        claim("x-ms-sevsnpvm-launchmeasurement", measurement),
        claim("avouch-trust-root", trustRoot),
      ],
    }],
  };
  return { encodedPolicy: new TextEncoder().encode(JSON.stringify(policy)) };
}

/** The released key and what its answer shows, verified by its first certificate. */
function open(guest, value) {
  const [header, payload, signature] = value.split(".");
  const part = (text) => JSON.parse(Buffer.from(text, "base64url").toString());
  const [leaf, root] = part(header).x5c.map((der) => new X509Certificate(Buffer.from(der, "base64")));
  assert.equal(root.fingerprint256, new X509Certificate(readFileSync(process.env.NODE_EXTRA_CA_CERTS)).fingerprint256);
  assert.ok(leaf.verify(root.publicKey) && leaf.checkHost(host));
  const signed = Buffer.from(`${header}.${payload}`);
  assert.ok(verify("sha256", signed, leaf.publicKey, Buffer.from(signature, "base64url")));
  const shown = part(payload);
  const wrapped = part(shown.response.key.key.key_hsm);
  const ciphertext = Buffer.from(wrapped.ciphertext, "base64url");
  const kek = privateDecrypt(
    { key: guest.privateKey, oaepHash: hashes[shown.request.enc] }, ciphertext.subarray(0, 256));
  const unwrap = createDecipheriv("id-aes256-wrap-pad", kek, Buffer.from("a65959a6", "hex"));
  return { key: Buffer.concat([unwrap.update(ciphertext.subarray(256)), unwrap.final()]), shown };
}

test("a key is created, listed, updated, and released to an attested guest", async () => {
  const guest = workload();
  const client = vault();
  const keyName = name();
  const key = await client.createRsaKey(keyName, {
    exportable: true, hsm: true, releasePolicy: releasePolicy(guest.measurement), tags: { a: "b" },
  });
  assert.equal(key.keyType, "RSA-HSM");
  assert.equal(key.properties.exportable, true);
  assert.ok(key.properties.releasePolicy?.encodedPolicy);

  const names = [];
  for await (const properties of client.listPropertiesOfKeys()) names.push(properties.name);
  assert.ok(names.includes(keyName));
  const changed = await client.updateKeyProperties(keyName, key.properties.version, { tags: { c: "d" } });
  assert.deepEqual(changed.properties.tags, { c: "d" });

  const token = await attest(guest);
  const released = await client.releaseKey(keyName, token, { nonce: "once" });
  const { key: pkcs8, shown } = open(guest, released.value);
  assert.equal(shown.request.nonce, "once");
  assert.equal(shown.request.kid, key.id);
  const opened = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const { n } = createPublicKey(opened).export({ format: "jwk" });
  assert.deepEqual(Buffer.from(n, "base64url"), Buffer.from(key.key.n));
});

for (const algorithm of Object.keys(hashes)) {
  test(`a secret key is released by ${algorithm}`, async () => {
    const guest = workload();
    const client = vault();
    const keyName = name();
    const key = await client.createOctKey(keyName, {
      keySize: 256, exportable: true, releasePolicy: releasePolicy(guest.measurement),
    });
    const options = { algorithm, version: key.properties.version };
    const { value } = await client.releaseKey(keyName, await attest(guest), options);
    const opened = open(guest, value);
    assert.equal(opened.shown.request.enc, algorithm);
    assert.equal(opened.key.length, 32);
  });
}

test("a guest with one bit of its measurement changed gets nothing", async () => {
  const guest = workload();
  const client = vault();
  const keyName = name();
  await client.createEcKey(keyName, { exportable: true, releasePolicy: releasePolicy(guest.measurement) });
  const measurement = Buffer.from(guest.measurement, "hex");
  measurement[0] ^= 1;
  const token = await attest(workload(measurement.toString("hex")));
  await assert.rejects(client.releaseKey(keyName, token), (error) => {
    assert.equal(error.statusCode, 403);
    assert.equal(error.code, "Forbidden");
    assert.match(error.message, /x-ms-sevsnpvm-launchmeasurement/);
    return true;
  });
});

test("an immutable policy stays, and a key without one is not released", async () => {
  const guest = workload();
  const client = vault();
  const keyName = name();
  const releasable = { ...releasePolicy(guest.measurement), immutable: true };
  const key = await client.createRsaKey(keyName, { exportable: true, releasePolicy: releasable });
  assert.equal(key.properties.releasePolicy.immutable, true);
  const other = releasePolicy("00".repeat(48));
  const update = client.updateKeyProperties(keyName, key.properties.version, { releasePolicy: other });
  await assert.rejects(update, { statusCode: 400 });
  const without = name();
  await client.createRsaKey(without);
  await assert.rejects(client.releaseKey(without, await attest(guest)), { statusCode: 403 });
});

test("a deleted key is recovered and purged", async () => {
  const client = vault();
  const keyName = name();
  await client.createOctKey(keyName);
  await (await client.beginDeleteKey(keyName, { intervalInMs: 10 })).pollUntilDone();
  const deleted = [];
  for await (const key of client.listDeletedKeys()) deleted.push(key.name);
  assert.ok(deleted.includes(keyName));
  await (await client.beginRecoverDeletedKey(keyName, { intervalInMs: 10 })).pollUntilDone();
  assert.equal((await client.getKey(keyName)).name, keyName);
  await (await client.beginDeleteKey(keyName, { intervalInMs: 10 })).pollUntilDone();
  await client.purgeDeletedKey(keyName);
  await assert.rejects(client.getDeletedKey(keyName), { statusCode: 404 });
});

test("random bytes are as many as asked for", async () => {
  assert.equal((await vault().getRandomBytes(32)).length, 32);
});
