// A packaged OpenID server on loopback, over TLS: programs get JWT access tokens for a resource by
// the client credentials grant.

import { once } from "node:events";
import https from "node:https";

import { Provider } from "oidc-provider";

import { call } from "./http.js";

const SECRET = "the secret of every program in these tests";

// What the server says of each program: `roles`, and which words it may have in `scope`.
const PROGRAMS = {
  owner: { roles: ["attestation-owner", "something-else"] },
  contributor: { roles: ["attestation-contributor"] },
  reader: { scope: "policies.read" },
  contoso: { roles: ["contoso-policies"] },
  nobody: {},
};

export class Issuer {
  /** Starts to listen, on a given port or any free one, with a key set of private JWKs. */
  static async start({ authority, holder, keys, port = 0, url }) {
    const server = https.createServer({ key: holder.keyPem, cert: holder.pem });
    // A test that fails before it stops the server is not to wait for it.
    server.unref().listen(port, "127.0.0.1");
    await once(server, "listening");
    const issuer = new Issuer();
    issuer.server = server;
    issuer.port = server.address().port;
    issuer.place = `https://127.0.0.1:${issuer.port}`;
    // A server can claim to be another one: that is for its readers to find out.
    issuer.url = url ?? issuer.place;
    issuer.authority = authority;
    issuer.algorithm = keys[0].alg;
    const provider = new Provider(issuer.url, issuer.configuration(keys));
    server.on("request", provider.callback());
    return issuer;
  }

  configuration(keys) {
    const clients = Object.keys(PROGRAMS).map((client_id) => ({
      client_id,
      client_secret: SECRET,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    }));
    const resource = (_context, audience) => ({
      audience,
      scope: "policies.read",
      accessTokenFormat: "jwt",
      accessTokenTTL: 3600,
      jwt: { sign: { alg: this.algorithm } },
    });
    return {
      clients,
      jwks: { keys },
      scopes: ["policies.read"],
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: { enabled: true, getResourceServerInfo: resource },
      },
      extraTokenClaims: (_context, token) => ({ roles: PROGRAMS[token.clientId].roles }),
    };
  }

  /** An access token for an audience, as the program gets it. */
  async token(program, audience) {
    const { scope } = PROGRAMS[program];
    const form = { grant_type: "client_credentials", resource: audience, ...(scope && { scope }) };
    const answer = await call(`${this.place}/token`, {
      method: "POST",
      ca: this.authority.pem,
      headers: {
        authorization: `Basic ${Buffer.from(`${program}:${encodeURIComponent(SECRET)}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams(form).toString(),
    });
    if (answer.status !== 200) {
      throw new Error(`the OpenID server answers ${answer.status}: ${answer.text}`);
    }
    return answer.json().access_token;
  }

  async stop() {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, "close");
  }
}
