/** The layers of a model, the channels of one for a picture, and what to ask about one of them. */

import { useState } from "preact/hooks";
import { listLayers, readModel } from "../api/catalog";
import type { Layer, Technique } from "../api/types";
import { useDraft } from "../draft";
import { useAnswer } from "../hooks/use_answer";
import { useTitle } from "../hooks/use_title";
import { useWide } from "../hooks/use_wide";
import { Combobox } from "../pickers/Combobox";
import { suggestModels } from "../pickers/suggestions";
import { PictureInput } from "../picture/PictureInput";
import { go, type UnitRoute, unitLink } from "../routes";
import { Alert } from "../ui/Alert";
import { LayerPicker } from "./LayerPicker";
import { LayerView } from "./LayerView";
import { firstLayers } from "./layer_groups";

export function Layers({ route, techniques }: { route: UnitRoute; techniques: Technique[] }) {
  const { model, layer: path, channel } = route;
  useTitle([path ?? "Layers", channel].filter((part) => part !== null).join(":"));
  const { value: layers, problem, loading } = useAnswer(model, () => listLayers(model));
  const layer = layers?.find((each) => each.path === path) ?? null;
  const wide = useWide();
  return (
    <section class="layers" aria-labelledby="layers-title">
      <nav aria-label={`Layers of ${model}`}>
        <h2 id="layers-title">
          Layers of <span class="name">{model}</span>
        </h2>
        {loading && <p role="status">The layers are read. A model that is new takes a while.</p>}
        {problem && <Alert problem={problem} />}
        <Foldable title={wide ? null : path ? "Choose another layer" : "All layers"}>
          <ModelChoice key={model} model={model} />
          {layers && <LayerPicker model={model} layers={layers} chosen={path} />}
        </Foldable>
      </nav>
      <div>
        {layer && <LayerView key={layer.path} {...{ route, layer, techniques }} />}
        {path && layers && !layer && (
          <p class="callout">
            {model} has no layer {path}. Choose one of the list.
          </p>
        )}
        {!path && <Start model={model} layers={layers ?? []} />}
      </div>
    </section>
  );
}

/** Another model, by its name. */
function ModelChoice({ model }: { model: string }) {
  const [text, setText] = useState(model);
  const { change } = useDraft();
  return (
    <div class="field">
      <label for="layers-model">Model</label>
      <Combobox
        id="layers-model"
        value={text}
        suggest={suggestModels}
        onChange={setText}
        onPick={({ value }) => {
          setText(value);
          change({ kind: "model", model: value });
          go(unitLink(value));
        }}
      />
    </div>
  );
}

/** With a title, what is folded below it: on a narrow screen the list would hide all else. */
function Foldable(props: { title: string | null; children: preact.ComponentChildren }) {
  if (props.title === null) return <>{props.children}</>;
  return (
    <details class="foldable">
      <summary>{props.title}</summary>
      {props.children}
    </details>
  );
}

function Start({ model, layers }: { model: string; layers: Layer[] }) {
  const input = useAnswer(`size ${model}`, () => readModel(model)).value?.input_size;
  return (
    <div class="stack start">
      <p>
        A layer of the network has many channels, and each of them responds to something else in a
        picture. Choose a picture and a layer to see its channels as small maps. Then click into the
        picture, for example on an eye: the page shows which channels react there.
      </p>
      <h3>The picture</h3>
      <div class="picture-choice">
        <PictureInput error={null} />
      </div>
      <h3>A layer to begin with</h3>
      <ul class="first-layers">
        {input &&
          firstLayers(layers, input).map(({ layer, hint }) => (
            <li key={layer.path}>
              <a class="button" href={unitLink(model, layer.path)}>
                {hint}
                <small class="name">
                  {layer.path}, {layer.shape.slice(1).join(" × ")}
                </small>
              </a>
            </li>
          ))}
      </ul>
    </div>
  );
}
