/** Follow a job to its end: by its events, and by polling where the server has no stream left. */

import { readEvents } from "./event_stream";
import { readJob } from "./jobs";
import { isAbort, Problem, send } from "./request";
import { isFinal, type Job, type Progress, type Status } from "./types";

const RETRY_MS = 2000;

/** Call `show` with the job whenever it changes, and return once it has ended. Throws Problem. */
export async function watchJob(
  id: string,
  show: (job: Job) => void,
  signal: AbortSignal,
): Promise<void> {
  let job = await readJob(id, 0, signal);
  show(job);
  let last = "";
  while (!isFinal(job.status)) {
    try {
      for await (const event of await openStream(id, last, signal)) {
        if (event.id) last = event.id;
        job = apply(job, event.name, JSON.parse(event.data));
        show(job);
      }
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      if (!isTemporary(error)) throw error;
      await pause(RETRY_MS);
    }
    if (signal.aborted) return;
    // The stream has ended: the record knows whether the job has, and its result.
    job = await readJob(id, isFinal(job.status) ? 0 : 1, signal);
    show(job);
  }
}

/** Open the stream behind the event `last`. It is empty once the job has ended (204). */
async function openStream(id: string, last: string, signal: AbortSignal) {
  const headers: Record<string, string> = last ? { "Last-Event-ID": last } : {};
  return readEvents(await send(`v1/jobs/${id}/events`, { headers, signal }));
}

function apply(job: Job, name: string, data: unknown): Job {
  switch (name) {
    case "state": {
      const state = data as { status: Status; cancel_requested: boolean };
      return { ...job, status: state.status, cancel_requested: state.cancel_requested };
    }
    case "progress":
      return { ...job, progress: data as Progress };
    case "preview":
      return { ...job, preview: { step: (data as { step: number }).step } };
    default:
      return job;
  }
}

/** Whether another try may help: the connection broke, or the server is busy. */
function isTemporary(error: unknown): boolean {
  if (!(error instanceof Problem)) return true;
  return error.retryAfter > 0 || ["unreachable", "no_problem_document"].includes(error.code);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
