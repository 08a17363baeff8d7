/** What the pickers suggest: models, classes, layers and units, as the server lists them. */

import { listLayers, searchClasses, searchModels } from "../api/catalog";
import type { Layer } from "../api/types";
import type { Suggestion } from "./Combobox";

export async function suggestModels(text: string): Promise<Suggestion[]> {
  const models = await searchModels(text.trim());
  return models.map(({ name, source, input_size }) => ({
    value: name,
    label: name,
    detail: `${source.split(",")[0]} · ${input_size} px`,
  }));
}

/** Classes by a part of their label; with `prefix` as a target. */
export async function suggestClasses(
  model: string,
  text: string,
  prefix = "class:",
): Promise<Suggestion[]> {
  const query = text.replace(/^class:/, "").trim();
  const classes = await searchClasses(model, query);
  return classes.map(({ index, label }) => ({
    value: `${prefix}${index}`,
    label,
    detail: `class ${index}`,
  }));
}

export async function suggestLayers(model: string, text: string): Promise<Suggestion[]> {
  const layers = await listLayers(model);
  return layers.filter(({ path }) => matches(path, text)).map(layerSuggestion);
}

/** Classes and layers for a target: both, since a word may begin either. */
export async function suggestTargets(model: string, text: string): Promise<Suggestion[]> {
  const word = text.trim();
  const first: Suggestion[] = "top".startsWith(word)
    ? [{ value: "top", label: "top", detail: "the model's first prediction" }]
    : [];
  if (word.startsWith("class:")) return suggestClasses(model, word);
  if (word === "") return first;
  if (word.includes(":")) return [];
  const [classes, layers] = await Promise.all([
    suggestClasses(model, word).catch(() => []),
    suggestLayers(model, word).catch(() => []),
  ]);
  const units = layers.map((layer) => ({ ...layer, value: `${layer.value}:0` }));
  return [...first, ...classes.slice(0, 8), ...units];
}

/** Suggest for the last entry of a list, and keep those before. */
export function ofLast(suggest: (text: string) => Promise<Suggestion[]>) {
  return async (text: string): Promise<Suggestion[]> => {
    const before = text.slice(0, text.lastIndexOf(",") + 1);
    const found = await suggest(text.slice(before.length).trim());
    const kept = before ? `${before} ` : "";
    return found.map((suggestion) => ({ ...suggestion, value: kept + suggestion.value }));
  };
}

function layerSuggestion(layer: Layer): Suggestion {
  return {
    value: layer.path,
    label: layer.path,
    detail: `${layer.type} · ${layer.shape.join(" × ")}`,
  };
}

function matches(path: string, text: string): boolean {
  return path.toLowerCase().includes(text.trim().toLowerCase());
}
