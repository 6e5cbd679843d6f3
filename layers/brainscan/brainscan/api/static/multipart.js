// One object on its way into the uploads bucket: its parts go by links of the API, a few at once over all objects, each
// compared by S3 with its SHA-256. What was cut off goes on with the parts that are missing.

import { postJson } from "./api.js";

const AT_ONCE = 4;
const TRIES = 5;
const FIRST_PAUSE_MS = 500;

// Brings `object` ({ blob, archive, site }) into the bucket; what is known of it stays in it, and a second call goes on.
export async function transfer(object, onProgress, signal) {
  signal.throwIfAborted();
  object.sent ??= new Map(); // part number -> bytes that have gone out
  object.there ??= new Set(); // parts that S3 has
  object.upload ??= await withRetries(() => postJson("uploads", newUpload(object)), signal);
  const count = Math.ceil(object.blob.size / object.upload.part_bytes);
  const missing = Array.from({ length: count }, (_, place) => place + 1).filter((number) => !object.there.has(number));
  const done = await Promise.allSettled(missing.map((number) => withSlot(() => sendPart(object, number, onProgress, signal))));
  const failed = done.find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
  await withRetries(() => completeUpload(object), signal);
  object.completed = new Date().toISOString();
}

export async function abortUpload(object) {
  if (object.upload && !object.completed) await postUpload(object, "abort").catch(() => {}); // S3 forgets it within days
}

export const sentBytes = (object) => (object.sent ? [...object.sent.values()].reduce((sum, each) => sum + each, 0) : 0);

const newUpload = ({ blob, archive, site }) => ({ bytes: blob.size, archive, ...(site ? { site } : {}) });

const postUpload = (object, name, more = {}) =>
  postJson(`uploads/${object.upload.token}/${name}`, { upload_id: object.upload.upload_id, ...more });

// An upload that is gone once we have asked to complete it was completed by that: only the answer was lost.
async function completeUpload(object) {
  const again = object.completing;
  object.completing = true;
  try {
    await postUpload(object, "complete");
  } catch (error) {
    if (!(again && error.status === 404)) throw error;
  }
}

async function sendPart(object, number, onProgress, signal) {
  signal.throwIfAborted();
  const start = (number - 1) * object.upload.part_bytes;
  const body = await object.blob.slice(start, start + object.upload.part_bytes).arrayBuffer();
  const sha256 = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", body))));
  const reportSent = (bytes) => {
    object.sent.set(number, bytes);
    onProgress();
  };
  await withRetries(async () => {
    const address = await postUpload(object, "parts", { number, bytes: body.byteLength, sha256 });
    try {
      await put(address, body, reportSent, signal);
    } catch (error) {
      reportSent(0);
      throw error;
    }
  }, signal);
  object.there.add(number);
  reportSent(body.byteLength);
}

// By XMLHttpRequest: fetch does not say how far a body has gone out.
function put({ url, headers }, body, reportSent, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => reportSent(event.loaded);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new Error(`The bucket did not take a part (${request.status}).`));
    request.onerror = () => reject(new Error("The bucket cannot be reached."));
    request.onabort = () => reject(signal.reason);
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.send(new Blob([body]));
  });
}

// Tries again after growing pauses, except where the API has said no.
async function withRetries(call, signal) {
  for (let trial = 1; ; trial += 1) {
    try {
      return await call();
    } catch (error) {
      const final = error.status >= 400 && error.status < 500 && error.status !== 429;
      if (final || trial === TRIES || signal.aborted) throw Object.assign(error, { final });
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (trial - 1) * (0.5 + Math.random())));
    }
  }
}

let busy = 0;
const waiting = [];

async function withSlot(call) {
  if (busy >= AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  else busy += 1;
  try {
    return await call();
  } finally {
    if (waiting.length) waiting.shift()();
    else busy -= 1;
  }
}
