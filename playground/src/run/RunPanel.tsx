/** A job that waits or runs: progress, the time that is left, the latest preview, and Cancel. */

import { useEffect, useRef, useState } from "preact/hooks";
import { cancelJob, previewPath } from "../api/jobs";
import { type Problem, toProblem } from "../api/request";
import type { Job } from "../api/types";
import { useBlobUrl } from "../hooks/use_blob_url";
import { Alert } from "../ui/Alert";
import { formatNumber, formatSeconds } from "../words";

export function RunPanel({ job, title }: { job: Job; title: string }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const preview = useBlobUrl(job.preview ? previewPath(job.id, job.preview.step) : null);
  const { progress } = job;
  const cancel = () => cancelJob(job.id).catch((error) => setProblem(toProblem(error)));
  return (
    <div class="running">
      <div class="bar">
        <progress
          aria-label={`Progress of ${title}`}
          max={progress?.total || 1}
          value={job.status === "running" && progress ? progress.done : undefined}
        />
        <button type="button" class="button" disabled={job.cancel_requested} onClick={cancel}>
          {job.cancel_requested ? "Stopping …" : "Cancel"}
        </button>
      </div>
      <p class="progress-text">{describe(job)}</p>
      <Announcement text={describe(job)} />
      {problem && <Alert problem={problem} />}
      {preview && (
        <figure>
          <img src={preview} alt={`Preview of ${title}`} />
          <figcaption>Preview after {job.preview?.step} steps</figcaption>
        </figure>
      )}
    </div>
  );
}

function describe(job: Job): string {
  if (job.cancel_requested) return "The job stops at its next step.";
  if (job.status === "queued") return "Waiting for a worker.";
  const { progress } = job;
  if (!progress) return "Running.";
  const parts = [`${progress.message || "Done"}: ${progress.done} of ${progress.total}`];
  if (progress.eta_s !== null) parts.push(leftText(progress.eta_s));
  if (progress.loss !== null) parts.push(`loss ${formatNumber(progress.loss)}`);
  const text = parts.join(" · ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function leftText(seconds: number): string {
  return seconds < 1 ? "less than a second left" : `about ${formatSeconds(seconds)} left`;
}

const QUIET_MS = 5000;

/** The state for a screen reader, at most once in five seconds. */
function Announcement({ text }: { text: string }) {
  const [said, setSaid] = useState(text);
  const latest = useRef(text);
  latest.current = text;
  useEffect(() => {
    const timer = setInterval(() => setSaid(latest.current), QUIET_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="off-screen" role="status">
      {said}
    </p>
  );
}
