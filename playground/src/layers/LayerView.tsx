/** One layer: its facts, the picture to look at, its channels, and the unit that was chosen. */

import type { Layer, Technique } from "../api/types";
import { useDraft } from "../draft";
import { PictureInput } from "../picture/PictureInput";
import type { UnitRoute } from "../routes";
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
        <h3>
          <span class="name">{layer.path}</span>
        </h3>
        <p class="note">
          {layer.type}, output {layer.shape.join(" × ")}. {fieldText(layer)}
        </p>
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

function fieldText({ receptive_field: field, receptive_field_reason: reason }: Layer): string {
  if (!field) return reason ?? "A place sees the whole picture.";
  return `A place sees ${field.size.join(" × ")} pixels of the network's input.`;
}
