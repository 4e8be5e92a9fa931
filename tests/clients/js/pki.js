// Keys and certificates made for one run of the tests.

import { createHash, createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";

import jsrsasign from "jsrsasign";

const DAY_MS = 24 * 3600 * 1000;
const pkcs8 = { privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } };

export function rsaKey(modulusLength = 2048) {
  return { ...generateKeyPairSync("rsa", { modulusLength, ...pkcs8 }), algorithm: "SHA256withRSA" };
}

export function ecKey(namedCurve = "P-256") {
  return { ...generateKeyPairSync("ec", { namedCurve, ...pkcs8 }), algorithm: "SHA256withECDSA" };
}

/** A moment as X.509 writes it: two digits of the year, no punctuation. */
function time(milliseconds) {
  return `${new Date(milliseconds).toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`;
}

/** A key and its certificate, self-signed or issued by another holder. */
export class Holder {
  constructor(name, key, { issuer, ca = true, addresses = [] } = {}) {
    const above = issuer ?? this;
    this.subject = { str: `/CN=${name}` };
    this.keyPem = key.privateKey;
    this.algorithm = key.algorithm;
    const now = Date.now();
    const ext = [{ extname: "basicConstraints", cA: ca, critical: true }];
    if (addresses.length) {
      ext.push({ extname: "subjectAltName", array: addresses.map((ip) => ({ ip })) });
    }
    const certificate = new jsrsasign.KJUR.asn1.x509.Certificate({
      version: 3,
      serial: { hex: `01${randomBytes(15).toString("hex")}` },
      sigalg: above.algorithm,
      issuer: above.subject,
      subject: this.subject,
      notbefore: time(now - 300_000),
      notafter: time(now + DAY_MS),
      sbjpubkey: key.publicKey,
      ext,
      cakey: above.keyPem,
    });
    this.der = Buffer.from(certificate.tohex(), "hex");
    const lines = this.der.toString("base64").match(/.{1,64}/g).join("\n");
    this.pem = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }

  /** As it stands in `x5c`: base64, not base64url. */
  get x5c() {
    return this.der.toString("base64");
  }

  get thumbprint() {
    return createHash("sha1").update(this.der).digest("hex").toUpperCase();
  }

  /** The options that make the SDK sign with this key. */
  get signing() {
    return { privateKey: this.keyPem, certificate: this.pem };
  }
}

/** A private key as JWK, for an issuer's key set. */
export function jwk(key, kid, alg) {
  return { ...createPrivateKey(key.privateKey).export({ format: "jwk" }), kid, alg, use: "sig" };
}
