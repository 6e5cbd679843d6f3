// The API as the page asks it; with a token where the deployment wants readers to sign in.

import { token } from "./signin.js";

export async function getJson(path, query = {}, options = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const address = given.length ? `/v1/${path}?${new URLSearchParams(given)}` : `/v1/${path}`;
  const headers = { Accept: "application/json", ...options.headers };
  const bearer = await token();
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const response = await fetch(address, { ...options, headers });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? answer.message), { status: response.status });
  return answer;
}

export function postJson(path, body) {
  const headers = { "Content-Type": "application/json" };
  return getJson(path, {}, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function getAllPages(path, query = {}) {
  const found = [];
  let cursor;
  do {
    const page = await getJson(path, { ...query, limit: 200, cursor });
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor);
  return found;
}
