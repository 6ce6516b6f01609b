// Writes with the real tRPC client: a post from nothing to published, a collection, a reaction, the trash and back.
// Called with the server's address and an API key that writes; prints what each mutation gave, as the client sees it.
import { createTRPCClient, httpBatchLink, httpLink } from "@trpc/client";
import superjson from "superjson";

const [, , address, key, data] = process.argv;
const headers = { Authorization: `Bearer ${key}` };
const common = { url: `${address}/api/trpc`, transformer: superjson, headers };
const told = {};

for (const [name, link] of Object.entries({ plain: httpLink(common), batch: httpBatchLink(common) })) {
  const client = createTRPCClient({ links: [link] });
  const place = await (await fetch(`${address}/api/v1/image-upload`, { method: "POST", headers })).json();
  const bytes = Buffer.concat([Buffer.from(data, "base64"), Buffer.from(name)]);
  const sent = await fetch(place.uploadURL, { method: "PUT", body: bytes });
  const post = await client.post.create.mutate({ title: name, tags: ["real client"] });
  const image = await client.post.addImage.mutate({ postId: post.id, url: place.id, nsfwLevel: 1 });
  const published = await client.post.update.mutate({ id: post.id, publishedAt: new Date("2026-01-02T03:04:05Z") });
  const shown = await client.post.get.query({ id: post.id });
  const reacted = await client.reaction.toggle.mutate({ entityId: image.id, entityType: "image", reaction: "Heart" });
  const collection = await client.collection.upsert.mutate({ name, type: "Image", read: "Public" });
  const saved = await client.collection.saveItem.mutate({
    imageId: image.id, type: "Image", collections: [{ collectionId: collection.id }], removeFromCollectionIds: [],
  });
  const counts = (await client.image.get.query({ id: image.id })).stats;
  await client.image.delete.mutate({ id: image.id });
  const gone = await client.image.get.query({ id: image.id }).catch((error) => error.data.code);
  const back = await client.image.restore.mutate({ id: image.id });
  await client.post.delete.mutate({ id: post.id });
  const refused = await client.post.get.query({ id: post.id }).catch((error) => error.data.httpStatus);
  told[name] = {
    put: sent.status, createdIsDate: image.createdAt instanceof Date, published: published === undefined,
    publishedNow: Math.abs(Date.now() - shown.publishedAt.getTime()) < 600000, title: shown.title, reacted: reacted === undefined, saved,
    hearts: counts.heartCountAllTime, collected: counts.collectedCountAllTime, gone, back: back.ids[0] === image.id, refused,
  };
}
process.stdout.write(JSON.stringify(told));
