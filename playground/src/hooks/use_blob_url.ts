/** Pictures behind a key: fetched with a header, and shown from memory. */

import { useEffect, useState } from "preact/hooks";
import { isAbort, send } from "../api/request";

/** Return an address for the bytes of a path of the API, or null until they are there. */
export function useBlobUrl(path: string | null): string | null {
  const [found, setFound] = useState<{ path: string; url: string } | null>(null);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    let url: string | null = null;
    fetchBlob(path, stop.signal)
      .then((blob) => {
        url = URL.createObjectURL(blob);
        setFound({ path, url });
      })
      .catch((error) => {
        if (!isAbort(error)) setFound(null);
      });
    return () => {
      stop.abort();
      const shown = url;
      // The next picture takes the place of this one first, so that nothing flickers.
      if (shown) setTimeout(() => URL.revokeObjectURL(shown), 1000);
    };
  }, [path]);
  // A preview stays until the next one is there.
  return path === null ? null : (found?.url ?? null);
}

export async function fetchBlob(path: string, signal?: AbortSignal): Promise<Blob> {
  return (await send(path, signal ? { signal } : {})).blob();
}
