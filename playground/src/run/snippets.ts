/** A request as a command of curl, and in Python with `retinoscope_client`. */

import { readKey } from "../api/key";
import { url } from "../api/request";
import type { Request } from "./request";

/** A text for a POSIX shell. */
function quoted(text: string): string {
  return /^[\w.,:/@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function asCurl(request: Request): string {
  const lines = ["curl"];
  for (const { name, value, file } of request.inputs) {
    lines.push(`-F ${quoted(file ? `${name}=@${file}` : `${name}=${value}`)}`);
  }
  for (const [name, value] of request.params) lines.push(`-F ${quoted(`${name}=${value}`)}`);
  if (readKey() !== null) lines.push('-H "X-API-Key: $RETINOSCOPE_KEY"');
  // Without a field there would be no body, and curl would send a GET.
  if (request.inputs.length + request.params.length === 0) lines.push("-X POST");
  lines.push("-H 'Prefer: wait=30'", quoted(url(`v1/jobs/${request.technique}`).href));
  return lines.join(" \\\n  ");
}

export function asPython(request: Request, artifact: string | null): string {
  const [first, ...others] = request.inputs;
  const named = (name: string, value: unknown) => `${name}=${literal(value)}`;
  const shown = ({ value, file }: { value: string; file: string | null }) => file ?? value;
  const args = [
    ...(first
      ? [first.name === "image" ? literal(shown(first)) : named(first.name, shown(first))]
      : []),
    ...others.map((input) => named(input.name, shown(input))),
    ...request.params.map(([name, value]) => named(name, value)),
  ];
  const server = url("").href.replace(/\/$/, "");
  const key = readKey() === null ? "" : ', key=os.environ["RETINOSCOPE_KEY"]';
  return [
    ...(key ? ["import os", ""] : []),
    "from retinoscope_client import Client",
    "",
    `rs = Client(${literal(server)}${key})`,
    `job = rs.${request.technique}(${args.join(", ")})`,
    "result = job.wait()",
    "print(result.summary)",
    ...(artifact ? [`result[${literal(artifact)}].save("out")`] : []),
  ].join("\n");
}

function literal(value: unknown): string {
  if (value === true) return "True";
  if (value === false) return "False";
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
