/** The addresses of the page, behind the `#`: every job and every unit of a model has one. */

import { useEffect, useState } from "preact/hooks";

export type Route =
  | { page: "start" }
  | { page: "job"; id: string }
  | { page: "compare"; ids: [string, string] }
  | { page: "history" }
  | { page: "layers"; model: string; layer: string | null; channel: number | null };

/** Read an address such as `#/job/01a2…` or `#/efficientnet_lite0/blocks.4.0.conv_pw/20`. */
export function parseRoute(hash: string): Route {
  const [first, second, third] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (!first) return { page: "start" };
  if (first === "job" && second) return { page: "job", id: second };
  if (first === "compare" && second && third) return { page: "compare", ids: [second, third] };
  if (first === "history") return { page: "history" };
  const channel = third && /^\d+$/.test(third) ? Number(third) : null;
  return { page: "layers", model: first, layer: second || null, channel };
}

export const jobLink = (id: string) => `#/job/${id}`;
export const compareLink = (left: string, right: string) => `#/compare/${left}/${right}`;

/** The address of a model's layers, of one layer, or of one of its channels. */
export function unitLink(model: string, layer?: string | null, channel?: number | null): string {
  const parts = [model, layer, layer ? channel : null].filter((part) => part != null);
  return `#/${parts.map((part) => encodeURIComponent(String(part))).join("/")}`;
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
