// Signing in at the deployment's OpenID Connect issuer: authorization code with PKCE (RFC 7636).
// Tokens live in this tab alone.

const EARLY_MS = 30_000;
const settings = fetch("/page.json").then((response) => response.json());
const here = () => `${location.origin}/`;
let pending = null;
let refused = null; // once the issuer has said no, only a reload asks it again

// The access token, or null where nobody signs in. Many ask at once; one of them signs in or renews for all.
export function token() {
  pending ??= obtain().finally(() => (pending = null));
  return pending;
}

// Whether readers sign in here, and so may sign out.
export const signsIn = async () => Boolean((await settings).client_id);

// How many readers judge each case.
export const readersOfACase = async () => (await settings).readers;

// Whether files may be sent from the page.
export const takesFiles = async () => Boolean((await settings).uploads);

export async function signOut() {
  const told = await settings;
  const kept = read("token");
  sessionStorage.clear();
  if (!told.end_session_endpoint) return location.reload();
  const query = { client_id: told.client_id, post_logout_redirect_uri: here(), logout_uri: here() };
  if (kept?.identity) query.id_token_hint = kept.identity;
  location.assign(`${told.end_session_endpoint}?${new URLSearchParams(query)}`);
  return undefined;
}

async function obtain() {
  if (refused) throw refused;
  const told = await settings;
  if (!told.client_id) return null;
  const kept = read("token");
  if (kept && kept.until > Date.now()) return kept.token;
  const started = read("signin");
  const answer = new URLSearchParams(location.search);
  if (started && answer.get("state") === started.state) return finish(told, answer, started);
  if (kept?.refresh) {
    const renewed = await ask(told, { grant_type: "refresh_token", refresh_token: kept.refresh });
    if (renewed) return keep(renewed, kept);
  }
  return begin(told);
}

async function begin(told) {
  if (!told.authorization_endpoint) throw new Error("Signing in is not possible now: its service cannot be reached.");
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
  location.assign(`${told.authorization_endpoint}?${query}`);
  return new Promise(() => {}); // the page is leaving
}

// The issuer has sent the reader back, with a code or with its reason to refuse: then the reader decides what is next.
async function finish(told, answer, started) {
  sessionStorage.removeItem("signin");
  const taken = answer.has("code") && (await ask(told, {
    grant_type: "authorization_code", redirect_uri: here(), code: answer.get("code"), code_verifier: started.verifier,
  }));
  if (!taken) {
    refused = new Error(refusal(answer));
    throw refused;
  }
  keep(taken);
  location.replace(here() + started.back);
  return new Promise(() => {});
}

const refusal = (answer) =>
  `The sign-in did not succeed (${answer.get("error") ?? "no token"}). To try again, open the worklist anew.`;

async function ask(told, given) {
  const body = new URLSearchParams({ client_id: told.client_id, ...given });
  const response = await fetch(told.token_endpoint, { method: "POST", body });
  return response.ok ? response.json() : null;
}

function keep(answer, before = {}) {
  const kept = {
    token: answer.access_token,
    until: Date.now() + answer.expires_in * 1000 - EARLY_MS,
    refresh: answer.refresh_token ?? before.refresh,
    identity: answer.id_token ?? before.identity,
  };
  sessionStorage.setItem("token", JSON.stringify(kept));
  return kept.token;
}

const read = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
