/** The picture to explain: dropped, pasted, chosen, or one of the samples. */

import { useEffect, useState } from "preact/hooks";
import { contentPath, storeImage } from "../api/images";
import { type Problem, toProblem } from "../api/request";
import { type Picture as StoredPicture, toPicture, useDraft } from "../draft";
import { useBlobUrl } from "../hooks/use_blob_url";
import chelsea from "../samples/chelsea.jpg";
import coffee from "../samples/coffee.jpg";
import { Alert } from "../ui/Alert";
import { Picture } from "../ui/Picture";

const SAMPLES = [
  { name: "chelsea.jpg", title: "a cat", url: chelsea },
  { name: "coffee.jpg", title: "an espresso", url: coffee },
];

export function PictureInput({ error }: { error: string | null }) {
  const { draft, change } = useDraft();
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const shown = useBlobUrl(draft.picture ? contentPath(draft.picture.id) : null);

  const take = async (file: Blob, name: string) => {
    setBusy(true);
    setProblem(null);
    try {
      change({ kind: "picture", picture: toPicture(await storeImage(file, name), name) });
    } catch (error) {
      setProblem(toProblem(error));
    }
    setBusy(false);
  };
  usePaste(take);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) take(file, file.name);
  };
  return (
    <div class="stack">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the label inside is the control */}
      <div
        class="drop-zone"
        data-over={over}
        data-filled={draft.picture !== null}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        {shown && <Picture src={shown} alt="" />}
        <label>
          <span class="button quiet">
            {busy ? "Sending …" : draft.picture ? "Choose another" : "Choose a picture"}
          </span>
          <input
            type="file"
            accept="image/*,.heic,.npy"
            disabled={busy}
            aria-describedby="picture-hint"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) take(file, file.name);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <p class="note" id="picture-hint">
          {draft.picture ? describe(draft.picture) : "Drop it here, or paste it."}
        </p>
      </div>
      <Samples disabled={busy} onTake={take} />
      {error && <p class="error">{error}</p>}
      {problem && <Alert problem={problem} />}
    </div>
  );
}

function describe({ name, width, height }: StoredPicture): string {
  return `${name ?? "The picture of this job"}, ${width} × ${height} pixels`;
}

function Samples(props: { disabled: boolean; onTake: (file: Blob, name: string) => void }) {
  const take = async (sample: (typeof SAMPLES)[number]) => {
    const response = await fetch(sample.url);
    props.onTake(await response.blob(), sample.name);
  };
  return (
    <div class="samples">
      <span class="note">Or try</span>
      {SAMPLES.map((sample) => (
        <button
          key={sample.name}
          type="button"
          class="sample"
          disabled={props.disabled}
          onClick={() => take(sample)}
        >
          <img src={sample.url} alt="" />
          {sample.title}
        </button>
      ))}
    </div>
  );
}

/** Take a picture that is pasted anywhere on the page. */
function usePaste(take: (file: Blob, name: string) => void): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (!file) return;
      event.preventDefault();
      take(file, file.name || "pasted.png");
    };
    addEventListener("paste", onPaste);
    return () => removeEventListener("paste", onPaste);
  });
}
