/** The further inputs of a technique: a guide, styles, an array; and whether the picture is sent. */

import { useState } from "preact/hooks";
import { contentPath, storeImage, toDataUrl } from "../api/images";
import { type Problem, toProblem } from "../api/request";
import type { FieldProblem, InputSpec, Technique } from "../api/types";
import { toPicture, useDraft } from "../draft";
import { useBlobUrl } from "../hooks/use_blob_url";
import { mainInput, sendsPicture } from "../run/request";
import { errorOf } from "../technique/ParameterForm";
import { Alert } from "../ui/Alert";
import { Marked } from "../ui/Marked";
import { readable } from "../words";

export function ExtraInputs({
  technique,
  errors,
}: {
  technique: Technique;
  errors: FieldProblem[];
}) {
  const main = mainInput(technique);
  return (
    <>
      {main && !main.required && <SendPicture technique={technique} spec={main} />}
      {technique.images
        .filter((spec) => spec !== main)
        .map((spec) => (
          <ExtraInput key={spec.name} spec={spec} error={errorOf(spec.name, errors)} />
        ))}
    </>
  );
}

function SendPicture({ technique, spec }: { technique: Technique; spec: InputSpec }) {
  const { draft, change } = useDraft();
  return (
    <div class="field switch">
      <label for="send-picture">Send the picture</label>
      <input
        id="send-picture"
        type="checkbox"
        aria-describedby="send-picture-help"
        checked={sendsPicture(technique, draft)}
        onChange={(event) =>
          change({ kind: "sends", name: spec.name, sends: event.currentTarget.checked })
        }
      />
      <p class="help" id="send-picture-help">
        <Marked text={spec.description} />
      </p>
    </div>
  );
}

function ExtraInput({ spec, error }: { spec: InputSpec; error: string | null }) {
  const { draft, change } = useDraft();
  const [problem, setProblem] = useState<Problem | null>(null);
  const extra = draft.extras[spec.name] ?? null;
  const shown = useBlobUrl(extra?.picture ? contentPath(extra.picture.id) : null);
  const id = `input-${spec.name}`;

  const take = async (file: File) => {
    setProblem(null);
    try {
      change({ kind: "extra", name: spec.name, extra: await readExtra(spec, file) });
    } catch (error) {
      setProblem(toProblem(error));
    }
  };
  return (
    <div class="field" data-error={error !== null}>
      <label for={id}>
        {readable(spec.name)}
        {spec.required && <span class="note"> required</span>}
      </label>
      <div class="extra">
        {shown && <img src={shown} alt="" />}
        <input
          id={id}
          type="file"
          accept={spec.kind === "array" ? ".npy" : "image/*,.heic"}
          aria-describedby={`${id}-help`}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) take(file);
          }}
        />
        {extra && (
          <button
            type="button"
            class="button quiet"
            onClick={() => change({ kind: "extra", name: spec.name, extra: null })}
          >
            Remove {extra.name ?? "that of the job"}
          </button>
        )}
      </div>
      {error && <p class="error">{error}</p>}
      {problem && <Alert problem={problem} />}
      <p class="help" id={`${id}-help`}>
        <Marked text={spec.description} />
      </p>
    </div>
  );
}

async function readExtra(spec: InputSpec, file: File) {
  if (spec.kind === "array") {
    return { value: await toDataUrl(file), name: file.name, picture: null };
  }
  const image = await storeImage(file, file.name);
  return { value: image.id, name: file.name, picture: toPicture(image, file.name) };
}
