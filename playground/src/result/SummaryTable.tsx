/** The numbers of a result as tables, with the help texts of the technique's JSON Schema. */

import type { JsonSchema } from "../api/types";
import type { Prediction } from "../pickers/TargetPicker";
import { Marked } from "../ui/Marked";
import { formatNumber, readable } from "../words";
import { ListTable } from "./ListTable";
import { PredictionBars } from "./PredictionBars";
import { isPairs, isTable, shortValue } from "./values";

interface Props {
  summary: Record<string, unknown>;
  schema: JsonSchema;
}

/** Verdicts and the target are said above the table, and curves are drawn in pictures. */
const SAID = new Set(["verdict", "target", "predictions", "fractions", "check"]);

export function SummaryTable({ summary, schema }: Props) {
  const predictions = summary.predictions as Prediction[] | undefined;
  const check = summary.check as Record<string, unknown> | null | undefined;
  const entries = Object.entries(withScore(summary)).filter(([name]) => !SAID.has(name));
  const of = (property: JsonSchema | undefined) => resolve(property, schema);
  return (
    <div class="summary">
      {predictions && <PredictionBars predictions={predictions} />}
      {entries.map(([name, value]) =>
        isTable(value) ? (
          <ListTable
            key={name}
            items={value}
            title={readable(name)}
            help={schema.properties?.[name]?.description ?? ""}
          />
        ) : null,
      )}
      <Rows rows={entries} schema={schema} of={of} caption="Numbers" />
      {check && (
        <Rows
          rows={Object.entries(check).filter(([name]) => !SAID.has(name))}
          schema={of(schema.properties?.check)}
          of={of}
          caption="Numbers of the check"
        />
      )}
    </div>
  );
}

/** The kind of a score and its value are one row. */
function withScore(summary: Record<string, unknown>): Record<string, unknown> {
  const { score_value: value, ...others } = summary;
  if (typeof value !== "number" || typeof others.score !== "string") return summary;
  return { ...others, score: `${formatNumber(value)} (${others.score})` };
}

interface RowsProps {
  rows: [string, unknown][];
  schema: JsonSchema | null;
  of: (property: JsonSchema | undefined) => JsonSchema | null;
  caption: string;
}

function Rows({ rows, schema, of, caption }: RowsProps) {
  const shown = rows.filter(([, value]) => value !== null && !isCurve(value) && !isTable(value));
  if (shown.length === 0) return null;
  return (
    <table class="rows">
      <caption>{caption}</caption>
      <tbody>
        {shown.map(([name, value]) => {
          const property = schema?.properties?.[name];
          const help = property?.description ?? of(property)?.description ?? "";
          return (
            <tr key={name}>
              <th scope="row">
                {readable(name)}
                <small>
                  <Marked text={help.split("\n\n")[0] ?? ""} />
                </small>
              </th>
              <td>
                <Value name={name} value={value} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** A value, or the names and values that it consists of. */
function Value({ name, value }: { name: string; value: unknown }) {
  if (!isPairs(value)) return <>{shortValue(name, value)}</>;
  return (
    <dl class="pairs">
      {Object.entries(value).map(([key, each]) => (
        <div key={key}>
          <dt>{readable(key)}</dt>
          <dd>{shortValue(key, each)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Follow `$ref`, and the part of `anyOf` that is not null. */
function resolve(schema: JsonSchema | undefined, root: JsonSchema): JsonSchema | null {
  const main = schema?.anyOf?.find((option) => option.type !== "null") ?? schema;
  const name = main?.$ref?.split("/").pop();
  return name ? (root.$defs?.[name] ?? null) : (main ?? null);
}

function isCurve(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 12 && value.every((each) => typeof each === "number")
  );
}
