/** The maps of a layer's channels for one picture, and which channels respond at a place. */

import type { Pair } from "../api/types";
import type { Box } from "../geometry";
import { formatNumber } from "../words";
import type { Colors } from "./colors";

/** An entry of channels.json. */
export interface ChannelEntry {
  channel: number;
  mean: number;
  min: number;
  max: number;
  /** [y, x] of the largest value; null for a layer without places. */
  position: Pair | null;
}

export interface ChannelMaps {
  layer: string;
  /** Number of channels of the layer; `entries` may have fewer. */
  channels: number;
  rows: number;
  columns: number;
  /** In the order of the maps. */
  entries: ChannelEntry[];
  /** Levels of the maps one after the other: 0 at the channel's `min`, 255 at its `max`. */
  levels: Uint8Array;
  colors: Colors;
  /** The part of the picture that the map covers. */
  box: Box;
}

/** How tiles are ordered: by what is shown of a channel anywhere, or at the chosen place. */
export type Order = "mean" | "max" | "index" | "here" | "contrast";

export function levelsOf(maps: ChannelMaps, row: number): Uint8Array {
  const size = maps.rows * maps.columns;
  return maps.levels.subarray(row * size, (row + 1) * size);
}

/** The value of the map number `row` at a place. */
export function valueAt(maps: ChannelMaps, row: number, [y, x]: Pair): number {
  const entry = maps.entries[row];
  const level = maps.levels[(row * maps.rows + y) * maps.columns + x];
  if (!entry || level === undefined) return Number.NaN;
  return entry.min + (level / 255) * (entry.max - entry.min);
}

/** The value at a place as text. The levels of a map are bytes: three digits are what they have. */
export function valueText(maps: ChannelMaps, row: number, place: Pair): string {
  return formatNumber(Number(valueAt(maps, row, place).toPrecision(3)));
}

/** A rectangle of places, with its last row and column inside. */
export interface Area {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** The places around one, about a tenth of the map's sides: what a click into the picture means. */
export function areaAround({ rows, columns }: ChannelMaps, [y, x]: Pair): Area {
  const [down, across] = [Math.floor(rows / 20), Math.floor(columns / 20)];
  return {
    top: Math.max(0, y - down),
    left: Math.max(0, x - across),
    bottom: Math.min(rows - 1, y + down),
    right: Math.min(columns - 1, x + across),
  };
}

/** The mean of a map over an area. */
function meanIn(maps: ChannelMaps, row: number, area: Area): number {
  let [sum, count] = [0, 0];
  for (let y = area.top; y <= area.bottom; y++) {
    for (let x = area.left; x <= area.right; x++) {
      sum += valueAt(maps, row, [y, x]);
      count += 1;
    }
  }
  return sum / count;
}

/**
 * By how many of its deviations the channel is above its mean: more there than elsewhere. Of
 * several areas, that of the one where it is least.
 */
export function contrastIn(maps: ChannelMaps, row: number, areas: Area[]): number {
  const entry = maps.entries[row];
  const deviation = deviationOf(maps, row);
  if (!entry || deviation === 0) return 0;
  return (leastMean(maps, row, areas) - entry.mean) / deviation;
}

/** The mean of a map over an area, of several areas the least. */
export function leastMean(maps: ChannelMaps, row: number, areas: Area[]): number {
  return Math.min(...areas.map((area) => meanIn(maps, row, area)));
}

/** The numbers of the maps in an order. Orders by place need areas. */
export function ordered(maps: ChannelMaps, order: Order, areas: Area[]): number[] {
  const key = (row: number): number => {
    const entry = maps.entries[row];
    if (!entry) return 0;
    if (order === "mean" || order === "max") return entry[order];
    if (order === "index" || areas.length === 0) return -entry.channel;
    return order === "here" ? leastMean(maps, row, areas) : contrastIn(maps, row, areas);
  };
  const keys = maps.entries.map((_, row) => key(row));
  const rows = maps.entries.map((_, row) => row);
  return rows.sort((one, other) => (keys[other] ?? 0) - (keys[one] ?? 0) || one - other);
}

/** Whether the layer has more than one place. */
export function hasPlaces({ rows, columns }: ChannelMaps): boolean {
  return rows * columns > 1;
}

function deviationOf(maps: ChannelMaps, row: number): number {
  const levels = levelsOf(maps, row);
  const entry = maps.entries[row];
  if (!entry || levels.length === 0) return 0;
  let sum = 0;
  let squares = 0;
  for (const level of levels) {
    sum += level;
    squares += level * level;
  }
  const mean = sum / levels.length;
  const variance = Math.max(0, squares / levels.length - mean * mean);
  return (Math.sqrt(variance) * (entry.max - entry.min)) / 255;
}
