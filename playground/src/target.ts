/** The text form of a target, which names a class, a channel or one neuron (docs/api.md). */

export interface Unit {
  layer: string;
  channel: number;
  /** [y, x], `center`, a token, or null for the whole channel. */
  place: [number, number] | string | null;
}

/** Return the unit that a text such as `blocks.4.0.conv_pw:20@7,7` names, or null for others. */
export function parseUnit(text: string): Unit | null {
  const match = /^\s*([^:@\s]+):(\d+)(?:@(.+?))?\s*$/.exec(text);
  if (!match?.[1] || match[1] === "class") return null;
  return { layer: match[1], channel: Number(match[2]), place: parsePlace(match[3]) };
}

export function formatUnit({ layer, channel, place }: Unit): string {
  if (place === null) return `${layer}:${channel}`;
  return `${layer}:${channel}@${Array.isArray(place) ? place.join(",") : place}`;
}

function parsePlace(text: string | undefined): Unit["place"] {
  if (text === undefined) return null;
  const match = /^(\d+)\s*,\s*(\d+)$/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : text;
}
