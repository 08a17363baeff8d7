/** The addresses of the page, behind the `#`: every job and every unit of a model has one. */

import { useEffect, useState } from "preact/hooks";
import type { Pair } from "./api/types";

export type Route =
  | { page: "start" }
  | { page: "job"; id: string }
  | { page: "compare"; ids: [string, string] }
  | { page: "history" }
  | UnitRoute;

export interface UnitRoute {
  page: "layers";
  model: string;
  layer: string | null;
  channel: number | null;
  /** [y, x] of one neuron of the channel. */
  place: Pair | null;
}

/** Read an address such as `#/job/01a2…` or `#/efficientnet_lite0/blocks.4.0.conv_pw/20@7,7`. */
export function parseRoute(hash: string): Route {
  const [first, second, third] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (!first) return { page: "start" };
  if (first === "job" && second) return { page: "job", id: second };
  if (first === "compare" && second && third) return { page: "compare", ids: [second, third] };
  if (first === "history") return { page: "history" };
  const [, channel, y, x] = /^(\d+)(?:@(\d+),(\d+))?$/.exec(third ?? "") ?? [];
  return {
    page: "layers",
    model: first,
    layer: second || null,
    channel: channel === undefined ? null : Number(channel),
    place: y === undefined ? null : [Number(y), Number(x)],
  };
}

export const jobLink = (id: string) => `#/job/${id}`;
export const compareLink = (left: string, right: string) => `#/compare/${left}/${right}`;

/** The address of a model's layers, of one layer, of one of its channels, or of one neuron. */
export function unitLink(
  model: string,
  layer: string | null = null,
  channel: number | null = null,
  place: Pair | null = null,
): string {
  const parts = [model, layer, layer === null ? null : channel].filter((part) => part !== null);
  const link = `#/${parts.map((part) => encodeURIComponent(String(part))).join("/")}`;
  return channel !== null && place ? `${link}@${place.join(",")}` : link;
}

export function go(link: string): void {
  location.hash = link;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const update = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return route;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
