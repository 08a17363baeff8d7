/** The techniques as cards, one of which is chosen, in groups. */

import type { Technique } from "../api/types";
import { firstSentence } from "../words";
import { groupsOf } from "./groups";

interface Props {
  techniques: Technique[];
  chosen: string;
  onChoose: (name: string) => void;
}

export function TechniqueCards({ techniques, chosen, onChoose }: Props) {
  const technique = techniques.find(({ name }) => name === chosen);
  return (
    <>
      {groupsOf(techniques).map((group) => (
        <fieldset key={group.title} class="cards">
          <legend>{group.title}</legend>
          {group.techniques.map((each) => (
            <label key={each.name} class="card" data-chosen={each.name === chosen}>
              <input
                type="radio"
                name="technique"
                value={each.name}
                checked={each.name === chosen}
                onChange={() => onChoose(each.name)}
              />
              <span>{each.title}</span>
            </label>
          ))}
        </fieldset>
      ))}
      {technique && <About technique={technique} />}
    </>
  );
}

function About({ technique }: { technique: Technique }) {
  const [, ...paragraphs] = technique.description.split("\n\n");
  return (
    <div class="about">
      <p>
        {firstSentence(technique.description)}{" "}
        <span class="badge">{technique.queue === "fast" ? "seconds" : "minutes"}</span>
      </p>
      <details>
        <summary>More about {technique.title}</summary>
        {paragraphs.map((paragraph) => (
          <p key={paragraph}>{paragraph.replaceAll("\n", " ")}</p>
        ))}
        <p class="note">
          {technique.reference}. Reads: {technique.score}.
        </p>
      </details>
    </div>
  );
}
