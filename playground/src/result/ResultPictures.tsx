/** The pictures of a result: the one to look into first, then the others. */

import { useState } from "preact/hooks";
import { artifactPath } from "../api/jobs";
import type { Artifact, Job } from "../api/types";
import { useBlobUrl } from "../hooks/use_blob_url";
import { readable } from "../words";
import { BLENDED, Blend, Opacity } from "./Blend";
import { describeJob } from "./job_words";
import { furtherPictures, layersOf } from "./layers_of";
import { verdictOf } from "./Verdict";

export function ResultPictures({ job, title }: { job: Job; title: string }) {
  const layers = layersOf(job);
  const [opacity, setOpacity] = useState(layers?.aboveName === "Heatmap" ? BLENDED : 100);
  const verdict = job.result && verdictOf(job.result.summary);
  const alt = [describeJob(job, title), verdict].filter(Boolean).join(". ");
  return (
    <div class="pictures">
      {layers && (
        <div class="main-picture">
          <Blend layers={layers} opacity={opacity} alt={alt} />
          <Opacity id={job.id} name={layers.aboveName} opacity={opacity} onChange={setOpacity} />
        </div>
      )}
      {furtherPictures(job).map((artifact) => (
        <Further key={artifact.name} job={job} artifact={artifact} alt={alt} />
      ))}
    </div>
  );
}

function Further({ job, artifact, alt }: { job: Job; artifact: Artifact; alt: string }) {
  const url = useBlobUrl(artifactPath(job.id, artifact.name));
  const name = readable(artifact.name.replace(/\.\w+$/, ""));
  return (
    <figure class="further">
      {url && <img src={url} alt={`${name}: ${alt}`} />}
      <figcaption>{name}</figcaption>
    </figure>
  );
}
