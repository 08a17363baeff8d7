/** The channels of a layer as tiles. One is in the tab order; arrow keys go to the others. */

import { useRef, useState } from "preact/hooks";
import type { Pair } from "../api/types";
import { formatNumber } from "../words";
import {
  type Area,
  type ChannelMaps,
  contrastIn,
  hasPlaces,
  leastMean,
  type Order,
} from "./channel_maps";
import { MapCanvas } from "./MapCanvas";

interface Props {
  maps: ChannelMaps;
  /** Numbers of maps, in the order in which they are shown. */
  rows: number[];
  order: Order;
  areas: Area[];
  chosen: number | null;
  /** Called with the map that the pointer or the focus is on, and null when it leaves. */
  onLook: (row: number | null) => void;
  /** Called with the map and the place in its tile; without one, by the keyboard. */
  onChoose: (row: number, place: Pair | null) => void;
}

const STEP = 64;

export function ChannelTiles(props: Props) {
  const { maps, rows, chosen } = props;
  const [count, setCount] = useState(STEP);
  const [active, setActive] = useState(0);
  const grid = useRef<HTMLUListElement>(null);
  const shown = rows.slice(0, count);
  const stop = Math.min(active, shown.length - 1);

  const focus = (index: number) => {
    setActive(index);
    grid.current?.querySelectorAll("button")[index]?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = keyTarget(event.key, stop, shown.length, columnsOf(grid.current));
    if (next === null) return;
    event.preventDefault();
    focus(next);
  };
  return (
    <>
      <ul
        class="tiles"
        ref={grid}
        aria-label="Channels; arrow keys go from tile to tile"
        onKeyDown={onKeyDown}
      >
        {shown.map((row, index) => (
          <Tile
            key={maps.entries[row]?.channel}
            {...props}
            row={row}
            pressed={maps.entries[row]?.channel === chosen}
            reachable={index === stop}
            onFocus={() => setActive(index)}
          />
        ))}
      </ul>
      {count < rows.length && (
        <button type="button" class="button" onClick={() => setCount(count + STEP)}>
          Show {Math.min(STEP, rows.length - count)} more
        </button>
      )}
    </>
  );
}

interface TileProps extends Props {
  row: number;
  pressed: boolean;
  reachable: boolean;
  onFocus: () => void;
}

function Tile({ maps, row, order, areas, pressed, reachable, ...props }: TileProps) {
  const entry = maps.entries[row];
  if (!entry) return null;
  const onClick = (event: MouseEvent) => {
    // A key makes a click without a pointer: it has no place.
    const canvas = (event.currentTarget as Element).querySelector("canvas");
    const byPointer = event.detail > 0 && canvas !== null && hasPlaces(maps);
    props.onChoose(row, byPointer ? placeIn(canvas, maps, event) : null);
  };
  const { text, words } = responseText(maps, row, order, areas);
  return (
    <li>
      <button
        type="button"
        class="tile"
        tabIndex={reachable ? 0 : -1}
        aria-pressed={pressed}
        aria-label={`Channel ${entry.channel}, ${words}`}
        onClick={onClick}
        onFocus={() => {
          props.onFocus();
          props.onLook(row);
        }}
        onBlur={() => props.onLook(null)}
        onPointerEnter={() => props.onLook(row)}
        onPointerLeave={() => props.onLook(null)}
      >
        <MapCanvas maps={maps} row={row} />
        <span class="tile-channel">{entry.channel}</span>
        <small>{text}</small>
      </button>
    </li>
  );
}

/** What a tile says of its channel, by which it is ordered; and the same in words. */
function responseText(maps: ChannelMaps, row: number, order: Order, areas: Area[]) {
  const { mean, max } = maps.entries[row] ?? { mean: 0, max: 0 };
  if (order === "contrast" && areas.length > 0) {
    const contrast = contrastIn(maps, row, areas);
    const text = `${contrast < 0 ? "−" : "+"}${Math.abs(contrast).toFixed(1)} σ`;
    return { text, words: `${contrast.toFixed(1)} deviations above its mean` };
  }
  const [name, value]: [string, number] =
    order === "here" && areas.length > 0
      ? ["here", leastMean(maps, row, areas)]
      : order === "max"
        ? ["max", max]
        : ["mean", mean];
  const text = `${name} ${formatNumber(Number(value.toPrecision(3)))}`;
  return { text, words: text };
}

function placeIn(canvas: Element, { rows, columns }: ChannelMaps, event: MouseEvent): Pair | null {
  const frame = canvas.getBoundingClientRect();
  const y = Math.floor(((event.clientY - frame.top) / frame.height) * rows);
  const x = Math.floor(((event.clientX - frame.left) / frame.width) * columns);
  return y >= 0 && y < rows && x >= 0 && x < columns ? [y, x] : null;
}

/** The tile that a key leads to, or null for other keys. */
function keyTarget(key: string, from: number, count: number, columns: number): number | null {
  const step: Record<string, number> = {
    ArrowRight: from + 1,
    ArrowLeft: from - 1,
    ArrowDown: from + columns,
    ArrowUp: from - columns,
    Home: 0,
    End: count - 1,
  };
  const next = step[key];
  return next === undefined ? null : Math.min(count - 1, Math.max(0, next));
}

function columnsOf(grid: HTMLUListElement | null): number {
  if (!grid) return 1;
  return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}
