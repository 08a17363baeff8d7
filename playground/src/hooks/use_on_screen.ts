/** Whether an element has been scrolled into view, so that pictures far below are not fetched. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export function useOnScreen<Target extends Element>(): [RefObject<Target | null>, boolean] {
  const element = useRef<Target>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current || seen) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [seen]);
  return [element, seen];
}
