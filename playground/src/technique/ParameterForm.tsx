/** The parameters of a technique. Those that are rarely changed are folded away. */

import { useEffect, useState } from "preact/hooks";
import type { FieldProblem, Technique } from "../api/types";
import { type Draft, useDraft } from "../draft";
import { Field } from "./Field";
import { type FieldSpec, fieldsOf } from "./fields";

interface Props {
  technique: Technique;
  errors: FieldProblem[];
}

export function ParameterForm({ technique, errors }: Props) {
  const fields = fieldsOf(technique);
  const advanced = fields.filter((field) => field.advanced);
  const { draft } = useDraft();
  const changed = advanced.filter((field) => isChanged(field, draft)).length;
  const wrong = advanced.some(({ name }) => errorOf(name, errors) !== null);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (wrong) setOpen(true);
  }, [wrong]);
  return (
    <div class="fields">
      {fields
        .filter((field) => !field.advanced)
        .map((field) => (
          <Bound key={field.name} field={field} errors={errors} />
        ))}
      {advanced.length > 0 && (
        <details
          class="advanced"
          open={open}
          onToggle={(event) => setOpen(event.currentTarget.open)}
        >
          <summary>Advanced{changed > 0 && <span class="badge">{changed} changed</span>}</summary>
          {open &&
            advanced.map((field) => <Bound key={field.name} field={field} errors={errors} />)}
        </details>
      )}
    </div>
  );
}

/** Whether a person has entered a value, which is neither the default nor the server's choice. */
function isChanged({ name, initial }: FieldSpec, { values, resolved }: Draft): boolean {
  return name in values && values[name] !== initial && !resolved.includes(name);
}

/** A field that reads and writes the draft. */
function Bound({ field, errors }: { field: FieldSpec; errors: FieldProblem[] }) {
  const { draft, change } = useDraft();
  return (
    <Field
      spec={field}
      value={draft.values[field.name]}
      error={errorOf(field.name, errors)}
      model={draft.model}
      picture={draft.picture}
      onChange={(value) => change({ kind: "value", name: field.name, value })}
    />
  );
}

export function errorOf(name: string, errors: FieldProblem[]): string | null {
  return errors.find(({ pointer }) => pointer.split("/")[1] === name)?.message ?? null;
}
