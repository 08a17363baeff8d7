/** The left side: picture, technique, parameters, and Run. */

import { useEffect, useRef, useState } from "preact/hooks";
import { createJob } from "../api/jobs";
import { type Problem, toProblem } from "../api/request";
import type { Technique } from "../api/types";
import { useDraft } from "../draft";
import { Combobox } from "../pickers/Combobox";
import { suggestModels } from "../pickers/suggestions";
import { ExtraInputs } from "../picture/ExtraInputs";
import { PictureInput } from "../picture/PictureInput";
import { go, jobLink } from "../routes";
import { errorOf, ParameterForm } from "../technique/ParameterForm";
import { TechniqueCards } from "../technique/TechniqueCards";
import { Alert } from "../ui/Alert";
import { noteRun } from "./last_run";
import { mainInput, requestOf, toJson } from "./request";
import { Snippets } from "./Snippets";

interface Props {
  techniques: Technique[];
  /** Whether a job is shown beside the form, which then is short. */
  short: boolean;
}

export function JobForm({ techniques, short }: Props) {
  const { draft, change } = useDraft();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const technique = techniques.find(({ name }) => name === draft.technique);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was refused is of another form
  useEffect(() => setProblem(null), [draft.technique, draft.model]);
  useEffect(() => {
    if (!problem) return;
    const wrong = form.current?.querySelector<HTMLElement>("[data-error=true] [aria-invalid]");
    wrong?.focus();
  }, [problem]);
  if (!technique) return null;

  const run = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const job = await createJob(technique.name, toJson(requestOf(technique, draft)));
      noteRun(job.id);
      go(jobLink(job.id));
    } catch (error) {
      setProblem(toProblem(error));
    }
    setBusy(false);
  };
  const errors = problem?.errors ?? [];
  const main = mainInput(technique);
  return (
    <form class="job-form" ref={form} noValidate onSubmit={run} aria-label="New job">
      <section aria-labelledby="step-picture">
        <h2 id="step-picture">Picture</h2>
        <PictureInput error={main && errorOf(main.name, errors) && "Choose a picture first."} />
      </section>
      <section aria-labelledby="step-technique">
        <h2 id="step-technique">Technique</h2>
        <TechniqueCards
          techniques={techniques}
          chosen={draft.technique}
          unfolded={!short}
          onChoose={(name) => change({ kind: "technique", technique: name })}
        />
      </section>
      <section aria-labelledby="step-options">
        <h2 id="step-options">Options</h2>
        <div class="fields">
          <ModelField error={errorOf("model", errors)} />
          <ExtraInputs technique={technique} errors={errors} />
        </div>
        <ParameterForm key={technique.name} technique={technique} errors={errors} />
      </section>
      <div class="run-bar">
        {problem && <Alert problem={problem} />}
        <button type="submit" class="button primary" disabled={busy}>
          {busy ? "Sending …" : `Run ${technique.title}`}
        </button>
      </div>
      <Snippets request={() => requestOf(technique, draft)} technique={technique} />
    </form>
  );
}

function ModelField({ error }: { error: string | null }) {
  const { draft, change } = useDraft();
  const [text, setText] = useState(draft.model);
  useEffect(() => setText(draft.model), [draft.model]);
  // Half a name is no model: the form takes what was picked, or what was there when one left.
  const take = (model: string) => change({ kind: "model", model });
  return (
    <div class="field" data-error={error !== null}>
      <label for="field-model">Model</label>
      <Combobox
        id="field-model"
        value={text}
        describedBy="field-model-help"
        invalid={error !== null}
        suggest={suggestModels}
        onChange={setText}
        onPick={({ value }) => take(value)}
        onLeave={() => (text.trim() ? take(text.trim()) : setText(draft.model))}
      />
      {error && <p class="error">{error}</p>}
      <p class="help" id="field-model-help">
        Any model of this server; type to search, also timm's names.
      </p>
    </div>
  );
}
