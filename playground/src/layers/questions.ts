/** What one click asks about a unit: each question is a job. */

import type { ImageSet } from "../api/types";
import type { Picture } from "../draft";
import { labelOfSet } from "../pickers/set_labels";

export interface Question {
  technique: string;
  title: string;
  hint: string;
  fields: Record<string, unknown>;
}

/** The questions about a unit. Top patches are those of the whole channel. */
export function questionsOf(
  channel: string,
  picture: Picture | null,
  sets: ImageSet[],
): Question[] {
  const questions: Question[] = [
    {
      technique: "activation_maximization",
      title: "Maximize",
      hint: "draw what it looks for",
      fields: {},
    },
  ];
  if (picture) {
    const fields = { image: picture.id };
    const hint = "which pixels drive it";
    questions.unshift({ technique: "saliency", title: "Saliency", hint, fields });
  }
  for (const set of sets.slice(0, 3)) {
    const hint = labelOfSet(set, sets);
    const fields = { image_set: set.id, target: channel };
    questions.push({ technique: "top_patches", title: "Top patches", hint, fields });
  }
  return questions;
}
