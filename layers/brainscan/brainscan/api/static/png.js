// A mask as the API takes it: one gray PNG of 1 bit, which no canvas writes. https://www.w3.org/TR/png-3/

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = TABLE[(rest ^ byte) & 255] ^ (rest >>> 8);
  return ~rest >>> 0;
}

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, checksum(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

// One byte a pixel, 0 or not, row by row -> rows of bits, each behind the number of its filter: none.
function packed(pixels, rows, columns) {
  const width = 1 + Math.ceil(columns / 8);
  const bytes = new Uint8Array(rows * width);
  for (let place = 0; place < pixels.length; place += 1) {
    if (!pixels[place]) continue;
    const column = place % columns;
    bytes[Math.floor(place / columns) * width + 1 + (column >> 3)] |= 128 >> (column & 7);
  }
  return bytes;
}

export async function encodeMask(pixels, rows, columns) {
  const header = new Uint8Array(13); // width, height, 1 bit, gray, and no choice of methods
  new DataView(header.buffer).setUint32(0, columns);
  new DataView(header.buffer).setUint32(4, rows);
  header[8] = 1;
  const deflating = new Blob([packed(pixels, rows, columns)]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(deflating).arrayBuffer());
  return new Blob([Uint8Array.from(SIGNATURE), chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array())],
    { type: "image/png" });
}

// The pixels of a mask at an address, one byte each, 255 on tumor; asked past the cache, whose answers to image
// elements carry no leave for scripts to read them.
export async function readMask(url, rows, columns) {
  const pixels = new Uint8Array(rows * columns);
  if (!url) return pixels;
  const answer = await fetch(url, { cache: "no-store" });
  if (!answer.ok) throw new Error("The mask could not be read; open the page again.");
  const bitmap = await createImageBitmap(await answer.blob());
  const context = new OffscreenCanvas(columns, rows).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, columns, rows);
  for (let place = 0; place < pixels.length; place += 1) pixels[place] = data[4 * place] > 127 ? 255 : 0;
  return pixels;
}
