/** One layer, one of its channels, and what can be asked about that channel. */

import type { Layer, Technique } from "../api/types";
import { useDraft } from "../draft";
import { mapSize } from "../geometry";
import { go, unitLink } from "../routes";
import { formatUnit } from "../target";

interface Props {
  model: string;
  layer: Layer;
  channel: number | null;
  techniques: Technique[];
}

export function Unit({ model, layer, channel, techniques }: Props) {
  return (
    <>
      <h3>
        <span class="name">{layer.path}</span>
      </h3>
      <dl class="facts">
        <Fact name="Module" value={layer.type} />
        <Fact name="Output" value={layer.shape.join(" × ")} />
        <Fact name="Receptive field" value={fieldText(layer)} />
      </dl>
      <ChannelField {...{ model, layer, channel }} />
      {channel !== null && channel < layer.channels && (
        <Questions {...{ model, layer, channel, techniques }} />
      )}
      {channel !== null && channel >= layer.channels && (
        <p class="callout">
          The layer has the channels 0 to {layer.channels - 1}; {channel} is outside.
        </p>
      )}
    </>
  );
}

function ChannelField(props: { model: string; layer: Layer; channel: number | null }) {
  const { model, layer, channel } = props;
  const open = (text: string) => {
    go(unitLink(model, layer.path, text === "" ? null : Number(text)));
  };
  return (
    <div class="field channel-field">
      <label for="channel">Channel, 0–{layer.channels - 1}</label>
      <input
        id="channel"
        type="number"
        min={0}
        max={layer.channels - 1}
        value={channel ?? ""}
        onChange={(event) => open(event.currentTarget.value)}
      />
    </div>
  );
}

/** Techniques that take a unit as their target. Each opens the form, filled in. */
function Questions(props: Props & { channel: number }) {
  const { model, layer, channel, techniques } = props;
  const { change } = useDraft();
  const target = formatUnit({ layer: layer.path, channel, place: null });
  const ask = (technique: string) => {
    change({ kind: "model", model });
    change({ kind: "technique", technique });
    change({ kind: "value", name: "target", value: target });
    go("#/");
  };
  const asked = techniques.filter(({ parameters }) => parameters.properties?.target);
  return (
    <section aria-labelledby="questions">
      <h4 id="questions">
        What to ask about <span class="name">{target}</span>
      </h4>
      <ul class="questions">
        {asked.map(({ name, title }) => (
          <li key={name}>
            <button type="button" class="button" onClick={() => ask(name)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
      {mapSize(layer) && (
        <p class="note">In the form, a click into the picture chooses one place of the channel.</p>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function fieldText({ receptive_field: field, receptive_field_reason: reason }: Layer): string {
  if (!field) return reason ? `unknown: ${reason}` : "the whole picture";
  return `${field.size.join(" × ")} pixels, every ${field.stride[0]}`;
}
