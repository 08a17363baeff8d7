/** The numbers of a result as a table, with the help texts of the technique's JSON Schema. */

import type { JsonSchema } from "../api/types";
import type { Prediction } from "../pickers/TargetPicker";
import { Marked } from "../ui/Marked";
import { formatNumber, readable } from "../words";
import { PredictionBars } from "./PredictionBars";
import { isTable, shortValue } from "./values";

interface Props {
  summary: Record<string, unknown>;
  schema: JsonSchema;
}

/** Verdicts and the target are said above the table, and curves are drawn in pictures. */
const SAID = new Set(["verdict", "target", "predictions", "fractions", "check"]);

export function SummaryTable({ summary, schema }: Props) {
  const predictions = summary.predictions as Prediction[] | undefined;
  const check = summary.check as Record<string, unknown> | null | undefined;
  const rows = Object.entries(withScore(summary)).filter(([name]) => !SAID.has(name));
  return (
    <div class="summary">
      {predictions && <PredictionBars predictions={predictions} />}
      <Rows rows={rows} schema={schema} root={schema} caption="Numbers" />
      {check && (
        <Rows
          rows={Object.entries(check).filter(([name]) => !SAID.has(name))}
          schema={resolve(schema.properties?.check, schema)}
          root={schema}
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
  root: JsonSchema;
  caption: string;
}

function Rows({ rows, schema, root, caption }: RowsProps) {
  const shown = rows.filter(([, value]) => value !== null && !isCurve(value));
  if (shown.length === 0) return null;
  return (
    <table>
      <caption>{caption}</caption>
      <tbody>
        {shown.map(([name, value]) => {
          const property = schema?.properties?.[name];
          return (
            <tr key={name}>
              <th scope="row">
                {readable(name)}
                <Help text={property?.description ?? resolve(property, root)?.description} />
              </th>
              <td>{isTable(value) ? <Table items={value} /> : shortValue(name, value)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Help({ text }: { text: string | undefined }) {
  return text ? (
    <small>
      <Marked text={text.split("\n\n")[0] ?? ""} />
    </small>
  ) : null;
}

/** A list of objects, such as patches, as a table of its own. */
function Table({ items }: { items: Record<string, unknown>[] }) {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section class="scroll" tabIndex={0} aria-label="Table">
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {readable(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{shortValue(column, item[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
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
