/** The pictures of a result: the one to look into first, then the others. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { contentPath } from "../api/images";
import { artifactPath } from "../api/jobs";
import type { Artifact, Job } from "../api/types";
import { useDraft } from "../draft";
import { useBlobUrl } from "../hooks/use_blob_url";
import { PlaceMarks } from "../picture/PlaceMarks";
import { useUnit } from "../picture/use_unit";
import { readable } from "../words";
import { BLENDED, Blend, Opacity } from "./Blend";
import { ColorBar } from "./ColorBar";
import { FieldPicture } from "./FieldPicture";
import { describeJob } from "./job_words";
import { figureOf, furtherPictures, isNumbered, layersOf } from "./layers_of";
import { verdictOf } from "./Verdict";

export function ResultPictures({ job, title }: { job: Job; title: string }) {
  const layers = layersOf(job);
  const [opacity, setOpacity] = useState(layers?.aboveName === "Heatmap" ? BLENDED : 100);
  const pictures = furtherPictures(job);
  const further = pictures.filter((artifact) => !isNumbered(artifact));
  const figure = figureOf(job);
  const parts = pictures.filter(isNumbered);
  const verdict = job.result && verdictOf(job.result.summary);
  const alt = [describeJob(job, title), verdict].filter(Boolean).join(". ");
  return (
    <div class="pictures">
      {layers && (
        <div class="main-picture">
          <Clickable below={layers.below}>
            <Blend layers={layers} opacity={opacity} alt={alt} />
          </Clickable>
          <ColorBar job={job} />
          <Opacity id={job.id} name={layers.aboveName} opacity={opacity} onChange={setOpacity} />
        </div>
      )}
      <FieldPicture job={job} alt={alt} />
      {further.map((artifact) => (
        <Further key={artifact.name} job={job} artifact={artifact} alt={alt} enlarged />
      ))}
      {parts.length > 0 && (
        <div class="parts">
          {parts.map((artifact) => (
            <Further key={artifact.name} job={job} artifact={artifact} alt={alt} />
          ))}
        </div>
      )}
      {figure && (
        <details>
          <summary>Figure for print</summary>
          <Further job={job} artifact={figure} alt={alt} />
        </details>
      )}
    </div>
  );
}

/** Lets a click choose the place of the neuron that the form names, on the form's picture. */
function Clickable({ below, children }: { below: string; children: ComponentChildren }) {
  const { picture } = useDraft().draft;
  const { model, layer, place, setPlace } = useUnit();
  const same = picture !== null && contentPath(picture.id) === below;
  if (!same || !model || !setPlace) return <>{children}</>;
  const { width, height } = picture;
  return (
    <PlaceMarks {...{ width, height, model, layer, place }} onPlace={setPlace} shaded={false}>
      {children}
    </PlaceMarks>
  );
}

interface FurtherProps {
  job: Job;
  artifact: Artifact;
  alt: string;
  enlarged?: boolean;
}

function Further({ job, artifact, alt, enlarged = false }: FurtherProps) {
  const url = useBlobUrl(artifactPath(job.id, artifact.name));
  const name = readable(artifact.name.replace(/\.\w+$/, "").replaceAll("-", " "));
  return (
    <figure class="further">
      {url && <img class={enlarged ? "enlarged" : ""} src={url} alt={`${name}: ${alt}`} />}
      <figcaption>{name}</figcaption>
    </figure>
  );
}
