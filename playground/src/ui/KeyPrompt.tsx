/** Asks for the API key of a server that wants one. */

import { useState } from "preact/hooks";
import { forgetCatalog } from "../api/catalog";
import { readKey, saveKey } from "../api/key";

export function KeyPrompt() {
  const [key, setKey] = useState("");
  const [refused] = useState(readKey() !== null);
  const save = (event: Event) => {
    event.preventDefault();
    if (!key.trim()) return;
    forgetCatalog();
    saveKey(key.trim());
  };
  return (
    <form class="key-prompt" onSubmit={save}>
      <h2>This server wants an API key</h2>
      {refused && (
        <p class="error" role="alert">
          The key was not accepted.
        </p>
      )}
      <label class="field">
        <span>API key</span>
        <input
          type="password"
          autocomplete="off"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <p class="help">
        It stays in this tab and is sent to this server alone. Its operator makes one with{" "}
        <code>retinoscope keys create NAME</code>.
      </p>
      <button type="submit" class="button primary">
        Use this key
      </button>
    </form>
  );
}
