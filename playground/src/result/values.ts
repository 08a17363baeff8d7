/** Values of a summary as short texts. */

import { formatNumber, formatPercent, readable } from "../words";

/** Whether a value is a list of objects, which gets a table of its own. */
export function isTable(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

/** Whether a value is an object without a name of its own, such as losses by layer. */
export function isPairs(value: unknown): value is Record<string, unknown> {
  return isObject(value) && value.label == null && value.text == null;
}

export function shortValue(name: string, value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return number(name, value);
  if (Array.isArray(value)) return list(name, value);
  if (isObject(value)) return describeObject(value);
  return String(value).replace(/^sha256:(.{8}).*/, "$1…");
}

function number(name: string, value: number): string {
  const isShare = /(^|_)probability$|^share$|_fraction$/.test(name);
  return isShare ? formatPercent(value) : formatNumber(value);
}

/** Numbers of a list as what they are: a size, a range, or the corners of a box. */
function list(name: string, values: unknown[]): string {
  const parts = values.map((each) => shortValue(name, each));
  const numeric = values.every((each) => typeof each === "number");
  if (numeric && /(^|_)(size|shape|stride)$/.test(name)) return parts.join(" × ");
  if (numeric && /range$/.test(name)) return parts.join(" to ");
  if (numeric && parts.length === 4 && /(^|_)(box|field)$/.test(name)) {
    const [left, top, right, bottom] = values.map((each) => formatNumber(Math.round(Number(each))));
    return `${left}, ${top} to ${right}, ${bottom}`;
  }
  return parts.join(", ");
}

/** `{label, probability}` is `label, 39 %`; other objects are lists of names and values. */
function describeObject(value: Record<string, unknown>): string {
  const { label, text, probability } = value;
  const name = label ?? text;
  if (name !== undefined && name !== null) {
    const share = typeof probability === "number" ? `, ${formatPercent(probability)}` : "";
    return `${name}${share}`;
  }
  return Object.entries(value)
    .map(([key, each]) => `${readable(key)} ${shortValue(key, each)}`)
    .join("; ");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
