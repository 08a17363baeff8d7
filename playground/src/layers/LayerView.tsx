/** One layer: its facts, the picture to look at, its channels, and the unit that was chosen. */

import type { Layer, Technique } from "../api/types";
import { useDraft } from "../draft";
import { PictureInput } from "../picture/PictureInput";
import { go, type UnitRoute, unitLink } from "../routes";
import { ChannelBrowser } from "./ChannelBrowser";
import { UnitPanel } from "./UnitPanel";

interface Props {
  route: UnitRoute;
  layer: Layer;
  techniques: Technique[];
}

export function LayerView({ route, layer, techniques }: Props) {
  const { picture } = useDraft().draft;
  const panel = route.channel !== null && (
    <UnitPanel {...{ route, layer, techniques, picture }} channel={route.channel} />
  );
  return (
    <>
      <header class="layer-title">
        <div>
          <h3>
            <span class="name">{layer.path}</span>
          </h3>
          <p class="note">
            {layer.type}, output {layer.shape.join(" × ")}. {fieldText(layer)}
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
          {panel}
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

function fieldText({ receptive_field: field, receptive_field_reason: reason }: Layer): string {
  if (!field) return reason ?? "A place sees the whole picture.";
  return `A place sees ${field.size.join(" × ")} pixels of the network's input.`;
}
