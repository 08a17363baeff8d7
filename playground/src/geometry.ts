/** Where the network looks: between pixels of the picture and places of a layer's map. */

import type { Layer, Model, Pair } from "./api/types";

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The part of a picture that the network sees, in pixels of the picture. */
export function inputBox(model: Model, width: number, height: number): Box {
  const { resize, crop, fit } = model.preprocessing;
  const share = crop / resize;
  const side = Math.min(width, height) * share;
  const [across, down] = fit === "squash" ? [width * share, height * share] : [side, side];
  const left = (width - across) / 2;
  const top = (height - down) / 2;
  return { left, top, right: left + across, bottom: top + down };
}

/** Rows and columns of a layer's map, or null for a layer without places. */
export function mapSize(layer: Layer): Pair | null {
  const [, rows, columns] = layer.shape;
  return rows && columns && rows * columns > 1 ? [rows, columns] : null;
}

/** The place [y, x] of the map whose centre is nearest to a point of the picture. */
export function placeAt(layer: Layer, model: Model, seen: Box, x: number, y: number): Pair {
  const size = mapSize(layer) ?? [1, 1];
  const point: Pair = [
    ((y - seen.top) / (seen.bottom - seen.top)) * model.input_size,
    ((x - seen.left) / (seen.right - seen.left)) * model.input_size,
  ];
  const nearest = (axis: 0 | 1) => {
    const field = layer.receptive_field;
    const index = field
      ? (point[axis] - field.offset[axis] - field.size[axis] / 2) / field.stride[axis]
      : (point[axis] / model.input_size) * size[axis] - 0.5;
    return Math.min(size[axis] - 1, Math.max(0, Math.round(index)));
  };
  return [nearest(0), nearest(1)];
}

/** What the unit at a place sees, in pixels of the picture and inside of `seen`. */
export function fieldBox(layer: Layer, model: Model, seen: Box, place: Pair): Box | null {
  const field = layer.receptive_field;
  if (!field) return null;
  const scale = (seen.right - seen.left) / model.input_size;
  const scaleDown = (seen.bottom - seen.top) / model.input_size;
  const top = seen.top + (field.offset[0] + place[0] * field.stride[0]) * scaleDown;
  const left = seen.left + (field.offset[1] + place[1] * field.stride[1]) * scale;
  return {
    left: Math.max(seen.left, left),
    top: Math.max(seen.top, top),
    right: Math.min(seen.right, left + field.size[1] * scale),
    bottom: Math.min(seen.bottom, top + field.size[0] * scaleDown),
  };
}
