// Dodo's library against the fake; its webhooks pass the library's verification and the schemas of its core package.
import DodoPayments from "dodopayments";
import { WebhookPayloadSchema } from "@dodopayments/core";
import { account, assert, control, inOrder, sink } from "./driver.mjs";

const client = (bearerToken) => new DodoPayments({ bearerToken, webhookKey: account.webhook_secret, baseURL: account.base_url, maxRetries: 0 });
const dodo = client(account.secret_key);
const hooks = await sink((body, headers) => {
    const event = dodo.webhooks.unwrap(body, { headers });
    // One status is younger than the schemas.
    if (event.data.status !== "past_due") WebhookPayloadSchema.parse(JSON.parse(body));
    return event;
});
const types = async () => (await hooks.events()).map((event) => event.type);

await assert.rejects(client("wrong").products.list(), { status: 401 });

const monthly = { payment_frequency_count: 1, payment_frequency_interval: "Month", subscription_period_count: 20, subscription_period_interval: "Year" };
const recurring = (price) => ({ type: "recurring_price", currency: "USD", price, discount: 0, purchasing_power_parity: false, ...monthly });
const pro = await dodo.products.create({ name: "Pro", tax_category: "saas", price: recurring(2900), metadata: { owo_key: "pro" } });
const team = await dodo.products.create({ name: "Team", tax_category: "saas", price: recurring(9900) });
const any = await dodo.products.create({
    name: "Any", tax_category: "saas",
    price: { type: "one_time_price", currency: "USD", price: 0, discount: 0, purchasing_power_parity: false, pay_what_you_want: true },
});
const products = (await dodo.products.list({ page_size: 100, page_number: 0, recurring: true })).items;
assert.deepEqual(products.map((each) => each.price), [2900, 9900]);
assert.equal((await dodo.products.retrieve(pro.product_id)).metadata.owo_key, "pro");
const customer = await dodo.customers.create({ email: "ada@example.test", name: "Ada Obi", metadata: { a: "b" } });
assert.equal((await dodo.customers.list({ email: "ada@example.test" })).items[0].customer_id, customer.customer_id);

// A subscription is bought on a hosted page, where the first card is declined.
const session = await dodo.checkoutSessions.create({
    product_cart: [{ product_id: pro.product_id, quantity: 1 }], customer: { customer_id: customer.customer_id },
    return_url: "https://app.example.test/", metadata: { m: "1" },
});
assert.ok(session.checkout_url);
await control("complete", { checkout: session.session_id, card: { decline: "insufficient_funds" } });
assert.deepEqual(await types(), ["payment.failed"]);
await control("complete", { checkout: session.session_id });
inOrder(await types(), "subscription.active", "payment.succeeded", "subscription.renewed");
const status = await dodo.checkoutSessions.retrieve(session.session_id);
assert.equal(status.payment_status, "succeeded");
const payment = await dodo.payments.retrieve(status.payment_id);
assert.equal(payment.total_amount, 2900);
const id = payment.subscription_id;
assert.equal((await dodo.subscriptions.retrieve(id)).metadata.m, "1");

// Upgrade now, downgrade later, and not; paused, resumed, told to end, kept.
const change = (product, more) => dodo.subscriptions.changePlan(id, { product_id: product.product_id, quantity: 1, proration_billing_mode: "prorated_immediately", ...more });
await change(team, { on_payment_failure: "prevent_change" });
assert.equal((await dodo.subscriptions.retrieve(id)).product_id, team.product_id);
inOrder(await types(), "subscription.plan_changed", "payment.succeeded");
await change(pro, { effective_at: "next_billing_date" });
assert.equal((await dodo.subscriptions.retrieve(id)).scheduled_change.product_id, pro.product_id);
await assert.rejects(change(pro, { effective_at: "next_billing_date" }), { status: 409 });
await dodo.subscriptions.cancelChangePlan(id);
assert.equal((await dodo.subscriptions.retrieve(id)).scheduled_change, null);
assert.equal((await dodo.subscriptions.update(id, { status: "paused" })).status, "paused");
assert.equal((await dodo.subscriptions.update(id, { status: "active" })).status, "active");
assert.equal((await dodo.subscriptions.update(id, { cancel_at_next_billing_date: true })).cancel_at_next_billing_date, true);
assert.equal((await dodo.subscriptions.update(id, { cancel_at_next_billing_date: false })).cancel_at_next_billing_date, false);
inOrder(await types(), "subscription.updated", "subscription.paused", "subscription.unpaused", "subscription.updated");

// It renews, fails to, recovers.
await control("advance", { days: 31 });
inOrder(await types(), "subscription.renewed", "payment.succeeded");
await control("decline_next", { subscription: id, words: ["insufficient_funds"] });
await control("advance", { days: 31 });
inOrder(await types(), "payment.failed", "subscription.past_due");
assert.equal((await dodo.subscriptions.retrieve(id)).status, "past_due");
await control("advance", { days: 3 });
inOrder(await types(), "subscription.active", "payment.succeeded");

// A saved card pays any amount; a mandate is charged; money goes back whole and in part.
const card = (await dodo.customers.retrievePaymentMethods(customer.customer_id)).items[0];
assert.equal(card.card.last4_digits, "4242");
const direct = await dodo.checkoutSessions.create({
    product_cart: [{ product_id: any.product_id, quantity: 1, amount: 1250 }], customer: { customer_id: customer.customer_id },
    payment_method_id: card.payment_method_id, confirm: true, metadata: { owo_operation: "op" },
});
assert.equal((await dodo.payments.retrieve(direct.payment_id)).total_amount, 1250);
const refund = await dodo.refunds.create({ payment_id: direct.payment_id, items: [{ item_id: any.product_id, amount: 1000, tax_inclusive: true }] });
assert.ok(refund.is_partial);
assert.equal((await dodo.payments.retrieveLineItems(direct.payment_id)).items[0].refundable_amount, 250);
await dodo.refunds.create({ payment_id: direct.payment_id });
await assert.rejects(dodo.refunds.create({ payment_id: direct.payment_id }), { status: 400 });
assert.equal((await dodo.refunds.retrieve(refund.refund_id)).status, "succeeded");
assert.equal((await dodo.refunds.list()).items.length, 2);
inOrder(await types(), "payment.succeeded", "refund.succeeded", "refund.succeeded");
const mandate = await dodo.checkoutSessions.create({
    product_cart: [{ product_id: pro.product_id, quantity: 1 }], customer: { customer_id: customer.customer_id },
    subscription_data: { on_demand: { mandate_only: true } }, metadata: { owo_purpose: "card_setup" },
});
await control("complete", { checkout: mandate.session_id });
const active = (await hooks.events())[0];
assert.ok(active.type === "subscription.active" && active.data.on_demand);
const charged = await dodo.subscriptions.charge(active.data.subscription_id, { product_price: 700, metadata: { owo_operation: "op2" } });
assert.equal((await dodo.payments.retrieve(charged.payment_id)).metadata.owo_operation, "op2");
assert.equal((await dodo.payments.list({ customer_id: customer.customer_id, page_size: 100 })).items.length, 7);
inOrder(await types(), "payment.succeeded");

// A trial, the end, and a signature that does not fit.
const trial = await dodo.checkoutSessions.create({
    product_cart: [{ product_id: pro.product_id, quantity: 1 }], customer: { email: "bob@example.test", name: "Bob" },
    subscription_data: { trial_period_days: 14 },
});
await control("complete", { checkout: trial.session_id });
const events = await hooks.events();
assert.equal(events.find((event) => event.type === "payment.succeeded").data.total_amount, 0);
assert.equal((await dodo.subscriptions.update(id, { status: "cancelled" })).status, "cancelled");
assert.equal(await hooks.refused({ altered: true }), 2);
assert.equal(await hooks.refused({ age: 400 }), 2);
inOrder(await types(), "subscription.cancelled");
const pages = [];
for await (const each of dodo.subscriptions.list({ page_size: 2, page_number: 0 })) pages.push(each.subscription_id);
assert.ok(pages.length >= 2);
hooks.close();
