/** What the tiles show, and by what they are ordered. */

import { type ChannelMaps, hasPlaces, type Order } from "./channel_maps";

interface Props {
  maps: ChannelMaps;
  /** Number of places that were asked about. */
  asked: number;
  order: Order;
  onOrder: (order: Order) => void;
}

const ANYWHERE: [Order, string][] = [
  ["max", "Largest value first"],
  ["mean", "Largest mean first"],
  ["index", "By number"],
];
const AT_PLACE: [Order, string][] = [
  ["contrast", "More here than elsewhere"],
  ["here", "Largest value here"],
];

export function OrderChoice({ maps, asked, order, onOrder }: Props) {
  const options = asked ? AT_PLACE : ANYWHERE;
  return (
    <>
      <header class="tiles-title">
        <h4 id="channels-title">{titleOf(asked)}</h4>
        <label>
          <span class="off-screen">Order</span>
          <select value={order} onChange={(event) => onOrder(event.currentTarget.value as Order)}>
            {options.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </header>
      <p class="note" role="status">
        {explain(maps, asked, order)}
      </p>
      <Legend signed={maps.colors === "diverging"} />
    </>
  );
}

function titleOf(asked: number): string {
  if (asked === 0) return "Channels";
  if (asked === 1) return "What reacts here";
  return `What reacts at ${asked === 2 ? "both" : `all ${asked}`} places`;
}

function explain(maps: ChannelMaps, asked: number, order: Order): string {
  const counted =
    maps.entries.length < maps.channels
      ? `The ${maps.entries.length} of ${maps.channels} channels with the largest mean. `
      : `${maps.channels} channels. `;
  if (asked && order === "contrast") {
    const where = asked > 1 ? "In every marked part" : "In the marked part";
    return `${counted}${where}, +3 σ is three standard deviations above the channel's own mean.`;
  }
  if (asked || !hasPlaces(maps)) return counted;
  return `${counted}Point at one, or tap it, to see it over the picture.`;
}

function Legend({ signed }: { signed: boolean }) {
  return (
    <p class="note legend">
      {signed ? "−m" : "0"}
      <span class="bar-of-colors" data-colors={signed ? "diverging" : "sequential"} />
      {signed ? "m, the largest magnitude of the channel" : "largest value of the channel"}
    </p>
  );
}
