/** The part of a made picture that its neuron sees, enlarged: the rest of it was not changed. */

import { artifactPath } from "../api/jobs";
import type { Job } from "../api/types";
import { useBlobUrl } from "../hooks/use_blob_url";
import { fieldOf } from "./field_of";

export function FieldPicture({ job, alt }: { job: Job; alt: string }) {
  const field = fieldOf(job);
  const url = useBlobUrl(field && artifactPath(job.id, field.name));
  if (!field) return null;
  const { left, top, right, bottom } = field.box;
  const [width, height] = [right - left, bottom - top];
  const style = {
    width: `${(field.size / width) * 100}%`,
    left: `${(-left / width) * 100}%`,
    top: `${(-top / height) * 100}%`,
  };
  return (
    <figure class="further">
      <div class="field-picture" style={{ aspectRatio: `${width} / ${height}` }}>
        {url && (
          <img class="of-field" src={url} style={style} alt={`What the neuron sees: ${alt}`} />
        )}
      </div>
      <figcaption>
        What the neuron sees: {width} × {height} pixels of the picture, enlarged
      </figcaption>
    </figure>
  );
}
