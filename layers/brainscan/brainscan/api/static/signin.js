// Signing in at the deployment's OpenID Connect issuer: authorization code with PKCE (RFC 7636).
// Tokens live in this tab alone.

const EARLY_MS = 30_000;
const settings = fetch("/page.json").then((response) => response.json());
const here = () => `${location.origin}/`;
let pending = null;
let refused = null; // once the issuer has said no, only a reload asks it again

// The access token, or null where nobody signs in. Many ask at once; one of them signs in or renews for all.
export function token() {
  pending ??= obtainToken().finally(() => (pending = null));
  return pending;
}

// Whether readers sign in here, and so may sign out.
export const signsIn = async () => Boolean((await settings).client_id);

// How many readers judge each case.
export const readersOfACase = async () => (await settings).readers;

// Whether files may be sent from the page.
export const takesFiles = async () => Boolean((await settings).uploads);

export async function signOut() {
  const issuer = await settings;
  const stored = readStored("token");
  sessionStorage.clear();
  if (!issuer.end_session_endpoint) return location.reload();
  const query = { client_id: issuer.client_id, post_logout_redirect_uri: here(), logout_uri: here() };
  if (stored?.identity) query.id_token_hint = stored.identity;
  location.assign(`${issuer.end_session_endpoint}?${new URLSearchParams(query)}`);
  return undefined;
}

async function obtainToken() {
  if (refused) throw refused;
  const issuer = await settings;
  if (!issuer.client_id) return null;
  const stored = readStored("token");
  if (stored && stored.until > Date.now()) return stored.token;
  const started = readStored("signin");
  const answer = new URLSearchParams(location.search);
  if (started && answer.get("state") === started.state) return redeemCode(issuer, answer, started);
  if (stored?.refresh) {
    const renewed = await requestTokens(issuer, { grant_type: "refresh_token", refresh_token: stored.refresh });
    if (renewed) return storeTokens(renewed, stored);
  }
  return redirectToIssuer(issuer);
}

async function redirectToIssuer(issuer) {
  if (!issuer.authorization_endpoint) throw new Error("Signing in is not possible now: its service cannot be reached.");
  const verifier = randomText();
  const started = { state: randomText(), verifier, back: location.search };
  sessionStorage.setItem("signin", JSON.stringify(started));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: issuer.client_id,
    redirect_uri: here(),
    scope: ["openid", ...issuer.scopes].join(" "),
    state: started.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${issuer.authorization_endpoint}?${query}`);
  return new Promise(() => {}); // the page is leaving
}

// The issuer has sent the reader back, with a code or with its reason to refuse: then the reader decides what is next.
async function redeemCode(issuer, answer, started) {
  sessionStorage.removeItem("signin");
  const taken = answer.has("code") && (await requestTokens(issuer, {
    grant_type: "authorization_code", redirect_uri: here(), code: answer.get("code"), code_verifier: started.verifier,
  }));
  if (!taken) {
    refused = new Error(refusal(answer));
    throw refused;
  }
  storeTokens(taken);
  location.replace(here() + started.back);
  return new Promise(() => {});
}

const refusal = (answer) =>
  `The sign-in did not succeed (${answer.get("error") ?? "no token"}). To try again, open the worklist anew.`;

async function requestTokens(issuer, given) {
  const body = new URLSearchParams({ client_id: issuer.client_id, ...given });
  const response = await fetch(issuer.token_endpoint, { method: "POST", body });
  return response.ok ? response.json() : null;
}

function storeTokens(answer, before = {}) {
  const stored = {
    token: answer.access_token,
    until: Date.now() + answer.expires_in * 1000 - EARLY_MS,
    refresh: answer.refresh_token ?? before.refresh,
    identity: answer.id_token ?? before.identity,
  };
  sessionStorage.setItem("token", JSON.stringify(stored));
  return stored.token;
}

const readStored = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null");
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
