/** The page: its heading, the way between its parts, and the part that the address names. */

import { listTechniques } from "./api/catalog";
import { forgetKey, useKey } from "./api/key";
import type { Technique } from "./api/types";
import { DraftContext, useDraft, useNewDraft } from "./draft";
import { History } from "./history/History";
import { useAnswer } from "./hooks/use_answer";
import { Layers } from "./layers/Layers";
import { Compare } from "./result/Compare";
import { type Route, unitLink, useRoute } from "./routes";
import { Workbench } from "./run/Workbench";
import { Alert } from "./ui/Alert";
import { KeyPrompt } from "./ui/KeyPrompt";

export function App() {
  const draft = useNewDraft();
  const route = useRoute();
  const key = useKey();
  const question = key.wanted ? null : `techniques ${key.used}`;
  const { value: techniques, problem } = useAnswer(question, listTechniques);
  return (
    <DraftContext.Provider value={draft}>
      <Header route={route} keyUsed={key.used && !key.wanted} />
      <main>
        {key.wanted && <KeyPrompt />}
        {!key.wanted && problem && <Alert problem={problem} />}
        {!key.wanted && techniques && <Page route={route} techniques={techniques} />}
      </main>
    </DraftContext.Provider>
  );
}

function Page({ route, techniques }: { route: Route; techniques: Technique[] }) {
  switch (route.page) {
    case "start":
      return <Workbench techniques={techniques} jobId={null} />;
    case "job":
      return <Workbench techniques={techniques} jobId={route.id} />;
    case "compare":
      return <Compare techniques={techniques} ids={route.ids} />;
    case "history":
      return <History techniques={techniques} />;
    case "layers":
      return <Layers techniques={techniques} route={route} />;
  }
}

function Header({ route, keyUsed }: { route: Route; keyUsed: boolean }) {
  const { draft } = useDraft();
  const links: [string, string, Route["page"][]][] = [
    ["Explain", "#/", ["start", "job"]],
    ["Layers", unitLink(draft.model), ["layers"]],
    ["History", "#/history", ["history", "compare"]],
  ];
  return (
    <header class="top">
      <h1>
        <a href="#/">
          <Logo />
          Retinoscope
        </a>
      </h1>
      <nav aria-label="Pages">
        {links.map(([label, link, pages]) => (
          <a key={label} href={link} aria-current={pages.includes(route.page) ? "page" : undefined}>
            {label}
          </a>
        ))}
        <a href="../docs">API</a>
        {keyUsed && (
          <button type="button" class="button quiet" onClick={forgetKey}>
            Forget key
          </button>
        )}
      </nav>
    </header>
  );
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M2 16C6.500 8.500 11 6 16 6s9.500 2.500 14 10c-4.500 7.500-9 10-14 10S6.500 23.500 2 16Z" />
      <circle cx="16" cy="16" r="5.200" />
    </svg>
  );
}
