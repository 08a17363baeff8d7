/** What the network sees of a picture, and the part that one unit sees, drawn over the picture. */

import type { ComponentChildren } from "preact";
import type { Layer, Model, Pair } from "../api/types";
import { type Box, fieldBox, inputBox, mapSize, placeAt } from "../geometry";

interface Props {
  width: number;
  height: number;
  model: Model;
  layer: Layer | null;
  place: Pair | null;
  /** Whether what the network does not see is shaded. */
  shaded: boolean;
  /** Called with the place of the layer's map that was clicked; absent if none can be chosen. */
  onPlace?: ((place: Pair) => void) | undefined;
  children: ComponentChildren;
}

export function PlaceMarks(props: Props) {
  const { width, height, model, layer, place, onPlace } = props;
  const seen = inputBox(model, width, height);
  const clickable = onPlace && layer && mapSize(layer);
  const onClick = (event: MouseEvent) => {
    if (!clickable || !(event.currentTarget instanceof Element)) return;
    const frame = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * width;
    const y = ((event.clientY - frame.top) / frame.height) * height;
    onPlace(placeAt(layer, model, seen, x, y));
  };
  const field = layer && place ? fieldBox(layer, model, seen, place) : null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: rows and columns are fields of the form
    // biome-ignore lint/a11y/noStaticElementInteractions: rows and columns are fields of the form
    <div
      class="marks"
      style={{ aspectRatio: `${width} / ${height}` }}
      data-clickable={Boolean(clickable)}
      onClick={onClick}
    >
      {props.children}
      <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        {props.shaded && <path class="unseen" d={`M0 0H${width}V${height}H0Z${rectangle(seen)}`} />}
        {field && <path class="field-box-edge" d={rectangle(field)} />}
        {field && <path class="field-box" d={rectangle(field)} />}
      </svg>
    </div>
  );
}

function rectangle({ left, top, right, bottom }: Box): string {
  return `M${left} ${top}H${right}V${bottom}H${left}Z`;
}
