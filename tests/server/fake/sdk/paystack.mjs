// The community's Paystack library against the fake; its webhooks are checked by the library's verification.
import { createPaystackClient, verifyPaystackWebhookSignature } from "@alexasomba/paystack-node";
import { account, assert, control, inOrder, sink } from "./driver.mjs";

const client = (secretKey) => createPaystackClient({ secretKey, baseUrl: account.base_url, retry: { retries: 0 } });
const paystack = client(account.secret_key);
const hooks = await sink((rawBody, headers) => {
    assert.ok(verifyPaystackWebhookSignature({ rawBody, signature: headers["x-paystack-signature"], secret: account.secret_key }), "signature");
    return JSON.parse(rawBody);
});
const types = async () => (await hooks.events()).map((event) => event.event);
const good = ({ data, error, response }) => {
    assert.ok(response.ok && data.status, JSON.stringify(error ?? data));
    return data.data;
};
const bad = ({ error, response }, status, code) => {
    assert.equal(response.status, status);
    assert.equal(error.code, code);
};

bad(await client("sk_test_wrong").GET("/plan"), 401, "invalid_Key");

const plan = good(await paystack.POST("/plan", { body: { name: "Pro", amount: 500000, interval: "monthly", currency: "NGN", description: "[owo:pro]" } }));
const team = good(await paystack.POST("/plan", { body: { name: "Team", amount: 900000, interval: "monthly", currency: "NGN" } }));
bad(await paystack.POST("/plan", { body: { name: "Pro", amount: 500000, interval: "yearly" } }), 400, "invalid_params");
assert.equal(good(await paystack.GET("/plan", { params: { query: { amount: 500000, interval: "monthly" } } })).length, 1);
const customer = good(await paystack.POST("/customer", { body: { email: "ada@example.test", first_name: "Ada" } }));
assert.equal(good(await paystack.POST("/customer", { body: { email: "Ada@example.test" } })).customer_code, customer.customer_code);

// A plan is bought on a hosted page.
const page = { email: "ada@example.test", amount: 500000, currency: "NGN", plan: plan.plan_code, reference: "ref-1", metadata: { a: "b" } };
assert.equal(good(await paystack.POST("/transaction/initialize", { body: page })).reference, "ref-1");
bad(await paystack.POST("/transaction/initialize", { body: page }), 400, "duplicate_reference");
const verify = async (reference) => good(await paystack.GET("/transaction/verify/{reference}", { params: { path: { reference } } }));
assert.equal((await verify("ref-1")).status, "abandoned");
await control("complete", { checkout: "ref-1" });
const bought = await verify("ref-1");
assert.equal(bought.status, "success");
assert.equal(bought.metadata.a, "b");
inOrder(await types(), "charge.success", "subscription.create");
const card = bought.authorization.authorization_code;
const list = async () => good(await paystack.GET("/subscription", { params: { query: { customer: bought.customer.id } } }));
const get = async (code) => good(await paystack.GET("/subscription/{code}", { params: { path: { code } } }));
const code = (await list())[0].subscription_code;
assert.equal((await get(code)).status, "active");

// It renews, fails to, and is told to end, kept, told to end again.
await control("advance", { days: 32 });
inOrder(await types(), "invoice.create", "charge.success", "invoice.update");
await control("decline_next", { subscription: code, words: ["insufficient funds"] });
await control("advance", { days: 31 });
inOrder(await types(), "invoice.payment_failed");
assert.equal((await get(code)).status, "attention");
await control("advance", { days: 31 });
inOrder(await types(), "invoice.update");
const token = (await get(code)).email_token;
bad(await paystack.POST("/subscription/disable", { body: { code, token: "wrong" } }), 404, "subscription_not_found");
assert.ok((await paystack.POST("/subscription/disable", { body: { code, token } })).data.status);
assert.equal((await get(code)).status, "non-renewing");
assert.ok((await paystack.POST("/subscription/enable", { body: { code, token } })).data.status);
assert.equal((await get(code)).status, "active");
await paystack.POST("/subscription/disable", { body: { code, token } });
await control("advance", { days: 31 });
inOrder(await types(), "subscription.not_renew", "subscription.not_renew", "subscription.disable");
const start = { customer: customer.customer_code, plan: team.plan_code, authorization: card };
const later = new Date(Date.parse((await control("state")).now) + 5 * 86400_000).toISOString();
const next = good(await paystack.POST("/subscription", { body: { ...start, start_date: later } }));
assert.equal(next.next_payment_date.slice(0, 10), later.slice(0, 10));
bad(await paystack.POST("/subscription", { body: start }), 400, "duplicate_subscription");
inOrder(await types(), "subscription.create");

// A saved card is charged once for a reference, declined under a good status, and given back to.
const asked = { authorization_code: card, email: "ada@example.test", amount: 125000, currency: "NGN", reference: "ref-2" };
assert.equal(good(await paystack.POST("/transaction/charge_authorization", { body: asked })).status, "success");
bad(await paystack.POST("/transaction/charge_authorization", { body: asked }), 400, "duplicate_reference");
bad(await paystack.POST("/transaction/charge_authorization", { body: { ...asked, amount: "125000", reference: "ref-3" } }), 400, "invalid_params");
await control("decline_next", { subscription: next.subscription_code, words: ["do not honor"] });
assert.equal(good(await paystack.POST("/transaction/charge_authorization", { body: { ...asked, reference: "ref-4" } })).status, "failed");
const refund = good(await paystack.POST("/refund", { body: { transaction: "ref-2", amount: 25000, merchant_note: "note" } }));
assert.equal(refund.status, "pending");
good(await paystack.POST("/refund", { body: { transaction: "ref-2" } }));
bad(await paystack.POST("/refund", { body: { transaction: "ref-2" } }), 400, "transaction_reversed");
const refunds = good(await paystack.GET("/refund", { params: { query: { transaction: String((await verify("ref-2")).id) } } }));
assert.deepEqual(refunds.map((each) => each.status), ["processed", "processed"]);
inOrder(await types(), "charge.success", "refund.pending", "refund.processed", "refund.pending", "refund.processed");

// The card is forgotten; a signature that does not fit is refused.
assert.equal(good(await paystack.GET("/customer/{code}", { params: { path: { code: customer.customer_code } } })).authorizations.length, 1);
assert.ok((await paystack.POST("/customer/authorization/deactivate", { body: { authorization_code: card } })).data.status);
bad(await paystack.POST("/transaction/charge_authorization", { body: { ...asked, reference: "ref-5" } }), 400, "authorization_not_found");
await control("dispute", { payment: "ref-1" });
assert.equal(await hooks.refused({ altered: true }), 1);
assert.deepEqual(await types(), ["charge.dispute.create"]);
hooks.close();
