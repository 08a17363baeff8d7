/** The form on the left; on the right the picture, the job that runs, or its result. */

import { useEffect, useRef } from "preact/hooks";
import type { Technique } from "../api/types";
import { useDraft } from "../draft";
import { useJob } from "../hooks/use_job";
import { JobView } from "../result/JobView";
import { Alert } from "../ui/Alert";
import { JobForm } from "./JobForm";
import { Stage } from "./Stage";

interface Props {
  techniques: Technique[];
  jobId: string | null;
}

export function Workbench({ techniques, jobId }: Props) {
  const { job, problem } = useJob(jobId);
  const { change } = useDraft();
  const filled = useRef<string | null>(null);
  useEffect(() => {
    if (!job || filled.current === job.id) return;
    filled.current = job.id;
    const technique = techniques.find(({ name }) => name === job.technique) ?? null;
    change({ kind: "job", job, technique });
  }, [job, techniques, change]);
  return (
    <div class="workbench">
      <JobForm techniques={techniques} short={jobId !== null} />
      <section class="outcome" aria-label="Result">
        {problem && <Alert problem={problem} />}
        {job && <JobView key={job.id} job={job} techniques={techniques} />}
        {!jobId && <Stage />}
      </section>
    </div>
  );
}
