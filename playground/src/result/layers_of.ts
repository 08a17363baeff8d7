/** Which pictures of a job lie over each other, and which are shown alone. */

import { contentPath } from "../api/images";
import { artifactPath } from "../api/jobs";
import type { Artifact, Job, JobInput } from "../api/types";

export interface Layers {
  /** Path of the picture below, and of the one whose opacity changes. */
  below: string;
  above: string;
  aboveName: string;
}

const FIGURE = "figure.png";
const PHOTOGRAPHS = ["image", "content"];

/** A map lies over its photograph; a made picture over the one that it was made from. */
export function layersOf(job: Job): Layers | null {
  const above = find(job, "heatmap.png") ?? find(job, "image.png");
  if (!above) return null;
  const start = find(job, "start.png");
  const input = photograph(job);
  const below = start ? artifactPath(job.id, start.name) : input && contentPath(input.id);
  if (!below) return null;
  const aboveName = above.name === "heatmap.png" ? "Heatmap" : "Result";
  return { below, above: artifactPath(job.id, above.name), aboveName };
}

/** The pictures that are shown on their own, without those of the layers. */
export function furtherPictures(job: Job): Artifact[] {
  const layers = layersOf(job);
  const inLayers = new Set(layers ? ["heatmap.png", "image.png", "overlay.png", "start.png"] : []);
  const others = pictures(job).filter(({ name }) => !inLayers.has(name) && name !== FIGURE);
  // A grid comes before its parts, which have numbers.
  return [...others.filter((each) => !isNumbered(each)), ...others.filter(isNumbered)];
}

/** The picture that stands for the job in a list. */
export function thumbnail(job: Job): string | null {
  const found = find(job, "overlay.png") ?? pictures(job)[0];
  if (found) return artifactPath(job.id, found.name);
  const input = photograph(job);
  return input ? contentPath(input.id) : null;
}

/** The figure for print, which shows the same map with its colour bar and texts. */
export function figureOf(job: Job): Artifact | undefined {
  return find(job, FIGURE);
}

export function isNumbered({ name }: Artifact): boolean {
  return /-\d+\.\w+$/.test(name);
}

function photograph(job: Job): JobInput | undefined {
  return PHOTOGRAPHS.map((name) => job.inputs[name]).find((image) => image?.width);
}

function pictures(job: Job): Artifact[] {
  return (job.result?.artifacts ?? []).filter(({ media_type }) =>
    ["image/png", "image/webp", "image/jpeg"].includes(media_type),
  );
}

function find(job: Job, name: string): Artifact | undefined {
  return job.result?.artifacts.find((artifact) => artifact.name === name);
}
