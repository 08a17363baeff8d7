/** From the form to a request, and from a job back to one: for the server and for copying. */

import type { Technique } from "../api/types";
import type { Draft } from "../draft";
import { PAGE_DEFAULTS } from "../technique/fields";

/** Inputs and parameters of a request, in the catalog's order. */
export interface Request {
  technique: string;
  inputs: { name: string; value: string; file: string | null }[];
  params: [string, unknown][];
}

/** The input that the picture above the form is for, or null for a technique without one. */
export function mainInput(technique: Technique) {
  return technique.images.find((spec) => spec.kind === "image") ?? null;
}

/** Whether the picture is sent: always where it is required, otherwise as chosen. */
export function sendsPicture(technique: Technique, draft: Draft): boolean {
  const main = mainInput(technique);
  if (!main) return false;
  if (main.required) return true;
  const other = technique.one_of.some((name) => name !== main.name && draft.extras[name]);
  return draft.sends[main.name] ?? (!other && technique.one_of.includes(main.name));
}

export function requestOf(technique: Technique, draft: Draft): Request {
  const main = mainInput(technique);
  const inputs: Request["inputs"] = [];
  if (main && draft.picture && sendsPicture(technique, draft)) {
    inputs.push({ name: main.name, value: draft.picture.id, file: draft.picture.name });
  }
  for (const spec of technique.images) {
    const extra = draft.extras[spec.name];
    if (spec !== main && extra) {
      inputs.push({ name: spec.name, value: extra.value, file: extra.name });
    }
  }
  const names = Object.keys(technique.parameters.properties ?? {});
  const values: Record<string, unknown> = {
    ...PAGE_DEFAULTS,
    ...draft.values,
    model: draft.model,
  };
  const changed = names.filter((name) => {
    const initial = technique.parameters.properties?.[name]?.default ?? null;
    return name in values && values[name] !== initial;
  });
  return { technique: technique.name, inputs, params: changed.map((name) => [name, values[name]]) };
}

export function toJson({ inputs, params }: Request): Record<string, unknown> {
  const sent = inputs.map(({ name, value }) => [name, value]);
  return Object.fromEntries([...sent, ...params]);
}
