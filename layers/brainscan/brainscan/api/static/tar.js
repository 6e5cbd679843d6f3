// Files as one tar (POSIX ustar): headers and padding around the files themselves, which are read only as they are sent.

const BLOCK = 512;
const IMAGE = /\.(dcm|dicom|ima|png|jpe?g|tiff?|nii(\.gz)?)$/i;

export function tarOf(files) {
  const pieces = files.flatMap((file, place) => [header(nameIn(file, place), file.size), file, padding(file.size)]);
  return new Blob([...pieces, new Uint8Array(2 * BLOCK)]);
}

// A number and how an image's name ends: nothing that a sender chose.
const nameIn = (file, place) => `${place}`.padStart(6, "0") + (IMAGE.exec(file.name)?.[0].toLowerCase() ?? "");

const padding = (size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

const octal = (number, digits) => number.toString(8).padStart(digits, "0");

function header(name, size) {
  const block = new Uint8Array(BLOCK);
  const put = (offset, text) => block.set(new TextEncoder().encode(text), offset);
  put(0, name);
  put(100, "0000644\0"); // mode, owner, group
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(0, 11)}\0`); // no time: it may be that of an examination
  put(148, " ".repeat(8)); // what the checksum is taken over
  put(156, "0");
  put(257, "ustar\0" + "00");
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return block;
}
