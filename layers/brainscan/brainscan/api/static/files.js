// What a reader has dropped or chosen: files with the paths that they have there, and the objects that they are sent as.

import { tarOf } from "./tar.js";

// As `brainscan upload` bundles them: what one invocation of intake expands, and few enough bytes that results come early.
const BUNDLE_FILES = 1000;
const BUNDLE_BYTES = 256 * 1024 ** 2;
const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i;

// Every file of a drop, those within folders too; [{ path, file }].
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found.sort((one, other) => (one.path < other.path ? -1 : 1)); // a folder is read in any order
}

export const selectedFiles = (input) =>
  [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    found.push({ path: entry.fullPath.slice(1), file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) return;
    for (const each of some) await walk(each, found);
  }
}

// Splits into what is sent and what is not: a file that cannot be read, and the index of a medium, which would miss the
// names that its files lose on the way.
export async function splitReadable(chosen) {
  const sent = [];
  const left = [];
  for (const each of chosen) {
    if (/(^|\/)DICOMDIR$/i.test(each.path)) left.push({ ...each, why: "index of the medium, no image" });
    else if (!(await readable(each.file))) left.push({ ...each, why: "unreadable" });
    else sent.push(each);
  }
  return { sent, left };
}

const readable = (file) =>
  file ? file.slice(0, 1).arrayBuffer().then(() => true, () => false) : false;

// An archive goes as it is, and so does what is as large as a bundle; all else is bundled.
export function uploadObjects(chosen) {
  const objects = [];
  let bundle = [];
  let size = 0;
  const close = () => {
    if (bundle.length) objects.push({ blob: tarOf(bundle.map(({ file }) => file)), archive: true, bundled: true, files: bundle });
    bundle = [];
    size = 0;
  };
  for (const each of chosen) {
    if (ARCHIVE.test(each.path) || each.file.size >= BUNDLE_BYTES) {
      objects.push({ blob: each.file, archive: ARCHIVE.test(each.path), bundled: false, files: [each] });
      continue;
    }
    if (bundle.length >= BUNDLE_FILES || size + each.file.size > BUNDLE_BYTES) close();
    bundle.push(each);
    size += each.file.size;
  }
  close();
  return objects;
}
