/** One layer: its facts, the picture to look at, its channels, and the unit that was chosen. */

import { readModel } from "../api/catalog";
import type { Layer, Technique } from "../api/types";
import { useDraft } from "../draft";
import { useAnswer } from "../hooks/use_answer";
import { PictureInput } from "../picture/PictureInput";
import { go, type UnitRoute, unitLink } from "../routes";
import { ChannelBrowser } from "./ChannelBrowser";
import type { ChannelMaps } from "./channel_maps";
import { UnitPanel } from "./UnitPanel";

interface Props {
  route: UnitRoute;
  layer: Layer;
  techniques: Technique[];
}

export function LayerView({ route, layer, techniques }: Props) {
  const { picture } = useDraft().draft;
  const input = useAnswer(route.model, () => readModel(route.model)).value?.input_size ?? null;
  const panel = (maps: ChannelMaps | null) =>
    route.channel !== null && (
      <UnitPanel {...{ route, layer, techniques, picture, maps }} channel={route.channel} />
    );
  return (
    <>
      <header class="layer-title">
        <div>
          <h3>
            <span class="name">{layer.path}</span>
          </h3>
          <p class="note">
            {layer.type}, output {layer.shape.join(" × ")}. {fieldText(layer, input)}
          </p>
        </div>
        <ChannelField route={route} layer={layer} />
      </header>
      {picture ? (
        <ChannelBrowser {...{ route, layer, picture, panel }} />
      ) : (
        <>
          <p>Choose a picture to see where each of the {layer.channels} channels responds in it.</p>
          <div class="picture-choice">
            <PictureInput error={null} />
          </div>
          {panel(null)}
        </>
      )}
    </>
  );
}

/** A channel by its number. */
function ChannelField({ route, layer }: { route: UnitRoute; layer: Layer }) {
  const open = (text: string) => {
    go(unitLink(route.model, layer.path, text === "" ? null : Number(text)));
  };
  return (
    <div class="channel-field">
      <label for="channel">Channel, 0–{layer.channels - 1}</label>
      <input
        id="channel"
        type="number"
        min={0}
        max={layer.channels - 1}
        value={route.channel ?? ""}
        onChange={(event) => open(event.currentTarget.value)}
      />
    </div>
  );
}

/** What a place sees. The receptive field of a late layer may be larger than the input. */
function fieldText(layer: Layer, input: number | null): string {
  const { receptive_field: field, receptive_field_reason: reason } = layer;
  if (!field) return reason ?? "A place sees the whole picture.";
  if (input !== null && field.size.every((size) => size >= input)) {
    return "A place in the middle sees the whole input of the network and beyond its edge.";
  }
  return `A place sees ${field.size.join(" × ")} pixels of the network's input.`;
}
