/** Whether the page is wide enough for two columns. */

import { useEffect, useState } from "preact/hooks";

const WIDE = matchMedia("(min-width: 960px)");

export function useWide(): boolean {
  const [wide, setWide] = useState(WIDE.matches);
  useEffect(() => {
    const update = () => setWide(WIDE.matches);
    WIDE.addEventListener("change", update);
    return () => WIDE.removeEventListener("change", update);
  }, []);
  return wide;
}
