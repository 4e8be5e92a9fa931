// One HTTPS request to a server under a given CA.

import { once } from "node:events";
import https from "node:https";

export async function call(url, { method = "GET", ca, headers = {}, body } = {}) {
  const request = https.request(url, { method, ca, headers, agent: false });
  request.end(body);
  const [response] = await once(request, "response");
  const chunks = await response.toArray();
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) };
}
