/** The classes that a model predicts, with their probabilities as bars. */

import type { Prediction } from "../pickers/TargetPicker";
import { formatPercent } from "../words";

export function PredictionBars({ predictions }: { predictions: Prediction[] }) {
  return (
    <ol class="prediction-bars">
      {predictions.map(({ index, label, probability }) => (
        <li key={index}>
          <span>{label}</span>
          <span class="track">
            <span style={{ width: `${100 * (probability ?? 0)}%` }} />
          </span>
          <span>{probability === null ? "–" : formatPercent(probability)}</span>
        </li>
      ))}
    </ol>
  );
}
