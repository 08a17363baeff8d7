/** The techniques as cards, one of which is chosen, in groups. */

import type { Technique } from "../api/types";
import { Marked } from "../ui/Marked";
import { firstSentence } from "../words";
import { groupsOf } from "./groups";

interface Props {
  techniques: Technique[];
  chosen: string;
  /** Whether the cards are shown at first, or only the chosen technique. */
  unfolded: boolean;
  onChoose: (name: string) => void;
}

export function TechniqueCards({ techniques, chosen, unfolded, onChoose }: Props) {
  const technique = techniques.find(({ name }) => name === chosen);
  return (
    <>
      <details class="choice" open={unfolded}>
        <summary>
          <strong>{technique?.title ?? "Choose a technique"}</strong>
          <span class="change">Change</span>
        </summary>
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
      </details>
      {technique && <About technique={technique} />}
    </>
  );
}

function About({ technique }: { technique: Technique }) {
  const [, ...paragraphs] = technique.description.split("\n\n");
  return (
    <div class="about">
      <p>
        <Marked text={firstSentence(technique.description)} />{" "}
        <span class="badge">{technique.queue === "fast" ? "seconds" : "minutes"}</span>
      </p>
      <details>
        <summary>More about {technique.title}</summary>
        {paragraphs.map((paragraph) => (
          <p key={paragraph}>
            <Marked text={paragraph} />
          </p>
        ))}
        <p class="note">
          {technique.reference}. Reads: {technique.score}.
        </p>
      </details>
    </div>
  );
}
