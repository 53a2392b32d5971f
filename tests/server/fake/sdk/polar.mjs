// Polar's two libraries against the fake: the newest one makes the calls, the one before checks every answer and event.
import { createPolar, webhooks } from "@polar-sh/sdk/2026-10";
import { Polar as Checked } from "polar-checked";
import { validateEvent } from "polar-checked/webhooks.js";
import { account, assert, control, inOrder, sink } from "./driver.mjs";

const client = (accessToken) => createPolar({ accessToken, baseUrl: account.base_url });
const polar = client(account.secret_key);
const checked = new Checked({ accessToken: account.secret_key, serverURL: account.base_url });
// Event types that are younger than the checking library.
const young = ["subscription.cycled", "subscription.paused", "subscription.resumed"];
const hooks = await sink(async (body, headers) => {
    const event = await webhooks.validateEvent(body, headers, account.webhook_secret);
    if (!young.includes(event.type)) validateEvent(body, headers, account.webhook_secret);
    return event;
});
const types = async () => (await hooks.events()).map((event) => event.type);

await assert.rejects(client("polar_oat_wrong").products.list());

const price = (price_amount) => [{ amount_type: "fixed", price_amount, price_currency: "usd" }];
const plan = (name, amount, more) => polar.products.create({ name, recurring_interval: "month", recurring_interval_count: 1, prices: price(amount), ...more });
const pro = await plan("Pro", 2900, { metadata: { owo_key: "pro" } });
const team = await plan("Team", 9900);
const any = await polar.products.create({ name: "Any", prices: price(0) });
assert.equal((await polar.products.list({ metadata: { owo_key: "pro" }, is_archived: false })).items.length, 1);
await checked.products.get({ id: pro.id });
await checked.products.list({});
const customer = await polar.customers.create({ email: "ada@example.test", name: "Ada Obi", external_id: "user_42" });
await assert.rejects(polar.customers.create({ email: "other@example.test", external_id: "user_42" }));
assert.equal((await polar.customers.getExternal("user_42")).id, customer.id);
await checked.customers.get({ id: customer.id });

// A subscription is bought on a hosted page, where a first one failed.
const open = () => polar.checkouts.create({ products: [pro.id], external_customer_id: "user_42", success_url: "https://app.example.test/", metadata: { m: "1" } });
const failed = await open();
await control("complete", { checkout: failed.id, card: { decline: "insufficient_funds" } });
assert.equal((await polar.checkouts.get(failed.id)).status, "failed");
const checkout = await open();
await types();
await control("complete", { checkout: checkout.id });
assert.equal((await checked.checkouts.get({ id: checkout.id })).status, "succeeded");
const events = await hooks.events();
inOrder(events.map((event) => event.type), "subscription.created", "subscription.active", "order.created", "order.paid", "checkout.updated");
const order = events.find((event) => event.type === "order.paid").data;
assert.equal(order.customer.external_id, "user_42");
assert.equal(order.metadata.m, "1");
const id = order.subscription_id;
assert.equal((await polar.subscriptions.get(id)).status, "active");

// Upgrade now, downgrade with the next period, and not; told to end, kept; paused with the period and resumed.
const update = (body) => polar.subscriptions.update(id, body);
assert.equal((await update({ product_id: team.id, proration_behavior: "invoice" })).product_id, team.id);
inOrder(await types(), "subscription.updated", "order.paid");
assert.equal((await update({ product_id: pro.id, proration_behavior: "next_period" })).pending_update.product_id, pro.id);
assert.equal((await checked.subscriptions.get({ id })).pendingUpdate.productId, pro.id);
assert.equal((await update({ pending_update: null })).pending_update, null);
assert.equal((await update({ cancel_at_period_end: true })).cancel_at_period_end, true);
await assert.rejects(update({ product_id: pro.id, proration_behavior: "invoice" }));
assert.equal((await update({ cancel_at_period_end: false })).cancel_at_period_end, false);
inOrder(await types(), "subscription.canceled", "subscription.uncanceled");
assert.equal((await update({ pause_at_period_end: true })).pause_at_period_end, true);
await control("advance", { days: 31 });
assert.equal((await polar.subscriptions.get(id)).status, "paused");
assert.equal((await update({ resume: true })).status, "active");
inOrder(await types(), "subscription.paused", "subscription.resumed", "order.paid");

// It renews, fails to, recovers.
await control("advance", { days: 31 });
inOrder(await types(), "subscription.cycled", "order.created", "order.paid");
await control("decline_next", { subscription: id, words: ["insufficient_funds"] });
await control("advance", { days: 31 });
inOrder(await types(), "subscription.cycled", "subscription.past_due", "order.created", "order.updated");
await control("advance", { days: 2 });
inOrder(await types(), "subscription.active", "order.paid");
assert.equal((await polar.subscriptions.get(id)).status, "active");

// A saved card pays a draft once; money goes back.
const card = (await polar.customers.listPaymentMethods(customer.id)).items[0];
const draft = await polar.orders.create({ customer_id: customer.id, product_id: any.id, amount: 1250, currency: "usd", metadata: { owo_operation: "op" } });
assert.equal(draft.status, "draft");
await control("decline_next", { subscription: id, words: ["insufficient_funds"] });
await assert.rejects(polar.orders.finalize(draft.id, { payment_method_id: card.id }));
assert.equal((await polar.orders.finalize(draft.id, { payment_method_id: card.id })).status, "paid");
await assert.rejects(polar.orders.finalize(draft.id, { payment_method_id: card.id }));
assert.equal((await polar.orders.list({ metadata: { owo_operation: "op" } })).items[0].id, draft.id);
await checked.orders.get({ id: draft.id });
assert.equal((await polar.refunds.create({ order_id: draft.id, reason: "customer_request", amount: 1000 })).status, "pending");
await polar.refunds.create({ order_id: draft.id, reason: "other", amount: 250 });
await assert.rejects(polar.refunds.create({ order_id: draft.id, reason: "other", amount: 1 }));
assert.equal((await polar.refunds.list({ order_id: draft.id })).items.length, 2);
assert.equal((await polar.orders.get(draft.id)).status, "refunded");
inOrder(await types(), "order.paid", "refund.created", "refund.updated", "order.refunded", "refund.created", "order.refunded");

// The portal forgets the card; a trial; the end; a signature that does not fit.
const session = await polar.customerSessions.create({ customer_id: customer.id });
assert.ok(session.customer_portal_url && session.token);
const forgotten = await fetch(`${account.base_url}/v1/customer-portal/customers/me/payment-methods/${card.id}`, {
    method: "DELETE", headers: { Authorization: `Bearer ${session.token}` },
});
assert.equal(forgotten.status, 204);
const trial = await polar.checkouts.create({ products: [pro.id], customer_email: "bob@example.test", allow_trial: true, trial_interval: "day", trial_interval_count: 14 });
await types();
await control("complete", { checkout: trial.id });
const begun = (await hooks.events()).find((event) => event.type === "subscription.created");
assert.equal(begun.data.status, "trialing");
await polar.subscriptions.revoke(id);
inOrder(await types(), "subscription.canceled", "subscription.revoked");
assert.equal((await checked.subscriptions.get({ id })).status, "canceled");
const pages = [];
for await (const each of polar.subscriptions.iterList({ limit: 1 })) pages.push(each.id);
assert.equal(pages.length, 2);
await polar.products.create({ name: "Last", prices: price(100) });
assert.equal(await hooks.refused({ altered: true }), 1);
assert.equal(await hooks.refused({ age: 400 }), 1);
assert.deepEqual(await types(), ["product.created"]);
const bare = await fetch(`${account.base_url}/v1/products`, { redirect: "manual", headers: { Authorization: `Bearer ${account.secret_key}` } });
assert.equal(bare.status, 307);
hooks.close();
