/** Ask the server for the maps of a layer: one job for each picture and layer. */

import { artifactPath, createJob, readJob } from "../api/jobs";
import { getJson, Problem, send } from "../api/request";
import { isFinal, type Job } from "../api/types";
import type { ChannelEntry, ChannelMaps } from "./channel_maps";
import { readNpy } from "./npy";

const TECHNIQUE = "activations";
// The page sorts by itself and draws the tiles, so that any order needs no further job.
const WAIT_S = 30;

interface Summary {
  layer: string;
  channels: number;
  map_box: [number, number, number, number];
}

const kept = new Map<string, Promise<ChannelMaps>>();

/** Return the maps of all channels, or of the 64 with the largest mean if all are too many. */
export function askMaps(model: string, image: string, layer: string): Promise<ChannelMaps> {
  const key = `${model} ${image} ${layer}`;
  const known = kept.get(key);
  if (known) return known;
  const asked = ask({ model, image, layer });
  kept.clear(); // One layer at a time: the maps of a large one are 16 MB.
  kept.set(key, asked);
  asked.catch(() => kept.delete(key));
  return asked;
}

async function ask(body: Record<string, unknown>): Promise<ChannelMaps> {
  let job: Job;
  try {
    job = await createJob(TECHNIQUE, { ...body, maps: "all", top: 1 });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "too_expensive") throw error;
    job = await createJob(TECHNIQUE, body);
  }
  while (!isFinal(job.status)) job = await readJob(job.id, WAIT_S);
  if (job.error) throw new Problem(job.error.code, job.error.title, job.error.detail);
  return read(job);
}

async function read(job: Job): Promise<ChannelMaps> {
  const summary = job.result?.summary as unknown as Summary;
  const [entries, file] = await Promise.all([
    getJson<ChannelEntry[]>(artifactPath(job.id, "channels.json")),
    send(artifactPath(job.id, "maps.npy")).then((response) => response.arrayBuffer()),
  ]);
  const { shape, values } = readNpy(file);
  const [left, top, right, bottom] = summary.map_box;
  return {
    layer: summary.layer,
    channels: summary.channels,
    rows: shape[1] ?? 1,
    columns: shape[2] ?? 1,
    entries,
    levels: values,
    colors: entries.some((entry) => entry.min < 0) ? "diverging" : "sequential",
    box: { left, top, right, bottom },
  };
}
