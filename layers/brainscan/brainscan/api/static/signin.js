// Signing in at the deployment's OpenID Connect issuer: authorization code with PKCE (RFC 7636).
// The token lives in this tab alone.

const settings = fetch("/page.json").then((response) => response.json());
const here = () => `${location.origin}/`;

export async function token() {
  const told = await settings;
  if (!told.client_id) return null;
  const kept = JSON.parse(sessionStorage.getItem("token") ?? "null");
  if (kept && kept.until > Date.now()) return kept.token;
  const answer = new URLSearchParams(location.search);
  const started = JSON.parse(sessionStorage.getItem("signin") ?? "null");
  if (started && answer.get("state") === started.state && answer.has("code"))
    return finish(told, answer.get("code"), started);
  return begin(told);
}

async function endpoints(told) {
  const response = await fetch(`${told.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  return response.json();
}

async function begin(told) {
  const verifier = random();
  const started = { state: random(), verifier, back: location.search };
  sessionStorage.setItem("signin", JSON.stringify(started));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: told.client_id,
    redirect_uri: here(),
    scope: ["openid", ...told.scopes].join(" "),
    state: started.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${(await endpoints(told)).authorization_endpoint}?${query}`);
  return new Promise(() => {}); // the page is leaving
}

async function finish(told, code, started) {
  sessionStorage.removeItem("signin");
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: told.client_id,
    redirect_uri: here(),
    code,
    code_verifier: started.verifier,
  });
  const response = await fetch((await endpoints(told)).token_endpoint, { method: "POST", body });
  if (!response.ok) throw new Error("The sign-in did not succeed; reload the page to try again.");
  const answer = await response.json();
  const until = Date.now() + (answer.expires_in - 30) * 1000;
  sessionStorage.setItem("token", JSON.stringify({ token: answer.access_token, until }));
  location.replace(here() + started.back);
  return new Promise(() => {});
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
