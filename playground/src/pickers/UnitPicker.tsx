/** A unit by layer, channel and place. Writes the target's text, and reads it. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { listLayers } from "../api/catalog";
import { mapSize } from "../geometry";
import { useAnswer } from "../hooks/use_answer";
import { formatUnit, parseUnit, type Unit } from "../target";
import { Combobox } from "./Combobox";
import { suggestLayers } from "./suggestions";

interface Props {
  id: string;
  model: string;
  value: string;
  onChange: (value: string) => void;
}

export function UnitPicker({ id, model, value, onChange }: Props) {
  const unit = parseUnit(value);
  const suggest = useCallback((text: string) => suggestLayers(model, text), [model]);
  const { value: layers, loading, problem } = useAnswer(unit && model, () => listLayers(model));
  const layer = layers?.find(({ path }) => path === unit?.layer) ?? null;
  const map = layer && mapSize(layer);
  const [open, setOpen] = useState(false);
  const named = unit !== null;
  useEffect(() => {
    if (named) setOpen(true);
  }, [named]);
  const set = (changes: Partial<Unit>) => {
    const next = { layer: "", channel: 0, place: null, ...unit, ...changes };
    onChange(next.layer ? formatUnit(next) : "");
  };
  const place = Array.isArray(unit?.place) ? unit.place : null;
  const setPlace = (axis: 0 | 1, text: string) => {
    if (!map) return;
    const middle: [number, number] = [Math.floor(map[0] / 2), Math.floor(map[1] / 2)];
    const next: [number, number] = [...(place ?? middle)];
    next[axis] = Number(text);
    set({ place: text === "" ? null : next });
  };
  return (
    <details
      class="unit-picker"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>Choose a neuron by its layer</summary>
      <div class="grid-fields">
        <div class="field wide">
          <label for={`${id}-layer`}>Layer</label>
          <Combobox
            id={`${id}-layer`}
            value={unit?.layer ?? ""}
            placeholder="blocks.4.0.conv_pw"
            suggest={suggest}
            onChange={(path) => set({ layer: path, place: null })}
          />
        </div>
        <Count
          id={`${id}-channel`}
          label={layer ? `Channel, 0–${layer.channels - 1}` : "Channel"}
          most={layer ? layer.channels - 1 : null}
          value={unit?.channel ?? ""}
          onInput={(text) => set({ channel: Number(text) || 0 })}
        />
        {map && (
          <>
            <Count
              id={`${id}-y`}
              label={`Row, 0–${map[0] - 1}`}
              most={map[0] - 1}
              value={place?.[0] ?? ""}
              onInput={(text) => setPlace(0, text)}
            />
            <Count
              id={`${id}-x`}
              label={`Column, 0–${map[1] - 1}`}
              most={map[1] - 1}
              value={place?.[1] ?? ""}
              onInput={(text) => setPlace(1, text)}
            />
          </>
        )}
      </div>
      {loading && <p class="note">The layers are read …</p>}
      {problem && <p class="error">{problem.detail}</p>}
      {map && (
        <p class="note">
          Or click the place in the picture. Without a place the whole channel counts.
        </p>
      )}
    </details>
  );
}

function Count(props: {
  id: string;
  label: string;
  most: number | null;
  value: number | "";
  onInput: (text: string) => void;
}) {
  return (
    <div class="field">
      <label for={props.id}>{props.label}</label>
      <input
        id={props.id}
        type="number"
        min={0}
        max={props.most ?? undefined}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </div>
  );
}
