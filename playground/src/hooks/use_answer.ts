/** The answer to a question to the server, for a component that shows it. */

import { useEffect, useState } from "preact/hooks";
import { isAbort, type Problem, toProblem } from "../api/request";

export interface Answer<Value> {
  value: Value | null;
  problem: Problem | null;
  loading: boolean;
}

/** Ask whenever `key` changes; null asks nothing. The answer before stays until the next one. */
export function useAnswer<Value>(key: string | null, ask: () => Promise<Value>): Answer<Value> {
  const [answer, setAnswer] = useState<Answer<Value> & { key: string | null }>({
    key: null,
    value: null,
    problem: null,
    loading: false,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key names the question
  useEffect(() => {
    if (key === null) return;
    let current = true;
    ask().then(
      (value) => current && setAnswer({ key, value, problem: null, loading: false }),
      (error) => {
        if (!current || isAbort(error)) return;
        setAnswer({ key, value: null, problem: toProblem(error), loading: false });
      },
    );
    return () => {
      current = false;
    };
  }, [key]);
  if (key === null) return { value: null, problem: null, loading: false };
  return answer.key === key ? answer : { ...answer, problem: null, loading: true };
}
