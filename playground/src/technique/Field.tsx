/** One parameter: its label, control, help text, and what the server says against it. */

import { useCallback } from "preact/hooks";
import type { Picture } from "../draft";
import { Combobox } from "../pickers/Combobox";
import { ImageSetPicker } from "../pickers/ImageSetPicker";
import {
  ofLast,
  suggestClasses,
  suggestLayers,
  suggestModels,
  suggestTargets,
} from "../pickers/suggestions";
import { TargetPicker } from "../pickers/TargetPicker";
import { Marked } from "../ui/Marked";
import type { FieldSpec } from "./fields";

export interface FieldProps {
  spec: FieldSpec;
  value: unknown;
  error: string | null;
  model: string;
  picture: Picture | null;
  onChange: (value: unknown) => void;
}

export function Field(props: FieldProps) {
  const { spec, error } = props;
  const id = `field-${spec.name}`;
  const describedBy = [`${id}-help`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class={spec.kind === "switch" ? "field switch" : "field"} data-error={error !== null}>
      <label for={id}>
        {spec.label}
        {spec.required && <span class="note"> required</span>}
      </label>
      <Control {...props} id={id} describedBy={describedBy} />
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
      <p class="help" id={`${id}-help`}>
        <Marked text={spec.help} />
      </p>
    </div>
  );
}

type ControlProps = FieldProps & { id: string; describedBy: string };

function Control(props: ControlProps) {
  const { id, spec, value, error, describedBy, onChange } = props;
  const common = { id, "aria-describedby": describedBy, "aria-invalid": error ? true : undefined };
  if (spec.picker) return <Picked {...props} />;
  switch (spec.kind) {
    case "switch":
      return (
        <input
          {...common}
          type="checkbox"
          checked={Boolean(value ?? spec.initial)}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <select
          {...common}
          value={String(value ?? spec.initial ?? "")}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {spec.initial === null && <option value="">automatic</option>}
          {spec.choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice.replaceAll("_", " ")}
            </option>
          ))}
        </select>
      );
    case "number":
      return (
        <input
          {...common}
          type="number"
          step={spec.integer ? 1 : "any"}
          min={spec.minimum ?? undefined}
          max={spec.maximum ?? undefined}
          placeholder={placeholder(spec)}
          value={String(value ?? "")}
          onInput={(event) => onChange(toNumber(event.currentTarget.value))}
        />
      );
    case "text":
      return (
        <input
          {...common}
          type="text"
          placeholder={placeholder(spec)}
          value={String(value ?? "")}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

/** Texts that the server can suggest. */
function Picked({ id, spec, value, error, describedBy, model, picture, onChange }: ControlProps) {
  const { picker } = spec;
  const suggest = useCallback(
    (text: string) => {
      if (picker === "model") return suggestModels(text);
      if (picker === "layer") return suggestLayers(model, text);
      if (picker === "layers") return ofLast((last) => suggestLayers(model, last))(text);
      if (picker === "targets") return ofLast((last) => suggestTargets(model, last))(text);
      return suggestClasses(model, text);
    },
    [picker, model],
  );
  const common = { id, value: String(value ?? ""), describedBy, invalid: error !== null, onChange };
  if (picker === "image_set") return <ImageSetPicker {...common} />;
  if (picker === "target") {
    const initial = String(spec.initial ?? "");
    return <TargetPicker {...common} {...{ model, picture, initial }} />;
  }
  return <Combobox {...common} placeholder={placeholder(spec)} suggest={suggest} />;
}

function placeholder(spec: FieldSpec): string {
  if (spec.initial !== null) return String(spec.initial);
  return spec.examples.length && spec.required ? (spec.examples[0] ?? "") : "automatic";
}

/** What is no number is sent as it is: the server says what is wrong with it. */
function toNumber(text: string): number | string {
  const number = Number(text);
  return text === "" || Number.isNaN(number) ? text : number;
}
