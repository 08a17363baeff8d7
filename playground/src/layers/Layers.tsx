/** The layers of a model, and the channels of one: every unit has an address. */

import { useState } from "preact/hooks";
import { listLayers } from "../api/catalog";
import type { Layer, Technique } from "../api/types";
import { useAnswer } from "../hooks/use_answer";
import { useTitle } from "../hooks/use_title";
import { unitLink } from "../routes";
import { Alert } from "../ui/Alert";
import { Unit } from "./Unit";

interface Props {
  model: string;
  layer: string | null;
  channel: number | null;
  techniques: Technique[];
}

export function Layers({ model, layer: path, channel, techniques }: Props) {
  useTitle([path ?? "Layers", channel].filter((part) => part !== null).join(":"));
  const { value: layers, problem, loading } = useAnswer(model, () => listLayers(model));
  const layer = layers?.find((each) => each.path === path) ?? null;
  return (
    <section class="layers" aria-labelledby="layers-title">
      <nav aria-label={`Layers of ${model}`}>
        <h2 id="layers-title">
          Layers of <span class="name">{model}</span>
        </h2>
        {loading && <p role="status">The layers are read. A model that is new takes a while.</p>}
        {problem && <Alert problem={problem} />}
        {layers && <LayerList model={model} layers={layers} chosen={path} />}
      </nav>
      <div>
        {layer && <Unit key={layer.path} {...{ model, layer, channel, techniques }} />}
        {path && layers && !layer && (
          <p class="callout">
            {model} has no layer {path}. Choose one of the list.
          </p>
        )}
        {!path && layers && (
          <p class="empty">
            Choose a layer, and then one of its channels, to see what it responds to.
          </p>
        )}
      </div>
    </section>
  );
}

function LayerList(props: { model: string; layers: Layer[]; chosen: string | null }) {
  const [text, setText] = useState("");
  const shown = props.layers.filter(({ path, type }) =>
    `${path} ${type}`.toLowerCase().includes(text.trim().toLowerCase()),
  );
  return (
    <>
      <label class="field">
        <span>Search</span>
        <input
          type="search"
          value={text}
          placeholder="blocks.4, conv …"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <p class="note" role="status">
        {shown.length} of {props.layers.length} layers, from the picture to the output
      </p>
      <ol class="layer-list">
        {shown.map(({ path, type, shape }) => (
          <li key={path}>
            <a
              href={unitLink(props.model, path)}
              aria-current={path === props.chosen ? "true" : undefined}
            >
              <span>{path}</span>
              <small>
                {type} · {shape.join(" × ")}
              </small>
            </a>
          </li>
        ))}
      </ol>
    </>
  );
}
