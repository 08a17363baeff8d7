/** The files of a job, to keep. */

import { useState } from "preact/hooks";
import { artifactPath } from "../api/jobs";
import { readKey } from "../api/key";
import { type Problem, toProblem, url } from "../api/request";
import type { Job } from "../api/types";
import { fetchBlob } from "../hooks/use_blob_url";
import { Alert } from "../ui/Alert";
import { formatBytes } from "../words";

export function Downloads({ job }: { job: Job }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const artifacts = job.result?.artifacts ?? [];
  if (artifacts.length === 0) return null;
  const download = async (event: Event, name: string) => {
    // A link cannot send the key; what is fetched with it is saved from memory.
    if (readKey() === null) return;
    event.preventDefault();
    try {
      saveBlob(await fetchBlob(artifactPath(job.id, name)), name);
    } catch (error) {
      setProblem(toProblem(error));
    }
  };
  return (
    <section aria-labelledby="downloads">
      <h3 id="downloads">Files</h3>
      <ul class="downloads">
        {artifacts.map(({ name, bytes }) => (
          <li key={name}>
            <a
              href={url(artifactPath(job.id, name)).href}
              download={name}
              onClick={(event) => download(event, name)}
            >
              {name}
            </a>{" "}
            <small>{formatBytes(bytes)}</small>
          </li>
        ))}
      </ul>
      {problem && <Alert problem={problem} />}
    </section>
  );
}

function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
