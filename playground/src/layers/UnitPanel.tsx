/** The unit that was chosen, one neuron or a whole channel, and what can be asked about it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { listImageSets } from "../api/catalog";
import { createJob } from "../api/jobs";
import { type Problem, toProblem } from "../api/request";
import type { Layer, Pair, Technique } from "../api/types";
import { type Picture, useDraft } from "../draft";
import { useAnswer } from "../hooks/use_answer";
import { useWide } from "../hooks/use_wide";
import { go, jobLink, type UnitRoute } from "../routes";
import { noteRun } from "../run/last_run";
import { formatUnit } from "../target";
import { Alert } from "../ui/Alert";
import { type ChannelMaps, valueText } from "./channel_maps";
import { type Question, questionsOf } from "./questions";

interface Props {
  route: UnitRoute;
  layer: Layer;
  channel: number;
  picture: Picture | null;
  /** The maps for the picture, where they are there. */
  maps: ChannelMaps | null;
  techniques: Technique[];
}

export function UnitPanel({ route, layer, channel, picture, maps, techniques }: Props) {
  const [whole, setWhole] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const panel = useScrolledTo(`${layer.path} ${channel} ${route.place}`);
  const sets = useAnswer("sets", listImageSets).value ?? [];
  const place = whole ? null : route.place;
  const target = formatUnit({ layer: layer.path, channel, place });
  const channelTarget = formatUnit({ layer: layer.path, channel, place: null });
  if (channel >= layer.channels) {
    return (
      <p class="callout">
        The layer has the channels 0 to {layer.channels - 1}; {channel} is outside.
      </p>
    );
  }
  const ask = async ({ technique, fields }: Question) => {
    setProblem(null);
    try {
      const job = await createJob(technique, { model: route.model, target, ...fields });
      noteRun(job.id);
      go(jobLink(job.id));
    } catch (error) {
      setProblem(toProblem(error));
    }
  };
  return (
    <section class="unit-panel" aria-labelledby="unit-title" ref={panel}>
      <h4 id="unit-title">
        {place ? "Neuron" : "Channel"} <span class="name">{target}</span>
      </h4>
      {maps && place && <ValueHere {...{ maps, channel, place }} />}
      {route.place && <Extent place={route.place} whole={whole} onWhole={setWhole} />}
      <ul class="questions">
        {questionsOf(channelTarget, picture, sets).map((question) => (
          <li key={`${question.title} ${question.hint}`}>
            <button type="button" class="button" onClick={() => ask(question)}>
              {question.title}
              <small>{question.hint}</small>
            </button>
          </li>
        ))}
      </ul>
      {problem && <Alert problem={problem} />}
      <Forms {...{ route, target, techniques }} />
    </section>
  );
}

/** In one column, what was chosen among the tiles is shown above them: go there. */
function useScrolledTo(unit: string) {
  const panel = useRef<HTMLElement>(null);
  const wide = useWide();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another unit scrolls again
  useEffect(() => {
    if (!wide) panel.current?.scrollIntoView({ block: "start" });
  }, [unit, wide]);
  return panel;
}

/** The value of the neuron for the picture, unless its channel is not among the maps. */
function ValueHere(props: { maps: ChannelMaps; channel: number; place: Pair }) {
  const { maps, channel, place } = props;
  const row = maps.entries.findIndex((entry) => entry.channel === channel);
  const [y, x] = place;
  if (row < 0 || y >= maps.rows || x >= maps.columns) return null;
  return <p class="note">Its value for this picture is {valueText(maps, row, place)}.</p>;
}

/** One place or all of them. */
function Extent(props: { place: number[]; whole: boolean; onWhole: (whole: boolean) => void }) {
  const options: [string, boolean][] = [
    [`Row ${props.place[0]}, column ${props.place[1]}`, false],
    ["Whole channel", true],
  ];
  return (
    <fieldset class="segments">
      <legend class="off-screen">Explain</legend>
      {options.map(([label, whole]) => (
        <label key={label}>
          <input
            type="radio"
            name="extent"
            checked={props.whole === whole}
            onChange={() => props.onWhole(whole)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** The same target in the form, with all its parameters. */
function Forms(props: { route: UnitRoute; target: string; techniques: Technique[] }) {
  const { change } = useDraft();
  const open = (technique: string) => {
    change({ kind: "model", model: props.route.model });
    change({ kind: "technique", technique });
    change({ kind: "value", name: "target", value: props.target });
    go("#/");
  };
  const asked = props.techniques.filter(({ parameters }) => parameters.properties?.target);
  return (
    <details>
      <summary>Other techniques, with parameters</summary>
      <ul class="buttons forms">
        {asked.map(({ name, title }) => (
          <li key={name}>
            <button type="button" class="button quiet" onClick={() => open(name)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
