/** The right side before there is a job: the picture, or what to do first. */

import { contentPath } from "../api/images";
import { useDraft } from "../draft";
import { useBlobUrl } from "../hooks/use_blob_url";
import { useTitle } from "../hooks/use_title";
import { PlaceMarks } from "../picture/PlaceMarks";
import { useUnit } from "../picture/use_unit";
import { Picture } from "../ui/Picture";

export function Stage() {
  const { draft } = useDraft();
  useTitle("");
  const { picture } = draft;
  const shown = useBlobUrl(picture ? contentPath(picture.id) : null);
  const { model, layer, place, setPlace } = useUnit();
  if (!picture) {
    return (
      <div class="empty">
        <Eye />
        <p>Choose a picture, pick a technique and press Run: the result appears here.</p>
      </div>
    );
  }
  if (!model || !shown) return <div class="empty" />;
  return (
    <figure class="stage">
      <PlaceMarks
        width={picture.width}
        height={picture.height}
        {...{ model, layer, place }}
        onPlace={setPlace}
        shaded
      >
        <Picture src={shown} alt={`The picture: ${picture.name ?? "as sent"}`} />
      </PlaceMarks>
      <figcaption>
        {setPlace
          ? "Click the place whose neuron you mean. The frame shows what it sees."
          : `${model.name} sees the bright part, at ${model.input_size} × ${model.input_size} pixels.`}
      </figcaption>
    </figure>
  );
}

function Eye() {
  return (
    <svg class="eye" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M2 16C6.500 8.500 11 6 16 6s9.500 2.500 14 10c-4.500 7.500-9 10-14 10S6.500 23.500 2 16Z" />
      <circle cx="16" cy="16" r="5.200" />
    </svg>
  );
}
