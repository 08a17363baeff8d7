/** The colours of maps, as the server draws them: matplotlib's inferno and RdBu_r. */

/** Colours at equal steps, from the first to the last, as six hexadecimal digits each. */
const ANCHORS = {
  sequential: [
    "000003 030212 0a0723 140b36 200c49 2e0a59 3c0965 490b6a 560f6d 62146e 6f186e",
    "7c1d6c 88216a 952666 a12b61 ae305b bb3754 c73e4c d14643 db4f3a e45a31 eb6527",
    "f1711d f67f13 f98d08 fb9c06 fbab0f fbba1f f8ca32 f5d949 f1e864 f2f485 fcfea4",
  ],
  diverging: [
    "053061 0d4078 165190 1f62a6 2970b1 347eb9 3e8cc0 519bc8 6aabd0 82bbd8 99c8df",
    "acd2e5 c0dceb d2e5f0 deebf2 eaf1f4 f7f6f6 f9ede7 fae4d7 fcdcc8 faccb4 f7bc9f",
    "f4ab89 ed9777 e48266 db6c56 d15648 c63f3d ba2933 ac162a 960f26 7e0722 67001f",
  ],
};

export type Colors = keyof typeof ANCHORS;

/** Levels 0 to 254, so that the middle one is zero where the colours are diverging. */
export const LEVELS = 255;

const tables = new Map<Colors, Uint8ClampedArray>();

/** Red, green and blue of every level. */
export function colorTable(colors: Colors): Uint8ClampedArray {
  const known = tables.get(colors);
  if (known) return known;
  const anchors = ANCHORS[colors].join(" ").split(" ").map(parse);
  const table = new Uint8ClampedArray(3 * LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    const position = (level / (LEVELS - 1)) * (anchors.length - 1);
    const before = anchors[Math.floor(position)] ?? [0, 0, 0];
    const after = anchors[Math.ceil(position)] ?? before;
    for (const part of [0, 1, 2] as const) {
      const step = (after[part] - before[part]) * (position % 1);
      table[3 * level + part] = Math.round(before[part] + step);
    }
  }
  tables.set(colors, table);
  return table;
}

function parse(hex: string): [number, number, number] {
  const byte = (start: number) => Number.parseInt(hex.slice(start, start + 2), 16);
  return [byte(0), byte(2), byte(4)];
}
