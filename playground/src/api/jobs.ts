/** Jobs: create, read, list and cancel. */

import { getJson, postJson, send } from "./request";
import type { Job, Page } from "./types";

export type JobRequest = Record<string, unknown>;

export function createJob(technique: string, request: JobRequest): Promise<Job> {
  return postJson<Job>(`v1/jobs/${technique}`, request);
}

export function readJob(id: string, wait = 0, signal?: AbortSignal): Promise<Job> {
  return getJson<Job>(wait ? `v1/jobs/${id}?wait=${wait}` : `v1/jobs/${id}`, signal);
}

export async function cancelJob(id: string): Promise<Job> {
  const response = await send(`v1/jobs/${id}/cancel`, { method: "POST" });
  return (await response.json()) as Job;
}

export function listJobs(filters: Record<string, string>): Promise<Page<Job>> {
  const given = Object.entries(filters).filter(([, value]) => value !== "");
  return getJson<Page<Job>>(`v1/jobs?${new URLSearchParams(given)}`);
}

const predictions = new Map<string, Promise<Job>>();

/** Ask the model for its first classes, and wait for them. The answer is kept for this tab. */
export function predict(model: string, image: string): Promise<Job> {
  const question = `${model} ${image}`;
  const known = predictions.get(question);
  if (known) return known;
  const asked = postJson<Job>(`v1/models/${encodeURIComponent(model)}/predict`, { image });
  predictions.set(question, asked);
  asked.catch(() => predictions.delete(question));
  return asked;
}

export function artifactPath(job: string, name: string): string {
  return `v1/jobs/${job}/artifacts/${encodeURIComponent(name)}`;
}

export function previewPath(job: string, step: number): string {
  return `v1/jobs/${job}/preview?step=${step}`;
}
