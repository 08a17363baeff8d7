/** The same job as a command, and in Python. */

import type { Technique } from "../api/types";
import { CopyButton } from "../ui/CopyButton";
import type { Request } from "./request";
import { asCurl, asPython } from "./snippets";

interface Props {
  request: () => Request;
  technique: Technique | null;
}

export function Snippets({ request, technique }: Props) {
  return (
    <div class="buttons">
      <CopyButton label="Copy as curl" text={() => asCurl(request())} />
      <CopyButton
        label="Copy as Python"
        text={() => asPython(request(), mainArtifact(technique))}
      />
    </div>
  );
}

/** The file that most people want. */
function mainArtifact(technique: Technique | null): string | null {
  const names = technique?.artifacts.map(({ name }) => name) ?? [];
  return names.find((name) => name === "overlay.png") ?? names[0] ?? null;
}
