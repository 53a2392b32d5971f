// Stripe's library against the fake: the calls that an integration makes, and every webhook they lead to.
import Stripe from "stripe";
import { account, assert, control, inOrder, sink } from "./driver.mjs";

const { hostname, port } = new URL(account.base_url);
const client = (key) => new Stripe(key, { host: hostname, port: Number(port), protocol: "http", maxNetworkRetries: 0, telemetry: false });
const stripe = client(account.secret_key);
const hooks = await sink((body, headers) => stripe.webhooks.constructEvent(body, headers["stripe-signature"], account.webhook_secret));
const types = async () => (await hooks.events()).map((event) => event.type);

await assert.rejects(client("sk_test_wrong").customers.list(), { type: "StripeAuthenticationError" });

const product = await stripe.products.create({ id: "owo_pro", name: "Pro" });
await assert.rejects(stripe.products.create({ id: "owo_pro", name: "Pro" }), { code: "resource_already_exists" });
const pro = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 2900, recurring: { interval: "month" }, lookup_key: "pro" });
const team = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 9900, recurring: { interval: "month" } });
const found = await stripe.prices.list({ lookup_keys: ["pro"], active: true, expand: ["data.product"] });
assert.equal(found.data[0].product.name, "Pro");

const customer = await stripe.customers.create({ email: "ada@example.test", name: "Ada Obi", metadata: { a: "b" } });
assert.equal((await stripe.customers.retrieve(customer.id)).metadata.a, "b");

// The same key gives the same answer; other parameters under it are refused.
const key = { idempotencyKey: "once" };
const first = await stripe.customers.create({ email: "bob@example.test" }, key);
assert.equal((await stripe.customers.create({ email: "bob@example.test" }, key)).id, first.id);
await assert.rejects(stripe.customers.create({ email: "eve@example.test" }, key), { type: "StripeIdempotencyError" });

// A subscription is bought on a hosted page, where the first card is declined.
const session = await stripe.checkout.sessions.create({
    mode: "subscription", customer: customer.id, success_url: "https://app.example.test/", client_reference_id: "ours",
    line_items: [{ price: pro.id, quantity: 1 }], metadata: { m: "1" }, subscription_data: { metadata: { m: "1" } },
});
assert.ok(session.url && session.status === "open" && session.payment_status === "unpaid");
await control("complete", { checkout: session.id, card: { decline: "insufficient_funds" } });
assert.ok((await types()).includes("payment_intent.payment_failed"));
await control("complete", { checkout: session.id });
const events = await hooks.events();
inOrder(events.map((event) => event.type), "customer.subscription.created", "invoice.paid", "checkout.session.completed");
assert.equal(events.find((event) => event.type === "invoice.paid").data.object.amount_paid, 2900);
const done = await stripe.checkout.sessions.retrieve(session.id);
assert.equal(done.status, "complete");
const id = done.subscription;
let subscription = await stripe.subscriptions.retrieve(id, { expand: ["default_payment_method"] });
assert.equal(subscription.status, "active");
assert.equal(subscription.metadata.m, "1");
assert.equal(subscription.default_payment_method.card.last4, "4242");
const item = subscription.items.data[0];
assert.equal(item.current_period_start, subscription.start_date);

// Upgrade now, downgrade by a schedule, and back.
subscription = await stripe.subscriptions.update(id, {
    items: [{ id: item.id, price: team.id }], proration_behavior: "always_invoice", payment_behavior: "error_if_incomplete",
});
assert.equal(subscription.items.data[0].price.id, team.id);
inOrder(await types(), "customer.subscription.updated", "invoice.paid");
const schedule = await stripe.subscriptionSchedules.create({ from_subscription: id });
const phase = schedule.phases[0];
await stripe.subscriptionSchedules.update(schedule.id, {
    end_behavior: "release",
    phases: [
        { start_date: phase.start_date, end_date: phase.end_date, items: [{ price: team.id, quantity: 1 }] },
        { items: [{ price: pro.id, quantity: 1 }], proration_behavior: "none", duration: { interval: "month", interval_count: 1 } },
    ],
});
await assert.rejects(stripe.subscriptions.update(id, { cancel_at_period_end: true }), { type: "StripeInvalidRequestError" });
assert.equal((await stripe.subscriptionSchedules.release(schedule.id)).status, "released");

// A renewal, a failed one and its recovery.
await types();
await control("advance", { days: 31 });
inOrder(await types(), "customer.subscription.updated", "invoice.paid");
assert.ok((await stripe.subscriptions.retrieve(id)).items.data[0].current_period_start > item.current_period_start);
await control("decline_next", { subscription: id, words: ["insufficient_funds"] });
await control("advance", { days: 31 });
inOrder(await types(), "invoice.payment_failed", "customer.subscription.updated");
assert.equal((await stripe.subscriptions.retrieve(id)).status, "past_due");
await control("advance", { days: 3 });
inOrder(await types(), "customer.subscription.updated", "invoice.paid");

// A saved card is charged, declined, and given back to.
const card = (await stripe.customers.listPaymentMethods(customer.id)).data[0];
const asked = { amount: 1250, currency: "usd", customer: customer.id, payment_method: card.id, confirm: true, off_session: true };
const intent = await stripe.paymentIntents.create(asked);
assert.equal(intent.status, "succeeded");
await control("decline_next", { subscription: id, words: ["do_not_honor"] });
await assert.rejects(stripe.paymentIntents.create(asked), { type: "StripeCardError", code: "card_declined", decline_code: "do_not_honor" });
const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 1000 });
assert.equal(refund.status, "succeeded");
await stripe.refunds.create({ payment_intent: intent.id });
await assert.rejects(stripe.refunds.create({ payment_intent: intent.id }), { code: "charge_already_refunded" });
assert.equal((await stripe.refunds.list({ payment_intent: intent.id })).data.length, 2);
inOrder(await types(), "payment_intent.succeeded", "payment_intent.payment_failed", "refund.created", "refund.created");
const paid = await stripe.invoicePayments.list({ invoice: subscription.latest_invoice });
assert.ok((await stripe.paymentIntents.retrieve(paid.data[0].payment.payment_intent)).amount > 0);

// A card is saved on a page, and forgotten.
const setup = await stripe.checkout.sessions.create({ mode: "setup", currency: "usd", customer: customer.id, success_url: "https://app.example.test/" });
await control("complete", { checkout: setup.id });
const saved = await stripe.setupIntents.retrieve((await stripe.checkout.sessions.retrieve(setup.id)).setup_intent, { expand: ["payment_method"] });
await stripe.paymentMethods.detach(saved.payment_method.id);
inOrder(await types(), "payment_method.attached", "setup_intent.succeeded", "checkout.session.completed", "payment_method.detached");

// Paused, resumed, cancelled later, kept, cancelled now; another one begins with the saved card and a trial.
assert.equal((await stripe.subscriptions.pause(id)).status, "paused");
assert.equal((await stripe.subscriptions.resume(id)).status, "active");
assert.equal((await stripe.subscriptions.update(id, { cancel_at_period_end: true })).cancel_at_period_end, true);
assert.equal((await stripe.subscriptions.update(id, { cancel_at_period_end: false })).cancel_at, null);
assert.equal((await stripe.subscriptions.cancel(id)).status, "canceled");
await assert.rejects(stripe.subscriptions.cancel(id), { code: "resource_missing" });
inOrder(await types(), "customer.subscription.paused", "customer.subscription.resumed", "customer.subscription.deleted");
const trial = await stripe.subscriptions.create({
    customer: customer.id, items: [{ price: pro.id }], default_payment_method: card.id, off_session: true,
    trial_end: Math.floor(Date.parse((await control("state")).now) / 1000) + 5 * 86400,
});
assert.equal(trial.status, "trialing");
await control("advance", { days: 3 });
inOrder(await types(), "customer.subscription.created", "customer.subscription.trial_will_end");
assert.equal((await stripe.subscriptions.list({ customer: customer.id, status: "all" })).data.length, 2);

// Pages of lists, and a signature that does not fit.
const all = [];
for await (const each of stripe.customers.list({ limit: 1 })) all.push(each.id);
assert.equal(all.length, 2);
await stripe.customers.create({ email: "last@example.test" });
assert.equal(await hooks.refused({ altered: true }), 1);
assert.equal(await hooks.refused({ age: 400 }), 1);
assert.deepEqual(await types(), ["customer.created"]);
hooks.close();
