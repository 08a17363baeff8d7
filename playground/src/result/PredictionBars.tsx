/** The classes that a model predicts, with their probabilities as bars. */

import type { Prediction } from "../pickers/TargetPicker";
import { formatPercent } from "../words";

export function PredictionBars({ predictions }: { predictions: Prediction[] }) {
  return (
    <ol class="prediction-bars">
      {predictions.map(({ index, label, probability }) => (
        <li key={index}>
          <span>{label}</span>
          <meter value={probability ?? 0} aria-label={`Probability of ${label}`} />
          <span>{probability === null ? "–" : formatPercent(probability)}</span>
        </li>
      ))}
    </ol>
  );
}
