/** Layers in groups of their modules, and where to begin. */

import type { Layer } from "../api/types";
import { mapSize } from "../geometry";

const ACTIVATION = /^(Leaky|P|Quick)?(ReLU6?|ELU|GELU|SiLU|Mish|Swish|Hardswish)$/i;

export interface LayerGroup {
  title: string;
  layers: Layer[];
}

/** Group `blocks.4.0.conv_pw` under `blocks.4`; a layer that would be alone joins `blocks`. */
export function groupLayers(layers: Layer[]): LayerGroup[] {
  const counts = new Map<string, number>();
  for (const { path } of layers) counts.set(block(path), (counts.get(block(path)) ?? 0) + 1);
  const groups: LayerGroup[] = [];
  for (const layer of layers) {
    const wide = block(layer.path);
    const title = (counts.get(wide) ?? 0) > 1 ? wide : (layer.path.split(".")[0] ?? "");
    const last = groups[groups.length - 1];
    if (last?.title === title) last.layers.push(layer);
    else groups.push({ title, layers: [layer] });
  }
  return groups;
}

/** The size of the maps of a group, such as `28 × 28`, or how many sizes there are. */
export function sizeText({ layers }: LayerGroup): string {
  const sizes = new Set(layers.map((layer) => mapSize(layer)?.join(" × ") ?? "one value"));
  return [...sizes].length > 2 ? `${sizes.size} sizes` : [...sizes].join(", ");
}

/** An early, a middle and a late layer with a map: where to begin, with what to expect there. */
export function firstLayers(layers: Layer[], input: number): { layer: Layer; hint: string }[] {
  const hints: [number, string][] = [
    [2, "Edges and colours"],
    [8, "Patterns, eyes, small parts"],
    [16, "Parts of objects"],
  ];
  return hints.flatMap(([stride, hint]) => {
    const layer = lastOfSize(layers, input / stride);
    return layer ? [{ layer, hint }] : [];
  });
}

/** The last activation whose map is nearest to that size; what is negative is off there. */
function lastOfSize(layers: Layer[], size: number): Layer | null {
  const maps = layers.filter((layer) => mapSize(layer) !== null);
  const active = maps.filter(({ type }) => ACTIVATION.test(type));
  let best: Layer | null = null;
  const distance = (layer: Layer) => Math.abs(Math.log((mapSize(layer)?.[0] ?? 1) / size));
  for (const layer of active.length > 2 ? active : maps) {
    if (!best || distance(layer) <= distance(best)) best = layer;
  }
  return best;
}

function block(path: string): string {
  const [first = "", second = ""] = path.split(".");
  return /^\d+$/.test(second) ? `${first}.${second}` : first;
}
