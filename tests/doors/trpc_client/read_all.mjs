// Calls procedures with the real tRPC client, over each of its links, and prints what came out as JSON.
// Called with the server's address, an API key, and a JSON list of [procedure, input].
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from "@trpc/client";
import superjson from "superjson";

const [, , address, key, asked] = process.argv;
const common = { url: `${address}/api/trpc`, transformer: superjson, headers: { Authorization: `Bearer ${key}` } };
const links = {
  get: httpLink(common),
  post: httpLink({ ...common, methodOverride: "POST" }),
  batch: httpBatchLink(common),
  batchPost: httpBatchLink({ ...common, methodOverride: "POST" }),
  stream: httpBatchStreamLink(common),
};

const kinds = (value, path = "") => {
  // Which paths hold dates, and which undefined: what superjson's marks are for.
  if (value instanceof Date) return [[path, "Date"]];
  if (value === undefined) return [[path, "undefined"]];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, inner]) => kinds(inner, path ? `${path}.${name}` : name));
};

const call = async (client, [procedure, input]) => {
  const [router, name] = procedure.split(".");
  try {
    const value = await client[router][name].query(input);
    return { procedure, value, marks: Object.fromEntries(kinds(value)) };
  } catch (error) {
    return { procedure, error: { message: error.message, data: error.data ?? null, code: error.shape?.code ?? null } };
  }
};

const answers = {};
for (const [name, link] of Object.entries(links)) {
  const client = createTRPCClient({ links: [link] });
  answers[name] = await Promise.all(JSON.parse(asked).map((one) => call(client, one)));
}
const client = createTRPCClient({ links: [links.get] });
const [user] = JSON.parse(asked).filter(([name]) => name === "user.getById").map(([, input]) => input.id);
answers.mutation = [];
for (let turn = 0; turn < 2; turn += 1) answers.mutation.push(await client.user.toggleFollow.mutate({ targetUserId: user }));
process.stdout.write(JSON.stringify(answers));
