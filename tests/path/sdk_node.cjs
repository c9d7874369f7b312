// What a web app does with Resend's SDK, against the server in
// RESEND_BASE_URL. Prints one JSON object: each step's result.
const { Resend } = require("resend");

const resend = new Resend(process.env.RESEND_API_KEY);
const email = {
  from: "Acme <a@acme.test>",
  to: ["b@x.test"],
  subject: "hi",
  html: "<p>x</p>",
};

async function main() {
  const steps = {};
  const step = async (name, promise) => {
    const { data, error, headers } = await promise;
    steps[name] = { data, error, limit: headers?.["ratelimit-limit"] ?? null };
    return data;
  };

  const sent = await step("send", resend.emails.send({
    ...email, cc: "c@x.test", replyTo: "r@x.test",
    headers: { "X-A": "1" }, tags: [{ name: "category", value: "c1" }],
  }, { idempotencyKey: "welcome-user/1" }));
  await step("send again", resend.emails.send({
    ...email, cc: "c@x.test", replyTo: "r@x.test",
    headers: { "X-A": "1" }, tags: [{ name: "category", value: "c1" }],
  }, { idempotencyKey: "welcome-user/1" }));
  await step("send other", resend.emails.send(email,
    { idempotencyKey: "welcome-user/1" }));
  await step("get", resend.emails.get(sent.id));

  await step("attachments", resend.emails.send({ ...email, attachments: [
    { filename: "a.txt", content: Buffer.from("hello") },
    { filename: "b.txt", content: "aGVsbG8=" },
    { filename: "i.png", content: Buffer.from([0x89, 0x50]), contentType:
      "image/png", contentId: "img1" },
  ] }));
  await step("attachment by URL", resend.emails.send({ ...email, attachments: [
    { filename: "a.txt", path: "https://x.test/a.txt" },
  ] }));

  await step("batch", resend.batch.send([email, email]));
  await step("batch permissive", resend.batch.send(
    [email, { ...email, to: ["nobody"] }], { batchValidation: "permissive" }));
  await step("batch strict", resend.batch.send(
    [email, { ...email, to: ["nobody"] }]));
  await step("list", resend.emails.list({ limit: 2 }));
  await step("list after", resend.emails.list(
    { limit: 2, after: steps.list.data.data[1].id }));

  const later = await step("schedule", resend.emails.send(
    { ...email, scheduledAt: "in 1 min" }));
  await step("reschedule", resend.emails.update(
    { id: later.id, scheduledAt: "2030-01-01T00:00:00Z" }));
  await step("get scheduled", resend.emails.get(later.id));
  await step("cancel", resend.emails.cancel(later.id));
  await step("get cancelled", resend.emails.get(later.id));
  await step("cancel again", resend.emails.cancel(later.id));

  const key = await step("key", resend.apiKeys.create(
    { name: "k", permission: "sending_access" }));
  await step("keys", resend.apiKeys.list());
  await step("key removed", resend.apiKeys.remove(key.id));
  await step("key unknown", resend.apiKeys.remove(key.id));

  const made = await step("template", resend.templates.create({
    name: "order", alias: "order-confirmation", from: "Acme <a@acme.test>",
    subject: "Order", html: "<p>{{{PRODUCT}}}: {{{PRICE}}}</p>",
    variables: [{ key: "PRODUCT", type: "string", fallbackValue: "item" },
      { key: "PRICE", type: "number" }],
  }));
  const byTemplate = (variables) => resend.emails.send({ to: ["b@x.test"],
    template: { id: "order-confirmation", variables } });
  await step("template unpublished", byTemplate({ PRICE: 1 }));
  await step("template published", resend.templates.publish(made.id));
  await step("template got", resend.templates.get("order-confirmation"));
  await step("templates", resend.templates.list({ limit: 1 }));
  const bought = await step("template sent", byTemplate({ PRICE: 499 }));
  await step("template's email", resend.emails.get(bought.id));
  await step("template lacking", byTemplate({ PRODUCT: "x" }));
  await step("template updated", resend.templates.update(made.id,
    { subject: "Yours" }));
  const copy = await step("template copied",
    resend.templates.duplicate(made.id));
  await step("template removed", resend.templates.remove(copy.id));
  await step("template gone", resend.templates.get(copy.id));

  await step("invalid", resend.emails.send({ ...email, from: "nobody" }));
  await step("missing", resend.emails.get(
    "4ef9a417-02e9-4d39-ad75-9611e0fcc33c"));
  await step("stranger", new Resend("re_nobodyXX_abcdefghijklmnopqrstuvwx")
    .emails.send(email));
  console.log(JSON.stringify(steps));
}

main();
