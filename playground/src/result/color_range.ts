/** The values of the ends of a map's colours, from the job's summary. */

import type { Job } from "../api/types";

export interface ColorRange {
  low: number;
  high: number;
  /** Of what the values are; null in jobs of versions that did not say so. */
  units: string | null;
  /** The least and the largest value of the map. */
  minimum: number;
  maximum: number;
}

/** Return the range of a job whose picture is a map, or null for other jobs. */
export function rangeOf(job: Job): ColorRange | null {
  const { color_range: ends, units, minimum, maximum } = job.result?.summary ?? {};
  if (!Array.isArray(ends)) return null;
  const [low, high] = ends.map(Number) as [number, number];
  return {
    low,
    high,
    units: typeof units === "string" ? units : null,
    minimum: Number(minimum ?? low),
    maximum: Number(maximum ?? high),
  };
}

/** Whether the same colour means another value in two maps. */
export function colorsDiffer(left: Job | null, right: Job | null): boolean {
  const [one, other] = [left && rangeOf(left), right && rangeOf(right)];
  if (!one || !other) return false;
  return one.low !== other.low || one.high !== other.high || one.units !== other.units;
}
