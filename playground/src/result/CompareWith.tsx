/** Jobs on the same picture that this one can be laid beside. */

import { listJobs } from "../api/jobs";
import type { Job, Technique } from "../api/types";
import { useAnswer } from "../hooks/use_answer";
import { compareLink, go } from "../routes";
import { formatTime } from "../words";
import { describeJob, titleOf } from "./job_words";
import { layersOf } from "./layers_of";

export function CompareWith({ job, techniques }: { job: Job; techniques: Technique[] }) {
  const below = layersOf(job)?.below;
  const others = useAnswer(below ? job.id : null, async () => {
    const page = await listJobs({ status: "succeeded", limit: "100" });
    return page.items.filter((other) => other.id !== job.id && layersOf(other)?.below === below);
  }).value;
  if (!others?.length) return null;
  return (
    <label class="compare-with">
      <span>Compare with</span>
      <select value="" onChange={(event) => go(compareLink(job.id, event.currentTarget.value))}>
        <option value="">another result on this picture</option>
        {others.map((other) => (
          <option key={other.id} value={other.id}>
            {describeJob(other, titleOf(other, techniques))}, {formatTime(other.created_at)}
          </option>
        ))}
      </select>
    </label>
  );
}
