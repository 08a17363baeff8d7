/** The jobs of this key, newest first. Two of them can be compared. */

import { useState } from "preact/hooks";
import { listJobs } from "../api/jobs";
import type { Job, Technique } from "../api/types";
import { useAnswer } from "../hooks/use_answer";
import { useTitle } from "../hooks/use_title";
import { BATCH } from "../result/job_words";
import { compareLink } from "../routes";
import { Alert } from "../ui/Alert";
import { JobRow } from "./JobRow";

const STATUSES = ["queued", "running", "succeeded", "failed", "canceled"];

export function History({ techniques }: { techniques: Technique[] }) {
  useTitle("History");
  const [technique, setTechnique] = useState("");
  const [status, setStatus] = useState("");
  const [cursors, setCursors] = useState<string[]>([""]);
  const [chosen, setChosen] = useState<string[]>([]);
  const cursor = cursors.at(-1) ?? "";
  const filters = { technique, status, cursor };
  const { value: page, problem } = useAnswer(JSON.stringify(filters), () => listJobs(filters));
  const filter = (set: (value: string) => void) => (value: string) => {
    set(value);
    setCursors([""]);
  };
  const toggle = (job: Job) => {
    const others = chosen.filter((id) => id !== job.id);
    setChosen(others.length < chosen.length ? others : [...chosen, job.id].slice(-2));
  };
  const [left, right] = chosen;
  return (
    <section class="history" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <div class="filters">
        <Filter label="Technique" value={technique} onChange={filter(setTechnique)}>
          {techniques.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
          <option value={BATCH}>Batches</option>
        </Filter>
        <Filter label="Status" value={status} onChange={filter(setStatus)}>
          {STATUSES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </Filter>
        {left && right ? (
          <a class="button primary" href={compareLink(left, right)}>
            Compare the two
          </a>
        ) : (
          <span class="note">Tick two results to compare them.</span>
        )}
      </div>
      {problem && <Alert problem={problem} />}
      {page?.items.length === 0 && (
        <p class="callout">
          {page.next_cursor ? "None of these is such a job." : "There is no such job."}
        </p>
      )}
      <ol class="jobs">
        {page?.items.map((job) => (
          <JobRow
            key={job.id}
            job={job}
            techniques={techniques}
            chosen={chosen.includes(job.id)}
            onToggle={() => toggle(job)}
          />
        ))}
      </ol>
      <div class="buttons">
        {cursors.length > 1 && (
          <button type="button" class="button" onClick={() => setCursors(cursors.slice(0, -1))}>
            Newer
          </button>
        )}
        {page?.next_cursor && (
          <button
            type="button"
            class="button"
            onClick={() => setCursors([...cursors, page.next_cursor ?? ""])}
          >
            Older
          </button>
        )}
      </div>
    </section>
  );
}

function Filter(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: preact.ComponentChildren;
}) {
  return (
    <label>
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        <option value="">all</option>
        {props.children}
      </select>
    </label>
  );
}
