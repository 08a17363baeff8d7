/** The part of a made picture that was changed, because its neuron sees nothing else. */

import type { Job } from "../api/types";
import type { Box } from "../geometry";
import { isNumbered } from "./layers_of";

interface Field {
  /** The picture that it is a part of, and the side of that in pixels. */
  name: string;
  size: number;
  box: Box;
}

/** Return the field of a job with one picture of one neuron, or null where it is all of it. */
export function fieldOf(job: Job): Field | null {
  const { field, size } = job.result?.summary ?? {};
  const name = "image.png";
  const artifacts = job.result?.artifacts ?? [];
  // Of several pictures, image.png is the grid.
  const single = artifacts.some((each) => each.name === name) && !artifacts.some(isNumbered);
  if (!single || !Array.isArray(field) || typeof size !== "number") return null;
  const [left, top, right, bottom] = field.map(Number) as [number, number, number, number];
  const whole = right - left >= size && bottom - top >= size;
  return whole || right <= left || bottom <= top
    ? null
    : { name, size, box: { left, top, right, bottom } };
}
