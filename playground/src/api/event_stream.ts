/** Server-sent events by `fetch`: an EventSource could not send the key as a header. */

export interface ServerEvent {
  name: string;
  data: string;
  id: string;
}

/** Yield the events of a response as they arrive (WHATWG HTML, section 9.2). */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Return the event of a block of lines, or null for a comment. */
function parseEvent(block: string): ServerEvent | null {
  const event: ServerEvent = { name: "message", data: "", id: "" };
  let found = false;
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") event.name = value ?? "";
    if (field === "id") event.id = value ?? "";
    if (field === "data") {
      event.data += (found ? "\n" : "") + (value ?? "");
      found = true;
    }
  }
  return found ? event : null;
}
