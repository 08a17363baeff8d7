/** One map in colours, a pixel for each place; the style sheet scales it. */

import { useEffect, useRef } from "preact/hooks";
import { type ChannelMaps, levelsOf } from "./channel_maps";
import { type Colors, colorTable, LEVELS } from "./colors";

interface Props {
  maps: ChannelMaps;
  row: number;
  /** Whether weak responses let the picture below shine through. */
  overlay?: boolean;
}

// How far the least and the largest magnitude cover the picture below.
const [FAINT, STRONG] = [0.3, 0.85];

export function MapCanvas({ maps, row, overlay = false }: Props) {
  const element = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = element.current?.getContext("2d");
    context?.putImageData(toImage(maps, row, overlay), 0, 0);
  }, [maps, row, overlay]);
  return <canvas ref={element} width={maps.columns} height={maps.rows} />;
}

function toImage(maps: ChannelMaps, row: number, overlay: boolean): ImageData {
  const image = new ImageData(maps.columns, maps.rows);
  const entry = maps.entries[row] ?? { min: 0, max: 0 };
  const table = colorTable(maps.colors);
  const range = limitsOf(maps.colors, entry.min, entry.max);
  levelsOf(maps, row).forEach((level, place) => {
    const value = entry.min + (level / 255) * (entry.max - entry.min);
    const unit = (value - range.low) / (range.high - range.low);
    const shade = Math.round(Math.min(1, Math.max(0, unit)) * (LEVELS - 1));
    image.data.set(table.subarray(3 * shade, 3 * shade + 3), 4 * place);
    const strength = maps.colors === "diverging" ? Math.abs(2 * unit - 1) : unit;
    image.data[4 * place + 3] = overlay ? 255 * (FAINT + (STRONG - FAINT) * strength) : 255;
  });
  return image;
}

/** The values of the ends of the colours, as the server's own: zero is the first or the middle. */
function limitsOf(colors: Colors, min: number, max: number): { low: number; high: number } {
  const high = Math.max(Math.abs(min), Math.abs(max)) || 1;
  return { low: colors === "diverging" ? -high : 0, high };
}
