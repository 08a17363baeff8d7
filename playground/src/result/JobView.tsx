/** One job: its heading, what it does now, and its result or error. */

import { useEffect, useRef } from "preact/hooks";
import { Problem } from "../api/request";
import type { Job, Technique } from "../api/types";
import { useTitle } from "../hooks/use_title";
import { takeRun } from "../run/last_run";
import { RunPanel } from "../run/RunPanel";
import { Snippets } from "../run/Snippets";
import { Alert } from "../ui/Alert";
import { CopyButton } from "../ui/CopyButton";
import { formatSeconds, formatTime } from "../words";
import { CompareWith } from "./CompareWith";
import { Downloads } from "./Downloads";
import { describeJob, requestOfJob, titleOf } from "./job_words";
import { ResultPictures } from "./ResultPictures";
import { Subject } from "./Subject";
import { SummaryTable } from "./SummaryTable";
import { Verdict } from "./Verdict";

interface Props {
  job: Job;
  techniques: Technique[];
}

export function JobView({ job, techniques }: Props) {
  const title = titleOf(job, techniques);
  const technique = techniques.find(({ name }) => name === job.technique) ?? null;
  useTitle(describeJob(job, title));
  return (
    <article class="job">
      <Heading job={job} title={title} />
      {(job.status === "queued" || job.status === "running") && (
        <RunPanel job={job} title={title} />
      )}
      {job.status === "canceled" && (
        <p class="callout">
          {job.technique === "batch"
            ? "The batch was canceled. The rows that are done stay, with their files."
            : "The job was canceled before it had a result."}
        </p>
      )}
      {job.error && (
        <Alert problem={new Problem(job.error.code, job.error.title, job.error.detail)} />
      )}
      {job.result && (
        <>
          <Verdict summary={job.result.summary} />
          <ResultPictures job={job} title={title} />
          <CompareWith job={job} techniques={techniques} />
          <SummaryTable summary={job.result.summary} schema={technique?.summary ?? {}} />
          <Downloads job={job} />
        </>
      )}
      <div class="buttons">
        <CopyButton label="Copy link" text={() => location.href} />
        {technique && (
          <Snippets request={() => requestOfJob(job, technique)} technique={technique} />
        )}
      </div>
      <Origin job={job} />
    </article>
  );
}

/** The heading gets the focus when the job has ended, for those who cannot see that it has. */
function Heading({ job, title }: { job: Job; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Who has pressed Run is taken to what came of it, which on a phone is far away.
    if (takeRun(job.id)) heading.current?.focus();
  }, [job.id]);
  const before = useRef(job.status);
  useEffect(() => {
    const ended = job.result !== null || job.error !== null;
    if (ended && before.current !== job.status) heading.current?.focus();
    before.current = job.status;
  }, [job]);
  return (
    <header>
      <h2 tabIndex={-1} ref={heading}>
        {title}
      </h2>
      <p>
        <Subject job={job} /> <span class="badge">{job.model}</span>
      </p>
    </header>
  );
}

function Origin({ job }: { job: Job }) {
  const parts = [
    `Made ${formatTime(job.created_at)}`,
    job.timing.run_s !== null && `in ${formatSeconds(job.timing.run_s)}`,
    job.cached && "from an identical job",
    job.params.seed !== undefined && `seed ${job.params.seed}`,
    job.provenance.device && `on ${job.provenance.device}`,
    `job ${job.id}`,
  ];
  return <p class="note origin">{parts.filter(Boolean).join(" · ")}</p>;
}
