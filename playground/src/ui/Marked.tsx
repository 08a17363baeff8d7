/** Text of the catalog, in which `backticks` mark code. */

export function Marked({ text }: { text: string }) {
  const parts = text.replaceAll("\n", " ").split("`");
  return <>{parts.map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;
}
