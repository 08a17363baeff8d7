/** Two pictures over each other, the upper one as opaque as the slider says. */

import { useState } from "preact/hooks";
import { useBlobUrl } from "../hooks/use_blob_url";
import type { Layers } from "./layers_of";

export function Blend(props: { layers: Layers; opacity: number; alt: string }) {
  const [failed, setFailed] = useState(false);
  const below = useBlobUrl(failed ? null : props.layers.below);
  const above = useBlobUrl(props.layers.above);
  return (
    <div class="blend">
      {below && <img src={below} alt="" onError={() => setFailed(true)} />}
      {above && (
        <img class="above" src={above} alt={props.alt} style={{ opacity: props.opacity / 100 }} />
      )}
      {failed && <p class="not-shown">This browser cannot show the photograph under the map.</p>}
    </div>
  );
}

interface OpacityProps {
  id: string;
  name: string;
  opacity: number;
  onChange: (opacity: number) => void;
}

export const BLENDED = 60;

/** The slider, and its two ends and the middle as buttons. */
export function Opacity({ id, name, opacity, onChange }: OpacityProps) {
  const presets: [string, number][] = [
    ["Original", 0],
    ["Overlay", BLENDED],
    [name, 100],
  ];
  const chosen = opacity === 0 || opacity === 100 ? opacity : BLENDED;
  return (
    <div class="opacity">
      <fieldset class="segments">
        <legend class="off-screen">Show</legend>
        {presets.map(([label, value]) => (
          <label key={label}>
            <input
              type="radio"
              name={`${id}-preset`}
              checked={chosen === value}
              onChange={() => onChange(value)}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <label class="slider">
        <span>Opacity</span>
        <input
          type="range"
          min={0}
          max={100}
          value={opacity}
          aria-valuetext={`${opacity} percent`}
          onInput={(event) => onChange(Number(event.currentTarget.value))}
        />
      </label>
    </div>
  );
}
