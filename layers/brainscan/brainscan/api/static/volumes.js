// What the DICOM viewer shows: the uploaded slices as one volume, and the segments of their SEG on top of it.

import { linkUrl } from "./dom.js";

const LABELS = "labels.nii.gz"; // the SEG on the grid of its series, written with it
const READER = { R: [0, 84, 84], G: [0, 214, 214], B: [0, 255, 255], A: [0, 255, 255], I: [0, 1, 255] };
const MASK = { R: [0, 255, 255], G: [0, 115, 115], B: [0, 33, 33], A: [0, 255, 255], I: [0, 1, 255] };

export async function volumeOf(slices, Dcm2niix) {
  const urls = new Map(slices.map((slice) => [slice.staged_key, linkUrl(slice, "source")]));
  const files = await Promise.all([...urls].map(async ([key, url]) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error("The uploaded slices are no longer kept; upload the study again to view it.");
    return new File([await response.blob()], `${key.replaceAll("/", "-")}.dcm`);
  }));
  for (const file of files) file._webkitRelativePath = file.name;
  const converter = new Dcm2niix();
  await converter.init();
  const converted = await converter.input(files).run();
  const volume = converted.find((file) => file.name.endsWith(".nii"));
  if (!volume) throw new Error("These slices do not form a volume that the viewer can show.");
  return volume.arrayBuffer();
}

export async function maskOf(series, viewer, NVImage) {
  const volume = await labelsOf(series, viewer, NVImage, "mask", MASK);
  if (!volume) return null;
  viewer.addVolume(volume);
  return maskLayer(volume, viewer);
}

// What readers drew, as outlines on the grid of the series' labels; null where nobody did or there is no such grid.
export async function readersMaskOf(series, slices, viewer, NVImage) {
  const drawn = new Map(slices.map((slice) => [slice.scan_id, linkUrl(slice, "reader_mask")]).filter(([, url]) => url));
  const volume = drawn.size ? await labelsOf(series, viewer, NVImage, "reader", READER) : null;
  if (!volume) return null;
  const [, columns, rows] = volume.hdr.dims;
  const marks = new volume.img.constructor(volume.img.length);
  const places = placesOf(await (await fetch(linkUrl(series, "series.json"))).json());
  await Promise.all([...drawn].filter(([scan]) => places.has(scan)).map(async ([scan, url]) => {
    const image = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = new OffscreenCanvas(columns, rows).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const { data } = canvas.getImageData(0, 0, columns, rows);
    for (let at = 0; at < columns * rows; at += 1) if (data[4 * at]) marks[places.get(scan) * columns * rows + at] = 1;
  }));
  volume.img = outlineOf(marks, volume.hdr.dims);
  viewer.addVolume(volume);
  return { look: ({ shown }) => {
    volume.opacity = shown ? 1 : 0;
    viewer.updateGLVolume();
  } };
}

// Where the slices that the series rests on lie on an even grid, by scan, as their labels were written.
function placesOf({ slices, rests_on: rests }) {
  const stack = slices.filter((each) => each.acquisition === rests && each.position_mm !== undefined);
  const gaps = stack.slice(1).map((each, before) => each.position_mm - stack[before].position_mm);
  const usual = [...gaps].sort((one, other) => one - other)[Math.floor(gaps.length / 2)];
  let place = 0;
  return new Map(stack.map(({ scan_id: scan }, at) => [scan, at ? (place += Math.round(gaps[at - 1] / usual)) : 0]));
}

async function labelsOf(series, viewer, NVImage, colormap, colors) {
  const url = linkUrl(series, LABELS);
  if (!url) return null;
  const response = await fetch(url);
  if (!response.ok) throw new Error("The mask of this series could not be loaded.");
  const buffer = await response.arrayBuffer();
  viewer.addColormap(colormap, colors);
  return NVImage.loadFromUrl({ url: LABELS, name: LABELS, buffer, colormap, cal_min: 0, cal_max: 1, colorbarVisible: false });
}

function maskLayer(volume, viewer) {
  const filled = volume.img;
  const outlined = outlineOf(filled, volume.hdr.dims);
  return {
    look({ shown, outline, opacity }) {
      volume.img = outline ? outlined : filled;
      volume.opacity = shown ? (outline ? 1 : opacity) : 0;
      viewer.updateGLVolume();
    },
    largest: () => largestSlice(filled, volume, viewer),
  };
}

// Marks with an unmarked neighbour, corners included, in their own slice; slices are the file's third axis.
function outlineOf(labels, [, columns, rows]) {
  const edge = new labels.constructor(labels.length);
  const size = columns * rows;
  const around = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => down * columns + right));
  for (let at = 0; at < labels.length; at += 1) {
    if (!labels[at]) continue;
    const column = at % columns;
    const row = Math.floor((at % size) / columns);
    const inside = column > 0 && column < columns - 1 && row > 0 && row < rows - 1 &&
      around.every((step) => labels[at + step] === labels[at]);
    if (!inside) edge[at] = labels[at];
  }
  return edge;
}

// Where the viewer's scene has the middle of the marks of the slice with most, as fractions of the shown volume.
function largestSlice(labels, volume, viewer) {
  const [, columns, rows, slices] = volume.hdr.dims;
  const size = columns * rows;
  const counts = Array.from({ length: slices }, (_, place) =>
    labels.subarray(place * size, (place + 1) * size).reduce((sum, label) => sum + (label > 0), 0));
  const slice = counts.indexOf(Math.max(...counts));
  const marks = [...labels.subarray(slice * size, (slice + 1) * size).keys()].filter((at) => labels[slice * size + at]);
  const mean = (of) => marks.reduce((sum, at) => sum + of(at), 0) / marks.length;
  const middle = [mean((at) => at % columns), mean((at) => Math.floor(at / columns)), slice, 1];
  const millimetres = volume.hdr.affine.map((row) => row.reduce((sum, value, axis) => sum + value * middle[axis], 0));
  return viewer.mm2frac(millimetres);
}
