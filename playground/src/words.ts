/** Names and numbers as people read them. */

/** `largest_fall_box` → `Largest fall box`. */
export function readable(name: string): string {
  const words = name
    .replaceAll("_", " ")
    .replace(/\bauc\b/, "area under the curve")
    .replace("color", "colour");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Four significant digits, with a real minus, and no more zeros than needed. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) {
    return value.toLocaleString("en").replace("-", "−");
  }
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6)
      ? value.toExponential(2).replace("e", " × 10^").replace("^+", "^")
      : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−").replace(/\^(.*)$/, (_, power) => superscript(power));
}

export function formatPercent(value: number): string {
  const percent = value * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent.toFixed(percent >= 10 ? 0 : 1)} %`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const thousands = bytes / 1000;
  return thousands < 1000 ? `${Math.round(thousands)} kB` : `${(thousands / 1000).toFixed(1)} MB`;
}

/** How long something takes: `4 s`, `3 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function formatTime(moment: string): string {
  const date = new Date(moment);
  const today = new Date().toDateString() === date.toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return today
    ? time
    : `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/** The first sentence of a technique's description, without its title in front. */
export function firstSentence(description: string): string {
  const line = description.split("\n\n")[0]?.replaceAll("\n", " ") ?? "";
  const text = line.replace(/^[^:.]{1,40}: /, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function superscript(digits: string): string {
  const raised: Record<string, string> = { "−": "⁻" };
  return [...digits].map((digit) => raised[digit] ?? "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
}
