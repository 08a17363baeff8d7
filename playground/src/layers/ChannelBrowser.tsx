/** A picture and the maps of a layer's channels for it. A click into the picture asks what reacts. */

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Layer, Pair } from "../api/types";
import type { Picture } from "../draft";
import { useAnswer } from "../hooks/use_answer";
import { PictureInput } from "../picture/PictureInput";
import { go, type UnitRoute, unitLink } from "../routes";
import { Alert } from "../ui/Alert";
import { askMaps } from "./activations";
import { ChannelTiles } from "./ChannelTiles";
import { areaAround, type ChannelMaps, type Order, ordered } from "./channel_maps";
import { OrderChoice } from "./OrderChoice";
import { PhotoMap } from "./PhotoMap";

interface Props {
  route: UnitRoute;
  layer: Layer;
  picture: Picture;
  /** What can be asked about the unit that is chosen, with the value that it has in the maps. */
  panel: (maps: ChannelMaps | null) => ComponentChildren;
}

export function ChannelBrowser(props: Props) {
  const { route, layer, picture } = props;
  const question = `${route.model} ${picture.id} ${layer.path}`;
  const {
    value: maps,
    problem,
    loading,
  } = useAnswer(question, () => askMaps(route.model, picture.id, layer.path));
  if (problem) {
    return (
      <>
        <Alert problem={problem} />
        {props.panel(null)}
        <OtherPicture />
      </>
    );
  }
  // The answer before is that of another picture.
  if (loading || !maps)
    return <p role="status">The maps of {layer.channels} channels are computed …</p>;
  return <Browser key={question} {...props} maps={maps} />;
}

function Browser({ route, layer, picture, panel, maps }: Props & { maps: ChannelMaps }) {
  const [order, setOrder] = useState<Order>("max");
  const [asked, setAsked] = useState<Pair[]>([]);
  const [looked, setLooked] = useState<number | null>(null);
  const areas = useMemo(() => asked.map((place) => areaAround(maps, place)), [maps, asked]);
  const rows = useMemo(() => ordered(maps, order, areas), [maps, order, areas]);
  const chosen = maps.entries.findIndex(({ channel }) => channel === route.channel);

  const ask = (places: Pair[]) => {
    setAsked(places);
    if (places.length > 0 && !byPlace(order)) setOrder("contrast");
    if (places.length === 0 && byPlace(order)) setOrder("max");
  };
  const choose = (row: number, place: Pair | null) => {
    const entry = maps.entries[row];
    if (!entry) return;
    // The mark around a place that was asked about is for the order: its centre is what was meant.
    const neuron = asked[asked.length - 1] ?? place ?? entry.position;
    go(unitLink(route.model, layer.path, entry.channel, neuron));
  };
  return (
    <div class="browser">
      <div class="browser-picture">
        <PhotoMap
          {...{ picture, maps, asked, areas }}
          row={looked ?? (chosen >= 0 ? chosen : null)}
          neuron={looked === null || looked === chosen ? route.place : null}
          onAsk={ask}
        />
        {panel(maps)}
        <OtherPicture />
      </div>
      <section class="stack" aria-labelledby="channels-title">
        <OrderChoice {...{ maps, order }} asked={asked.length} onOrder={setOrder} />
        <ChannelTiles
          {...{ maps, rows, order, areas }}
          key={`${order} ${asked.join(" ")}`}
          chosen={route.channel}
          onLook={setLooked}
          onChoose={choose}
        />
      </section>
    </div>
  );
}

function OtherPicture() {
  return (
    <details>
      <summary>Another picture</summary>
      <PictureInput error={null} />
    </details>
  );
}

function byPlace(order: Order): boolean {
  return order === "here" || order === "contrast";
}
