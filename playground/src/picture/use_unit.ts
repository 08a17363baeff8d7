/** The unit that the form's target names, with its layer, and how to choose another place. */

import { listLayers, readModel } from "../api/catalog";
import type { Layer, Model, Pair } from "../api/types";
import { useDraft } from "../draft";
import { mapSize } from "../geometry";
import { useAnswer } from "../hooks/use_answer";
import { formatUnit, parseUnit } from "../target";

export interface ChosenUnit {
  model: Model | null;
  layer: Layer | null;
  place: Pair | null;
  setPlace: ((place: Pair) => void) | undefined;
}

export function useUnit(): ChosenUnit {
  const { draft, change } = useDraft();
  const unit = parseUnit(String(draft.values.target ?? ""));
  const model = useAnswer(draft.model, () => readModel(draft.model)).value;
  const layers = useAnswer(unit && draft.model, () => listLayers(draft.model)).value;
  const layer = layers?.find(({ path }) => path === unit?.layer) ?? null;
  const map = layer && mapSize(layer);
  if (!unit || !map) return { model, layer, place: null, setPlace: undefined };
  const setPlace = (place: Pair) => {
    change({ kind: "value", name: "target", value: formatUnit({ ...unit, place }) });
  };
  return { model, layer, place: placeOf(unit.place, map), setPlace };
}

function placeOf(place: Pair | string | null, [rows, columns]: Pair): Pair | null {
  if (Array.isArray(place)) return place;
  return place === "center" ? [Math.floor(rows / 2), Math.floor(columns / 2)] : null;
}
