/** Arrays of bytes in numpy's format. */

export interface ByteArray {
  shape: number[];
  values: Uint8Array;
}

/** Read a .npy file of uint8 in C order (numpy.lib.format). Throws if it is another one. */
export function readNpy(file: ArrayBuffer): ByteArray {
  const view = new DataView(file);
  const [sizeAt, start] = [8, 10];
  const end = start + view.getUint16(sizeAt, true);
  const header = new TextDecoder("latin1").decode(file.slice(start, end));
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1];
  if (view.getUint8(6) !== 1 || !/'descr': '\|u1'/.test(header) || shape === undefined) {
    throw new Error(`The array is none of bytes: ${header}`);
  }
  const sides = shape.split(",").filter((side) => side.trim() !== "");
  return { shape: sides.map(Number), values: new Uint8Array(file, end) };
}
