/** A button that copies a text, and says so for a moment. */

import { useEffect, useState } from "preact/hooks";

export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [state, setState] = useState<"" | "copied" | "failed">("");
  useEffect(() => {
    if (!state) return;
    const timer = setTimeout(() => setState(""), 2500);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    setState((await copyText(text())) ? "copied" : "failed");
  };
  return (
    <button type="button" class="button quiet" onClick={copy}>
      <span aria-live="polite">
        {state === "copied" ? "Copied" : state === "failed" ? "Copying is not allowed here" : label}
      </span>
    </button>
  );
}

/** Browsers offer the clipboard to secure pages only; elsewhere a selected field is copied. */
async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "off-screen";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
