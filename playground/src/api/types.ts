/** The parts of the API's answers that the page reads. docs/api.md says what each means. */

export interface JsonSchema {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: (string | number)[];
  examples?: unknown[];
  anyOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  required?: string[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
}

export interface InputSpec {
  name: string;
  description: string;
  required: boolean;
  kind: "image" | "array";
  bands: boolean;
}

export interface Technique {
  name: string;
  title: string;
  description: string;
  reference: string;
  score: string;
  queue: "fast" | "slow";
  images: InputSpec[];
  one_of: string[];
  artifacts: { name: string; description: string; media_type: string }[];
  parameters: JsonSchema;
  summary: JsonSchema;
}

export interface Model {
  name: string;
  source: string;
  classes: number;
  input_size: number;
  channels: number;
  preprocessing: { resize: number; crop: number; fit: "crop" | "squash" };
  recommended_layers: Record<string, string>;
}

export interface Layer {
  path: string;
  type: string;
  shape: number[];
  channels: number;
  gradient: boolean;
  receptive_field: { size: Pair; stride: Pair; offset: Pair } | null;
  receptive_field_reason: string | null;
}

/** [vertical, horizontal], as the API writes places. */
export type Pair = [number, number];

export interface ClassLabel {
  index: number;
  label: string;
}

export interface StoredImage {
  id: string;
  width: number;
  height: number;
  media_type: string;
  conversions: string[];
}

export interface ImageSet {
  id: string;
  /** Empty where no name was given. */
  name: string;
  created_at: string;
  images: number;
}

export type Status = "queued" | "running" | "succeeded" | "failed" | "canceled";

export interface Progress {
  done: number;
  total: number;
  message: string;
  eta_s: number | null;
  loss: number | null;
}

export interface Artifact {
  name: string;
  media_type: string;
  bytes: number;
}

export interface JobInput {
  id: string;
  width?: number;
  height?: number;
}

export interface Job {
  id: string;
  technique: string;
  model: string;
  status: Status;
  created_at: string;
  params: Record<string, unknown>;
  inputs: Record<string, JobInput>;
  progress: Progress | null;
  preview: { step: number } | null;
  cancel_requested: boolean;
  result: { summary: Record<string, unknown>; artifacts: Artifact[] } | null;
  error: { code: string; title: string; detail: string; retryable: boolean } | null;
  cached: boolean;
  timing: { queued_s: number | null; run_s: number | null };
  provenance: Record<string, unknown>;
}

export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

export interface FieldProblem {
  pointer: string;
  message: string;
}

export function isFinal(status: Status): boolean {
  return status === "succeeded" || status === "failed" || status === "canceled";
}
