/** A job that is followed to its end. */

import { useEffect, useState } from "preact/hooks";
import { isAbort, type Problem, toProblem } from "../api/request";
import type { Job } from "../api/types";
import { watchJob } from "../api/watch_job";

export function useJob(id: string | null): { job: Job | null; problem: Problem | null } {
  const [job, setJob] = useState<Job | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    setProblem(null);
    if (id === null) return;
    const stop = new AbortController();
    watchJob(id, setJob, stop.signal).catch((error) => {
      if (!isAbort(error)) setProblem(toProblem(error));
    });
    return () => stop.abort();
  }, [id]);
  return { job: job?.id === id ? job : null, problem };
}
