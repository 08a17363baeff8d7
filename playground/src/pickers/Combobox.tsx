/** A text field with suggestions that are searched for while one types (ARIA combobox). */

import { useEffect, useRef, useState } from "preact/hooks";

export interface Suggestion {
  value: string;
  label: string;
  detail?: string;
}

interface Props {
  id: string;
  value: string;
  placeholder?: string;
  describedBy?: string | undefined;
  invalid?: boolean;
  /** What to suggest for the text. */
  suggest: (text: string) => Promise<Suggestion[]>;
  onChange: (value: string) => void;
  /** By default the text becomes the value of the suggestion. */
  onPick?: (suggestion: Suggestion) => void;
  /** Called when the field loses the focus, or Enter is pressed. */
  onLeave?: () => void;
}

const DELAY_MS = 150;
const MOST = 50;

export function Combobox(props: Props) {
  const { id, value, suggest, onChange } = props;
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const suggestions = useSuggestions(open, value, suggest);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const close = () => {
    setOpen(false);
    setActive(-1);
  };
  const pick = (suggestion: Suggestion) => {
    close();
    if (props.onPick) props.onPick(suggestion);
    else onChange(suggestion.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = suggestions[active];
    if (step) {
      event.preventDefault();
      if (!open) setOpen(true);
      else setActive((active + step + suggestions.length) % Math.max(1, suggestions.length));
    } else if (event.key === "Enter" && open && chosen) {
      event.preventDefault();
      pick(chosen);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      close();
    } else if (event.key === "Enter") {
      props.onLeave?.();
    }
  };
  const shown = open && suggestions.length > 0;
  return (
    <div class="combobox">
      <input
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={value}
        placeholder={props.placeholder}
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={shown && active >= 0 ? `${id}-${active}` : undefined}
        aria-describedby={props.describedBy}
        aria-invalid={props.invalid || undefined}
        onInput={(event) => {
          onChange(event.currentTarget.value);
          setOpen(true);
          setActive(-1);
        }}
        onClick={() => setOpen(true)}
        onBlur={() => {
          close();
          props.onLeave?.();
        }}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} role="listbox" aria-label="Suggestions" ref={list} hidden={!shown}>
        {suggestions.map((suggestion, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above
          <div
            key={suggestion.value}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            // The field keeps the focus, or it would close the list before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(suggestion)}
          >
            <span>{suggestion.label}</span>
            {suggestion.detail && <small>{suggestion.detail}</small>}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Suggestions for the text, a moment after the last key. None for a question that is refused. */
function useSuggestions(open: boolean, text: string, suggest: Props["suggest"]): Suggestion[] {
  const [found, setFound] = useState<Suggestion[]>([]);
  useEffect(() => {
    if (!open) return;
    let current = true;
    const timer = setTimeout(async () => {
      const suggestions = await suggest(text).catch(() => []);
      if (current) setFound(suggestions.slice(0, MOST));
    }, DELAY_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [open, text, suggest]);
  return found;
}
