// Runs a multipart and a JSON job with the client of @hey-api/openapi-ts, and reads them with that
// of openapi-typescript: `node jobs.js URL PHOTOGRAPH`.
import { readFileSync } from "node:fs";
import createFetchClient from "openapi-fetch";
import type { paths } from "./generated/paths.js";
import { formDataBodySerializer } from "./generated/hey/client/index.js";
import { client } from "./generated/hey/client.gen.js";
import { createInversion, getArtifact, getJob, listJobs, predictWithModel } from "./generated/hey/sdk.gen.js";
import type {
  CreateSaliencyErrors,
  CreateSaliencyResponses,
  InversionJob,
  Job,
  ProblemCode,
  SaliencyForm,
  SaliencyJob,
} from "./generated/hey/types.gen.js";

const [url = "", photograph = ""] = process.argv.slice(2);
const bytes = readFileSync(photograph);
const WAIT = { Prefer: "wait=60" };
client.setConfig({ baseUrl: url, throwOnError: true });

function check(truth: unknown, what: unknown): asserts truth {
  if (!truth) throw new Error(JSON.stringify(what));
}

// What the types are for: each technique has its own parameters, inputs and numbers.
function best(job: Job): number | string | undefined {
  switch (job.technique) {
    case "saliency":
      return job.result?.summary.target.label;
    case "inversion":
      return job.result?.summary.layers[0]?.error[0];
    case "predict":
      return job.result?.summary.predictions[0]?.label;
    default:
      return undefined;
  }
}

// @ts-expect-error: only an inversion has layers. The compiler must object to the line below.
export const noSuchNumber = (job: SaliencyJob) => job.result?.summary.layers;

async function saliency(): Promise<SaliencyJob> {
  const form: SaliencyForm = { image: new Blob([bytes], { type: "image/png" }), samples: 2, seed: 5 };
  const { data } = await client.post<CreateSaliencyResponses, CreateSaliencyErrors, true>({
    url: "/v1/jobs/saliency",
    body: form,
    ...formDataBodySerializer,
    headers: { ...WAIT, "Content-Type": null },
  });
  check(data.result, data);
  const file = data.result.artifacts.find(({ name }) => name === "values.npy");
  check(file, data);
  const values = await getArtifact({ path: { job_id: data.id, name: file.name } });
  check(values.data instanceof Blob && values.data.size === file.bytes, "values.npy");
  return data;
}

async function inversion(): Promise<InversionJob> {
  const image = `data:image/png;base64,${bytes.toString("base64")}`;
  const body = { image, layer: "blocks.0", steps: 2 };
  const { data } = await createInversion({ body, headers: WAIT, throwOnError: true });
  check(data.result, data);
  return data;
}

const [seen, inverted] = [await saliency(), await inversion()];
const read = await getJob({ path: { job_id: inverted.id }, throwOnError: true });
check(read.data.technique === "inversion" && read.data.params.steps === 2, read.data);
const page = await listJobs({ query: { limit: 2 }, throwOnError: true });
check(page.data.items.map(best).includes(best(seen)), page.data);
const missing = await getJob({ path: { job_id: "0".repeat(32) }, throwOnError: false });
const code: ProblemCode = "job_not_found";
check(missing.error && "code" in missing.error && missing.error.code === code, missing.error);

const plain = createFetchClient<paths>({ baseUrl: url });
const { data: same } = await plain.GET("/v1/jobs/{job_id}", { params: { path: { job_id: seen.id } } });
check(same?.technique === "saliency" && same.result, same);
const image = seen.inputs.image;
const predicted = await predictWithModel({
  path: { model: seen.model },
  body: { image: image.id },
  throwOnError: true,
});

console.log(
  JSON.stringify({
    label: same.result.summary.target.label,
    score: same.result.summary.score_value,
    seed: same.params.seed,
    errors: inverted.result?.summary.layers[0]?.error,
    predicted: best(predicted.data),
  }),
);
