/** A job in words: its title, what it is about, and its request. */

import type { Job, Technique } from "../api/types";
import type { Request } from "../run/request";

interface ExplainedTarget {
  text?: string;
  label?: string | null;
  kind?: string;
  index?: number | null;
}

/** The technique of a job that runs one over an image set. */
export const BATCH = "batch";

export function titleOf(job: Job, techniques: Technique[]): string {
  const titleOfTechnique = (wanted: unknown) =>
    techniques.find(({ name }) => name === wanted)?.title ?? String(wanted);
  if (job.technique === BATCH) return `Batch: ${titleOfTechnique(job.params.technique)}`;
  return titleOfTechnique(job.technique);
}

/** What the job explains: the class that `top` was, a unit, or a layer. */
export function subjectOf(job: Job): string {
  const target = job.result?.summary.target as ExplainedTarget | undefined;
  if (target?.label)
    return `${target.label}${target.text === "top" ? ", the first prediction" : ""}`;
  const [first] = (job.result?.summary.predictions as { label: string }[] | undefined) ?? [];
  if (first) return first.label;
  const { params } = job;
  const text = target?.text ?? params.target ?? params.targets ?? params.goal ?? params.layer;
  return text ? String(text) : "";
}

/** A sentence for those who cannot see a picture of the job. */
export function describeJob(job: Job, title: string): string {
  const subject = subjectOf(job);
  return subject ? `${title} of ${subject}` : title;
}

export function requestOfJob(job: Job, technique: Technique): Request {
  const properties = technique.parameters.properties ?? {};
  return {
    technique: job.technique,
    inputs: Object.entries(job.inputs).map(([name, { id }]) => ({ name, value: id, file: null })),
    params: Object.entries(job.params).filter(
      ([name, value]) => value !== null && value !== (properties[name]?.default ?? null),
    ),
  };
}
