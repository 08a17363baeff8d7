/** Techniques in groups, by what they leave: the catalog names no groups. */

import type { Technique } from "../api/types";

export interface Group {
  title: string;
  techniques: Technique[];
}

const TITLES = {
  map: "Where it looks",
  made: "Pictures made by optimization",
  inside: "What is inside",
} as const;

export function groupsOf(techniques: Technique[]): Group[] {
  const kinds = ["map", "made", "inside"] as const;
  return kinds
    .map((kind) => ({
      title: TITLES[kind],
      techniques: techniques.filter((technique) => kindOf(technique) === kind),
    }))
    .filter((group) => group.techniques.length > 0);
}

function kindOf(technique: Technique): keyof typeof TITLES {
  if (technique.artifacts.some(({ name }) => name === "heatmap.png")) return "map";
  return technique.queue === "slow" ? "made" : "inside";
}
