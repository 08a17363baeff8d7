/** A list of objects, such as patches or channels, as a table that may be wider than the page. */

import { Marked } from "../ui/Marked";
import { readable } from "../words";
import { shortValue } from "./values";

interface Props {
  items: Record<string, unknown>[];
  title: string;
  help: string;
}

export function ListTable({ items, title, help }: Props) {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))].filter((column) =>
    items.some((item) => item[column] !== null && !isLong(item[column])),
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section class="scroll" tabIndex={0} aria-label={title}>
      <table>
        <caption>
          {title}
          <small>
            <Marked text={help} />
          </small>
        </caption>
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

/** Lists in lists are in the job's files; here they would hide the rest. */
function isLong(value: unknown): boolean {
  return Array.isArray(value) && value.some((each) => typeof each === "object");
}
