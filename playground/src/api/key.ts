/** The API key: typed once, kept for this tab, and forgotten when the tab is closed. */

import { useEffect, useState } from "preact/hooks";

const NAME = "retinoscope-key";

let refused = false;
const listeners = new Set<() => void>();

export function readKey(): string | null {
  return sessionStorage.getItem(NAME);
}

export function saveKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  tell(false);
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  tell(true);
}

/** Note that the server has refused a call for want of a key. */
export function keyRefused(): void {
  tell(true);
}

/** Whether the page has to ask for a key, and whether one is in use. */
export function useKey(): { wanted: boolean; used: boolean } {
  const [, update] = useState(0);
  useEffect(() => {
    const listener = () => update((count) => count + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return { wanted: refused, used: readKey() !== null };
}

function tell(isRefused: boolean): void {
  refused = isRefused;
  for (const listener of listeners) listener();
}
