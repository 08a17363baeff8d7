/** The colours of a PNG that has a palette, such as heatmap.png. */

type Color = [number, number, number];

const SIGNATURE = 8;
// A chunk is its length, its name, its bytes and a checksum.
const HEAD = 8;
const CHECKSUM = 4;

/** Return the colours of the chunk PLTE, or none where the file has no palette. */
export function readPalette(file: ArrayBuffer): Color[] {
  const view = new DataView(file);
  let start = SIGNATURE;
  while (start + HEAD <= view.byteLength) {
    const length = view.getUint32(start);
    const name = String.fromCharCode(...new Uint8Array(file, start + 4, 4));
    if (name === "PLTE") return triples(new Uint8Array(file, start + HEAD, length));
    start += HEAD + length + CHECKSUM;
  }
  return [];
}

function triples(bytes: Uint8Array): Color[] {
  return Array.from({ length: Math.floor(bytes.length / 3) }, (_, index) => [
    bytes[3 * index] ?? 0,
    bytes[3 * index + 1] ?? 0,
    bytes[3 * index + 2] ?? 0,
  ]);
}
