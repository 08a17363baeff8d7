/** What to explain: a text with suggestions, the model's own predictions, and a unit by numbers. */

import { useCallback } from "preact/hooks";
import { predict } from "../api/jobs";
import type { Picture } from "../draft";
import { useAnswer } from "../hooks/use_answer";
import { formatPercent } from "../words";
import { Combobox } from "./Combobox";
import { suggestTargets } from "./suggestions";
import { UnitPicker } from "./UnitPicker";

interface Props {
  id: string;
  value: string;
  initial: string;
  model: string;
  picture: Picture | null;
  describedBy?: string | undefined;
  invalid: boolean;
  onChange: (value: string) => void;
}

export interface Prediction {
  index: number;
  label: string;
  probability: number | null;
}

export function TargetPicker(props: Props) {
  const { id, value, model, picture, onChange } = props;
  const suggest = useCallback((text: string) => suggestTargets(model, text), [model]);
  return (
    <>
      <Combobox
        id={id}
        value={value}
        placeholder={props.initial || "class:Egyptian cat"}
        describedBy={props.describedBy}
        invalid={props.invalid}
        suggest={suggest}
        onChange={onChange}
      />
      {picture && <Predictions {...{ model, picture, value, onChange }} />}
      <UnitPicker id={id} model={model} value={value} onChange={onChange} />
    </>
  );
}

/** The classes that the model predicts for the picture, to choose from. */
function Predictions(props: {
  model: string;
  picture: Picture;
  value: string;
  onChange: (value: string) => void;
}) {
  const { model, picture, value, onChange } = props;
  const { value: found, problem } = useAnswer(`${model} ${picture.id}`, async () => {
    const job = await predict(model, picture.id);
    return (job.result?.summary.predictions ?? []) as Prediction[];
  });
  if (problem) return <p class="note">The model gives no prediction: {problem.detail}</p>;
  return (
    <ul class="chips" aria-label="What the model predicts">
      {found?.map(({ index, label, probability }) => {
        const target = `class:${index}`;
        return (
          <li key={index}>
            <button
              type="button"
              class="chip"
              aria-pressed={value === target}
              onClick={() => onChange(value === target ? "" : target)}
            >
              {label}
              {probability !== null && <small>{formatPercent(probability)}</small>}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
