/** What can be run: techniques, models, layers and classes. Answers are kept for this tab. */

import { getJson, Problem } from "./request";
import type { ClassLabel, ImageSet, Layer, Model, Page, Technique } from "./types";

const MOST_TRIES = 5;

const kept = new Map<string, Promise<unknown>>();

/** Ask once; a refused question is asked again the next time. */
function once<Answer>(path: string): Promise<Answer> {
  const known = kept.get(path) as Promise<Answer> | undefined;
  if (known) return known;
  const asked = getJson<Answer>(path);
  kept.set(path, asked);
  asked.catch(() => kept.delete(path));
  return asked;
}

/** Forget all answers: another key may see other things. */
export function forgetCatalog(): void {
  kept.clear();
}

export async function listTechniques(): Promise<Technique[]> {
  return (await once<Page<Technique>>("v1/techniques")).items;
}

export async function searchModels(query: string): Promise<Model[]> {
  const path = query ? `v1/models?query=${encodeURIComponent(query)}` : "v1/models";
  return (await once<Page<Model>>(path)).items;
}

export function readModel(name: string): Promise<Model> {
  return once<Model>(`v1/models/${encodeURIComponent(name)}`);
}

/** All layers of a model. A worker may have to describe the model first, for some minutes. */
export async function listLayers(model: string): Promise<Layer[]> {
  const path = `v1/models/${encodeURIComponent(model)}/layers?wait=60`;
  for (let tries = 1; ; tries += 1) {
    try {
      return (await once<Page<Layer>>(path)).items;
    } catch (error) {
      const pending = error instanceof Problem && error.code === "description_pending";
      if (!pending || tries === MOST_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    }
  }
}

export async function searchClasses(model: string, query: string): Promise<ClassLabel[]> {
  const name = encodeURIComponent(model);
  const path = `v1/models/${name}/classes?query=${encodeURIComponent(query)}`;
  return (await once<Page<ClassLabel>>(path)).items;
}

export function readImageSet(id: string): Promise<ImageSet> {
  return once<ImageSet>(`v1/image-sets/${encodeURIComponent(id)}`);
}

export async function listImageSets(): Promise<ImageSet[]> {
  return (await getJson<Page<ImageSet>>("v1/image-sets?limit=50")).items;
}
