/** What a job is about, in a line below its title: for a batch, what it runs on which images. */

import { readImageSet } from "../api/catalog";
import type { Job } from "../api/types";
import { useAnswer } from "../hooks/use_answer";
import { BATCH, subjectOf } from "./job_words";

export function Subject({ job }: { job: Job }) {
  return <>{job.technique === BATCH ? <BatchSubject job={job} /> : subjectOf(job)}</>;
}

function BatchSubject({ job }: { job: Job }) {
  const {
    image_set: id,
    images,
    params,
  } = job.params as {
    image_set: string;
    images: number;
    params: Record<string, unknown>;
  };
  const set = useAnswer(id, () => readImageSet(id)).value;
  const name = set?.name ? `image set ${set.name}` : `image set …${id.slice(-6)}`;
  const target = params.target ? `${params.target}, ` : "";
  return <>{`${target}${name}, ${images} ${images === 1 ? "image" : "images"}`}</>;
}
