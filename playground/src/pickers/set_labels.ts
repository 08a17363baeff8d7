/** Image sets in words that tell them apart. */

import type { ImageSet } from "../api/types";
import { formatTime } from "../words";

/** The name and size of a set. Without a name of its own it has its time and its last digits. */
export function labelOfSet(set: ImageSet, all: ImageSet[]): string {
  const { id, name, images, created_at } = set;
  const alone = name !== "" && all.filter((each) => each.name === name).length === 1;
  // Ids begin with their time: sets that are made together differ at the end.
  const title = alone ? name : `${name || "unnamed"}, ${formatTime(created_at)}, …${id.slice(-6)}`;
  return `${title}, ${images} ${images === 1 ? "image" : "images"}`;
}
