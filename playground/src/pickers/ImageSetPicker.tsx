/** The image set that a technique looks at: one that is there, or a new one of chosen files. */

import { useState } from "preact/hooks";
import { listImageSets } from "../api/catalog";
import { createImageSet } from "../api/images";
import { type Problem, toProblem } from "../api/request";
import { useAnswer } from "../hooks/use_answer";
import { Alert } from "../ui/Alert";
import { labelOfSet } from "./set_labels";

interface Props {
  id: string;
  value: string;
  describedBy?: string | undefined;
  invalid: boolean;
  onChange: (value: string) => void;
}

export function ImageSetPicker({ id, value, describedBy, invalid, onChange }: Props) {
  const [made, setMade] = useState(0);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const sets = useAnswer(`sets ${made}`, listImageSets).value ?? [];

  const create = async (files: File[]) => {
    if (files.length === 0) return;
    setBusy(true);
    setProblem(null);
    try {
      const set = await createImageSet("from the playground", files);
      setMade(made + 1);
      onChange(set.id);
    } catch (error) {
      setProblem(toProblem(error));
    }
    setBusy(false);
  };
  return (
    <div class="stack">
      <select
        id={id}
        value={value}
        aria-describedby={describedBy}
        aria-invalid={invalid || undefined}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        <option value="">
          {sets.length ? "Choose an image set" : "There is no image set yet"}
        </option>
        {sets.map((set) => (
          <option key={set.id} value={set.id}>
            {labelOfSet(set, sets)}
          </option>
        ))}
      </select>
      <label class="button quiet file-button">
        {busy ? "Sending …" : "New set from files or a zip …"}
        <input
          type="file"
          multiple
          accept="image/*,.zip"
          disabled={busy}
          onChange={(event) => create([...(event.currentTarget.files ?? [])])}
        />
      </label>
      {problem && <Alert problem={problem} />}
    </div>
  );
}
