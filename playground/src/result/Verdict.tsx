/** What the job itself concludes, before all numbers: of the check, or of a search. */

export function Verdict({ summary }: { summary: Record<string, unknown> }) {
  const text = verdictOf(summary);
  if (!text) return null;
  return (
    <div class="callout">
      <strong>{summary.check ? "How far to trust this map" : "Verdict"}</strong>
      <p>{text.charAt(0).toUpperCase() + text.slice(1)}</p>
    </div>
  );
}

export function verdictOf(summary: Record<string, unknown>): string | null {
  const check = summary.check as { verdict?: string } | null | undefined;
  const verdict = check?.verdict ?? summary.verdict;
  return typeof verdict === "string" ? verdict : null;
}
