/** The picture with the response of one channel over it; a place of the map can be chosen. */

import { useState } from "preact/hooks";
import { contentPath } from "../api/images";
import type { Pair } from "../api/types";
import type { Picture } from "../draft";
import { useBlobUrl } from "../hooks/use_blob_url";
import { type Area, type ChannelMaps, hasPlaces, valueText } from "./channel_maps";
import { MapCanvas } from "./MapCanvas";

interface Props {
  picture: Picture;
  maps: ChannelMaps;
  /** The map that is shown, or null for the picture alone. */
  row: number | null;
  /** The places that were asked about, each with those around it, and that of the neuron. */
  asked: Pair[];
  areas: Area[];
  neuron: Pair | null;
  onAsk: (places: Pair[]) => void;
}

export function PhotoMap({ picture, maps, row, asked, areas, neuron, onAsk }: Props) {
  const shown = useBlobUrl(contentPath(picture.id));
  const [over, setOver] = useState<Pair | null>(null);
  const { rows, columns } = maps;

  const last = asked[asked.length - 1] ?? null;
  const [adds, setAdds] = useState(false);
  const [outside, setOutside] = useState(false);

  const onKeyDown = (event: KeyboardEvent) => {
    const [y, x] = last ?? [Math.floor(rows / 2), Math.floor(columns / 2)];
    const next = { ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1] }[event.key];
    const target = event.key === "ArrowRight" ? [y, x + 1] : next;
    if (event.key === "Escape") onAsk([]);
    if (event.key === "Enter") onAsk([...asked, [y, x]]);
    if (!target) return;
    event.preventDefault();
    onAsk([...asked.slice(0, -1), [limit(target[0], rows), limit(target[1], columns)]]);
  };
  const onClick = (event: MouseEvent) => {
    if (event.detail === 0) return;
    const kept = adds || event.shiftKey ? asked : [];
    onAsk([...kept, placeOf(event)]);
  };
  const placeOf = (event: MouseEvent): Pair => {
    const { left, top, width, height } = (event.currentTarget as Element).getBoundingClientRect();
    return [
      limit(Math.floor(((event.clientY - top) / height) * rows), rows),
      limit(Math.floor(((event.clientX - left) / width) * columns), columns),
    ];
  };
  return (
    <figure class="photo-map">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the button only gets words */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside is the control */}
      <div
        class="photo-map-frame"
        onClick={({ target }) => setOutside(!(target as Element).closest(".photo-map-box"))}
      >
        {shown && <img src={shown} alt="" data-covered={row !== null} />}
        <div class="photo-map-box" style={percentBox(picture, maps)}>
          {row !== null && <MapCanvas maps={maps} row={row} overlay />}
          {hasPlaces(maps) && (
            <button
              type="button"
              aria-label={`${placeText(last)} Arrow keys move it, Enter adds another.`}
              onKeyDown={onKeyDown}
              onClick={onClick}
              onPointerMove={(event) => setOver(placeOf(event))}
              onPointerLeave={() => setOver(null)}
            >
              {over && <Cells maps={maps} area={single(over)} kind="over" />}
              {areas.map((area, index) => (
                <Cells key={index} maps={maps} area={area} kind="asked" />
              ))}
              {neuron && <Cells maps={maps} area={single(neuron)} kind="neuron" />}
            </button>
          )}
        </div>
      </div>
      {asked.length > 0 && (
        <div class="asked">
          <label class="check">
            <input
              type="checkbox"
              checked={adds}
              onChange={(event) => setAdds(event.currentTarget.checked)}
            />
            Add further places
          </label>
          <button type="button" class="button quiet" onClick={() => onAsk([])}>
            Forget {asked.length > 1 ? "them" : "it"}
          </button>
        </div>
      )}
      <figcaption class="note">
        <strong role="status">{outside && "The network does not see this part. "}</strong>
        {caption(maps, row, over ?? neuron ?? last)}
      </figcaption>
    </figure>
  );
}

/** The outline of an area. */
function Cells({ maps, area, kind }: { maps: ChannelMaps; area: Area; kind: string }) {
  const [height, width] = [100 / maps.rows, 100 / maps.columns];
  const style = {
    top: `${area.top * height}%`,
    left: `${area.left * width}%`,
    width: `${(area.right + 1 - area.left) * width}%`,
    height: `${(area.bottom + 1 - area.top) * height}%`,
  };
  return <span class="cells" data-kind={kind} style={style} />;
}

function single([y, x]: Pair): Area {
  return { top: y, left: x, bottom: y, right: x };
}

function caption(maps: ChannelMaps, row: number | null, place: Pair | null): string {
  const channel = row === null ? null : maps.entries[row]?.channel;
  if (channel == null) {
    return hasPlaces(maps) ? "Click a place of the picture to see which channels react there." : "";
  }
  if (row === null || !place) return `Channel ${channel}`;
  const value = valueText(maps, row, place);
  return `Channel ${channel} at row ${place[0]}, column ${place[1]}: ${value}`;
}

function placeText(place: Pair | null): string {
  return place ? `Place at row ${place[0]}, column ${place[1]}.` : "Choose a place of the picture.";
}

function percentBox({ width, height }: Picture, { box }: ChannelMaps) {
  return {
    left: `${(box.left / width) * 100}%`,
    top: `${(box.top / height) * 100}%`,
    width: `${((box.right - box.left) / width) * 100}%`,
    height: `${((box.bottom - box.top) / height) * 100}%`,
  };
}

function limit(value: number | undefined, count: number): number {
  return Math.min(count - 1, Math.max(0, value ?? 0));
}
