/** What the colours of a map mean: the colours of its own palette, their values and the unit. */

import { artifactPath } from "../api/jobs";
import { readPalette } from "../api/palette";
import { send } from "../api/request";
import type { Job } from "../api/types";
import { useAnswer } from "../hooks/use_answer";
import { formatNumber } from "../words";
import { type ColorRange, rangeOf } from "./color_range";

const HEATMAP = "heatmap.png";
// Level 255 of the palette is where nothing was measured.
const LEVELS = 255;
const STOPS = 32;

export function ColorBar({ job }: { job: Job }) {
  const range = rangeOf(job);
  const path = range && artifactPath(job.id, HEATMAP);
  const gradient = useAnswer(path, () => askGradient(path ?? "")).value;
  if (!range) return null;
  const { low, high, units } = range;
  const values = low < 0 ? [low, (low + high) / 2, high] : [low, high];
  return (
    <figure class="color-bar">
      {gradient && <div class="ramp" style={{ backgroundImage: gradient }} />}
      <div class="ticks" aria-hidden="true">
        {values.map((value) => (
          <span key={value}>{short(value)}</span>
        ))}
      </div>
      <figcaption class="note">
        Colours from {short(low)} to {short(high)}
        {units && ` (${units})`}.{beyond(range)}
      </figcaption>
    </figure>
  );
}

async function askGradient(path: string): Promise<string | null> {
  const palette = readPalette(await (await send(path)).arrayBuffer());
  if (palette.length < LEVELS) return null;
  const stops = Array.from({ length: STOPS + 1 }, (_, index) => {
    const color = palette[Math.round((index / STOPS) * (LEVELS - 1))] ?? [0, 0, 0];
    return `rgb(${color.join(" ")})`;
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

/** A sentence on the values that have the colour of an end though they lie beyond it. */
function beyond({ low, high, minimum, maximum }: ColorRange): string {
  const slack = (high - low) * 1e-4;
  const [under, over] = [minimum < low - slack, maximum > high + slack];
  if (under && over) return ` Its values go from ${short(minimum)} to ${short(maximum)}.`;
  if (over) return ` Its largest value is ${short(maximum)}.`;
  return under ? ` Its smallest value is ${short(minimum)}.` : "";
}

function short(value: number): string {
  return formatNumber(Number(value.toPrecision(3)));
}
