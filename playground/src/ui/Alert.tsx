/** What the server says about a refusal: its title, and the sentence that says what to change. */

import type { Problem } from "../api/request";

export function Alert({
  problem,
  children,
}: {
  problem: Problem;
  children?: preact.ComponentChildren;
}) {
  return (
    <div class="alert" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.detail}</p>
      <p class="code">{problem.code}</p>
      {children}
    </div>
  );
}
