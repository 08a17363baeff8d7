/** The layers of a model in groups, from the picture to the output, with a search. */

import { useState } from "preact/hooks";
import type { Layer } from "../api/types";
import { unitLink } from "../routes";
import { groupLayers, type LayerGroup, sizeText } from "./layer_groups";

interface Props {
  model: string;
  layers: Layer[];
  chosen: string | null;
}

export function LayerPicker({ model, layers, chosen }: Props) {
  const [text, setText] = useState("");
  const word = text.trim().toLowerCase();
  const shown = layers.filter(({ path, type, shape }) =>
    `${path} ${type} ${shape.slice(1).join("x")}`.toLowerCase().includes(word),
  );
  return (
    <>
      <label class="field">
        <span>Search layers</span>
        <input
          type="search"
          value={text}
          placeholder="blocks.2, conv, 28x28 …"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <p class="note" role="status">
        {shown.length} of {layers.length} layers, from the picture to the output
      </p>
      <div class="layer-groups">
        {groupLayers(shown).map((group) => (
          <Group
            key={`${group.title} ${group.layers[0]?.path}`}
            {...{ model, group, chosen }}
            open={word !== "" || group.layers.some(({ path }) => path === chosen)}
          />
        ))}
      </div>
    </>
  );
}

function Group(props: { model: string; group: LayerGroup; chosen: string | null; open: boolean }) {
  const { model, group, chosen } = props;
  const [only] = group.layers;
  if (group.layers.length === 1 && only)
    return <Choice model={model} layer={only} chosen={chosen} />;
  return (
    <details open={props.open}>
      <summary>
        <span class="name">{group.title}</span>
        <small>
          {sizeText(group)} · {group.layers.length} {group.layers.length === 1 ? "layer" : "layers"}
        </small>
      </summary>
      <ul>
        {group.layers.map((layer) => (
          <li key={layer.path}>
            <Choice model={model} layer={layer} chosen={chosen} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function Choice(props: { model: string; layer: Layer; chosen: string | null }) {
  const { path, type, shape } = props.layer;
  return (
    <a href={unitLink(props.model, path)} aria-current={path === props.chosen ? "true" : undefined}>
      <span class="name">{path}</span>
      <small>
        {type} · {shape.join(" × ")}
      </small>
    </a>
  );
}
