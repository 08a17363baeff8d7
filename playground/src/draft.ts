/** What the form holds: the job that would be created now. It outlives changes of the page. */

import { createContext } from "preact";
import { useContext, useReducer } from "preact/hooks";
import type { Job, StoredImage, Technique } from "./api/types";
import { PAGE_DEFAULTS } from "./technique/fields";

export const FIRST_TECHNIQUE = "saliency";
export const FIRST_MODEL = "efficientnet_lite0";

/** A picture that the server has stored, and the name of its file where that is known. */
export interface Picture {
  id: string;
  width: number;
  height: number;
  name: string | null;
}

/** A further input: a picture, or an array as a `data:` address. */
export interface ExtraInput {
  value: string;
  name: string | null;
  picture: Picture | null;
}

export interface Draft {
  picture: Picture | null;
  technique: string;
  model: string;
  /** What was entered, by parameter. Parameters that are absent have their defaults. */
  values: Record<string, unknown>;
  /** Parameters among them that the server seems to have chosen, not a person. */
  resolved: string[];
  extras: Record<string, ExtraInput>;
  /** Whether an optional picture of the technique is sent, by input. */
  sends: Record<string, boolean>;
}

export type Change =
  | { kind: "picture"; picture: Picture | null }
  | { kind: "technique"; technique: string }
  | { kind: "model"; model: string }
  | { kind: "value"; name: string; value: unknown }
  | { kind: "extra"; name: string; extra: ExtraInput | null }
  | { kind: "sends"; name: string; sends: boolean }
  | { kind: "job"; job: Job; technique: Technique | null };

const EMPTY: Draft = {
  picture: null,
  technique: FIRST_TECHNIQUE,
  model: FIRST_MODEL,
  values: {},
  resolved: [],
  extras: {},
  sends: {},
};

export const DraftContext = createContext<{ draft: Draft; change: (change: Change) => void }>({
  draft: EMPTY,
  change: () => {},
});

export const useDraft = () => useContext(DraftContext);

export function useNewDraft() {
  const [draft, change] = useReducer(changed, EMPTY);
  return { draft, change };
}

export function toPicture(image: StoredImage, name: string): Picture {
  return { id: image.id, width: image.width, height: image.height, name };
}

function changed(draft: Draft, change: Change): Draft {
  switch (change.kind) {
    case "picture":
      return { ...draft, picture: change.picture };
    case "technique":
      return { ...draft, technique: change.technique, values: shared(draft.values), resolved: [] };
    case "model":
      return { ...draft, model: change.model };
    case "value":
      return {
        ...draft,
        values: withEntry(draft.values, change.name, change.value),
        resolved: draft.resolved.filter((name) => name !== change.name),
      };
    case "extra":
      return { ...draft, extras: withEntry(draft.extras, change.name, change.extra) };
    case "sends":
      return { ...draft, sends: { ...draft.sends, [change.name]: change.sends } };
    case "job":
      return ofJob(draft, change.job, change.technique);
  }
}

/** Add an entry, or remove it where it is empty. */
function withEntry<Value>(entries: Record<string, Value>, name: string, value: Value | null) {
  const { [name]: _, ...others } = entries;
  return value === null || value === "" ? others : { ...others, [name]: value };
}

/** The target is what one explains with several techniques; other parameters are their own. */
function shared(values: Record<string, unknown>): Record<string, unknown> {
  return "target" in values ? { target: values.target } : {};
}

/** A seed and colours that the server has chosen are not those that one wants the next time. */
const DRAWN = new Set(["model", "seed", "colormap"]);

/** Fill the form as the job was, so that it can be changed a little and run again. */
function ofJob(draft: Draft, job: Job, technique: Technique | null): Draft {
  const properties = technique?.parameters.properties ?? {};
  const initial = (name: string) => PAGE_DEFAULTS[name] ?? properties[name]?.default ?? null;
  const given = Object.entries(job.params).filter(
    ([name, value]) => !DRAWN.has(name) && value !== initial(name),
  );
  const [main, ...others] = technique?.images.map((spec) => spec.name) ?? ["image"];
  const input = main ? job.inputs[main] : undefined;
  return {
    technique: job.technique,
    model: job.model,
    values: Object.fromEntries(given),
    resolved: given.flatMap(([name]) => {
      const chosen = initial(name) === null;
      return chosen && !isEntered(draft, job, name) ? [name] : [];
    }),
    picture: input ? ofInput(input, draft.picture) : draft.picture,
    extras: Object.fromEntries(
      others.flatMap((name) => {
        const extra = job.inputs[name];
        if (!extra) return [];
        const picture = ofInput(extra, draft.extras[name]?.picture ?? null);
        return [[name, { value: extra.id, name: picture?.name ?? null, picture }]];
      }),
    ),
    sends: main ? { [main]: input !== undefined } : {},
  };
}

/** Whether the form had that value already: it was entered, and the job was run from here. */
function isEntered({ technique, values, resolved }: Draft, job: Job, name: string): boolean {
  const same = JSON.stringify(values[name]) === JSON.stringify(job.params[name]);
  return technique === job.technique && same && !resolved.includes(name);
}

function ofInput(input: Job["inputs"][string], known: Picture | null): Picture | null {
  if (known?.id === input.id) return known;
  if (!input.width || !input.height) return known;
  return { id: input.id, width: input.width, height: input.height, name: null };
}
