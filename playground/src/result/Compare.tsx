/** Two results side by side, under one slider. */

import { useState } from "preact/hooks";
import type { Job, Technique } from "../api/types";
import { useJob } from "../hooks/use_job";
import { useTitle } from "../hooks/use_title";
import { compareLink, jobLink } from "../routes";
import { Alert } from "../ui/Alert";
import { BLENDED, Blend, Opacity } from "./Blend";
import { ColorBar } from "./ColorBar";
import { colorsDiffer } from "./color_range";
import { describeJob, subjectOf, titleOf } from "./job_words";
import { layersOf } from "./layers_of";
import { SummaryTable } from "./SummaryTable";
import { Verdict, verdictOf } from "./Verdict";

interface Props {
  ids: [string, string];
  techniques: Technique[];
}

export function Compare({ ids, techniques }: Props) {
  useTitle("Two results");
  const [opacity, setOpacity] = useState(BLENDED);
  const [left, right] = [useJob(ids[0]), useJob(ids[1])];
  const problem = left.problem ?? right.problem;
  const jobs = [left.job, right.job];
  const name = jobs.every((job) => job && layersOf(job)?.aboveName === "Heatmap")
    ? "Heatmap"
    : "Result";
  return (
    <section class="compare" aria-labelledby="compare-title">
      <header>
        <h2 id="compare-title">Two results side by side</h2>
        <a href={compareLink(ids[1], ids[0])}>Swap</a>
      </header>
      {problem && <Alert problem={problem} />}
      <Opacity id="compare" name={name} opacity={opacity} onChange={setOpacity} />
      {colorsDiffer(left.job, right.job) && (
        <p class="note">A colour does not mean the same in both maps: compare the numbers below.</p>
      )}
      <div class="pair">
        {jobs.map((job, index) => (
          <Side key={ids[index]} {...{ job, opacity, techniques }} />
        ))}
      </div>
    </section>
  );
}

function Side(props: { job: Job | null; opacity: number; techniques: Technique[] }) {
  const { job, opacity, techniques } = props;
  if (!job) return <div />;
  const title = titleOf(job, techniques);
  const layers = layersOf(job);
  const verdict = job.result && verdictOf(job.result.summary);
  const schema = techniques.find(({ name }) => name === job.technique)?.summary ?? {};
  return (
    <article>
      <h3>
        <a href={jobLink(job.id)}>{title}</a>
      </h3>
      <p>
        {subjectOf(job)} <span class="badge">{job.model}</span>
      </p>
      {layers ? (
        <>
          <Blend
            layers={layers}
            opacity={opacity}
            alt={[describeJob(job, title), verdict].filter(Boolean).join(". ")}
          />
          <ColorBar job={job} />
        </>
      ) : (
        <p class="note">This job has no picture that can be compared.</p>
      )}
      {job.result && (
        <>
          <Verdict summary={job.result.summary} />
          <details>
            <summary>Numbers</summary>
            <SummaryTable summary={job.result.summary} schema={schema} />
          </details>
        </>
      )}
    </article>
  );
}
