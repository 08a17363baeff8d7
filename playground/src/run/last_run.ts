/** Which job was started by Run in this tab: its heading gets the focus, once. */

let started: string | null = null;

export function noteRun(id: string): void {
  started = id;
}

/** Whether the job was just started here. The second call says no. */
export function takeRun(id: string): boolean {
  const just = started === id;
  if (just) started = null;
  return just;
}
