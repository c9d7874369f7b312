// Domains by Resend's SDK, against the server in RESEND_BASE_URL. Prints one
// JSON object: each step's result.
const { Resend } = require("resend");

const resend = new Resend(process.env.RESEND_API_KEY);

async function main() {
  const steps = {};
  const step = async (name, promise) => {
    const { data, error } = await promise;
    steps[name] = { data, error };
    return data;
  };

  const made = await step("create", resend.domains.create({
    name: "sdk.example", region: "eu-west-1", customReturnPath: "send" }));
  await step("create again", resend.domains.create({ name: "sdk.example" }));
  await step("get", resend.domains.get(made.id));
  await step("list", resend.domains.list());
  await step("verify", resend.domains.verify(made.id));
  await step("update", resend.domains.update({
    id: made.id, openTracking: false, tls: "opportunistic" }));
  await step("update refused", resend.domains.update({
    id: made.id, tls: "enforced" }));
  await step("remove", resend.domains.remove(made.id));
  await step("gone", resend.domains.get(made.id));
  console.log(JSON.stringify(steps));
}

main();
