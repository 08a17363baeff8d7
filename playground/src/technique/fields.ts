/** A technique's parameters as fields of a form, from their JSON Schema. */

import type { JsonSchema, Technique } from "../api/types";

export type FieldKind = "choice" | "number" | "switch" | "text";
export type Picker = "target" | "targets" | "class" | "layer" | "layers" | "model" | "image_set";

export interface FieldSpec {
  name: string;
  label: string;
  help: string;
  kind: FieldKind;
  /** What helps to fill in the text; null for none. */
  picker: Picker | null;
  choices: string[];
  integer: boolean;
  minimum: number | null;
  maximum: number | null;
  /** Null where the server chooses, as the help text says. */
  initial: unknown;
  examples: string[];
  required: boolean;
  advanced: boolean;
}

const PICKERS: Record<string, Picker> = {
  target: "target",
  targets: "targets",
  goal: "class",
  layer: "layer",
  layers: "layers",
  content_layers: "layers",
  style_layers: "layers",
  transfer_model: "model",
  image_set: "image_set",
};
const ALWAYS_SHOWN = new Set(["target", "targets", "goal", "layer", "image_set"]);
const FEW_CHOICES = 6;
/** How a map is drawn, not what it is. */
const DRAWING = new Set(["colormap", "color_range", "picture_side", "figure"]);
/** What the page asks for unless one says otherwise: its figures can be printed as they are. */
export const PAGE_DEFAULTS: Record<string, unknown> = { figure: "png" };

/** The fields in the catalog's order. The model has a place of its own. */
export function fieldsOf(technique: Technique): FieldSpec[] {
  const required = new Set(technique.parameters.required);
  return Object.entries(technique.parameters.properties ?? {})
    .filter(([name]) => name !== "model")
    .map(([name, schema]) => fieldOf(name, schema, required.has(name)));
}

function fieldOf(name: string, schema: JsonSchema, required: boolean): FieldSpec {
  const options = schema.anyOf ?? [schema];
  const nullable = options.some((option) => option.type === "null");
  const main = options.find((option) => option.type !== "null") ?? schema;
  const kind = kindOf(main);
  const choices = (main.enum ?? []).map(String);
  return {
    name,
    label: labelOf(name),
    help: schema.description ?? "",
    kind,
    picker: PICKERS[name] ?? null,
    choices,
    integer: main.type === "integer",
    minimum: main.minimum ?? main.exclusiveMinimum ?? null,
    maximum: main.maximum ?? main.exclusiveMaximum ?? null,
    initial: PAGE_DEFAULTS[name] ?? schema.default ?? null,
    examples: (schema.examples ?? []).map(String),
    required,
    advanced:
      DRAWING.has(name) ||
      (!required && !ALWAYS_SHOWN.has(name) && isAdvanced(main, nullable, choices.length)),
  };
}

/** Switches, short choices and whole numbers are shown at once; what the server chooses is not. */
function isAdvanced(main: JsonSchema, nullable: boolean, choices: number): boolean {
  if (nullable) return true;
  if (main.enum) return choices > FEW_CHOICES;
  return main.type !== "boolean" && main.type !== "integer";
}

function kindOf(schema: JsonSchema): FieldKind {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  return schema.type === "integer" || schema.type === "number" ? "number" : "text";
}

const LABELS: Record<string, string> = {
  colormap: "Colours",
  color_range: "Range of the colours",
  picture_side: "Largest side of the pictures",
  figure: "Figure for print",
  tv: "Total variation",
  l2: "L2 penalty",
  k: "Patches",
  at: "At (y, x)",
  top_k: "Classes",
  relu: "ReLU of the map",
  check: "Test how far to trust the map",
};

function labelOf(name: string): string {
  const known = LABELS[name];
  if (known) return known;
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
