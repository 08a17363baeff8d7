/** A job in the history: a small picture, what it is, and whether it is chosen to be compared. */

import type { Job, Technique } from "../api/types";
import { useBlobUrl } from "../hooks/use_blob_url";
import { useOnScreen } from "../hooks/use_on_screen";
import { describeJob, titleOf } from "../result/job_words";
import { layersOf, thumbnail } from "../result/layers_of";
import { Subject } from "../result/Subject";
import { jobLink } from "../routes";
import { formatTime } from "../words";

interface Props {
  job: Job;
  techniques: Technique[];
  chosen: boolean;
  onToggle: () => void;
}

export function JobRow({ job, techniques, chosen, onToggle }: Props) {
  const [element, seen] = useOnScreen<HTMLLIElement>();
  const url = useBlobUrl(seen ? thumbnail(job) : null);
  const title = titleOf(job, techniques);
  return (
    <li ref={element}>
      <div class="thumbnail">{url && <img src={url} alt="" />}</div>
      <div>
        <a href={jobLink(job.id)}>{title}</a>
        <p>
          <Subject job={job} />
        </p>
        <p class="note">
          {job.model} · {formatTime(job.created_at)}
        </p>
      </div>
      <span class="status" data-status={job.status}>
        {job.status}
      </span>
      {layersOf(job) && (
        <input
          type="checkbox"
          aria-label={`Compare ${describeJob(job, title)}, ${formatTime(job.created_at)}`}
          checked={chosen}
          onChange={onToggle}
        />
      )}
    </li>
  );
}
