//! The install script: the files of `sql/schema/` in load order.
//!
//! Functions are declared there by hand, beside their comments; the Rust side only implements them.

use pgrx::extension_sql_file;

extension_sql_file!("../sql/schema/00_schema.sql", name = "schema", bootstrap);
extension_sql_file!(
    "../sql/schema/01_organization.sql",
    name = "organization",
    requires = ["schema"]
);
extension_sql_file!(
    "../sql/schema/02_event.sql",
    name = "event",
    requires = ["organization"]
);
extension_sql_file!(
    "../sql/schema/10_catalog.sql",
    name = "catalog",
    requires = ["event"]
);
extension_sql_file!(
    "../sql/schema/11_plan_feature.sql",
    name = "plan_feature",
    requires = ["catalog"]
);
extension_sql_file!(
    "../sql/schema/12_catalog_event.sql",
    name = "catalog_event",
    requires = ["plan_feature"]
);
extension_sql_file!(
    "../sql/schema/12_catalog_rule.sql",
    name = "catalog_rule",
    requires = ["catalog_event"]
);
extension_sql_file!(
    "../sql/schema/13_catalog_trigger.sql",
    name = "catalog_trigger",
    requires = ["catalog_rule"]
);
extension_sql_file!(
    "../sql/schema/15_customer.sql",
    name = "customer",
    requires = ["catalog_trigger"]
);
extension_sql_file!(
    "../sql/schema/16_identity.sql",
    name = "identity",
    requires = ["customer"]
);
extension_sql_file!(
    "../sql/schema/17_enforced_table.sql",
    name = "enforced_table",
    requires = ["identity"]
);
extension_sql_file!(
    "../sql/schema/20_subscription.sql",
    name = "subscription",
    requires = ["enforced_table"]
);
extension_sql_file!(
    "../sql/schema/22_provider.sql",
    name = "provider",
    requires = ["subscription"]
);
extension_sql_file!(
    "../sql/schema/24_payment.sql",
    name = "payment",
    requires = ["provider"]
);
extension_sql_file!(
    "../sql/schema/26_outbox.sql",
    name = "outbox",
    requires = ["payment"]
);
extension_sql_file!(
    "../sql/schema/28_webhook.sql",
    name = "webhook",
    requires = ["outbox"]
);
extension_sql_file!(
    "../sql/schema/30_meter.sql",
    name = "meter",
    requires = ["webhook"]
);
extension_sql_file!(
    "../sql/schema/31_record.sql",
    name = "record",
    requires = ["meter"]
);
extension_sql_file!(
    "../sql/schema/40_reservation.sql",
    name = "reservation",
    requires = ["record"]
);
extension_sql_file!(
    "../sql/schema/50_decide.sql",
    name = "decide",
    requires = ["reservation"]
);
extension_sql_file!(
    "../sql/schema/51_customer_api.sql",
    name = "customer_api",
    requires = ["decide"]
);
extension_sql_file!(
    "../sql/schema/52_catalog_api.sql",
    name = "catalog_api",
    requires = ["customer_api"]
);
extension_sql_file!(
    "../sql/schema/53_subscription_api.sql",
    name = "subscription_api",
    requires = ["catalog_api"]
);
extension_sql_file!(
    "../sql/schema/54_override_api.sql",
    name = "override_api",
    requires = ["subscription_api"]
);
extension_sql_file!(
    "../sql/schema/55_purchase_api.sql",
    name = "purchase_api",
    requires = ["override_api"]
);
extension_sql_file!(
    "../sql/schema/56_enforce_api.sql",
    name = "enforce_api",
    requires = ["purchase_api"]
);
extension_sql_file!(
    "../sql/schema/57_money.sql",
    name = "money",
    requires = ["enforce_api"]
);
extension_sql_file!(
    "../sql/schema/58_hold.sql",
    name = "hold",
    requires = ["money"]
);
extension_sql_file!(
    "../sql/schema/59_operate.sql",
    name = "operate",
    requires = ["hold"]
);
extension_sql_file!(
    "../sql/schema/60_worker.sql",
    name = "worker",
    requires = ["operate"]
);
extension_sql_file!(
    "../sql/schema/62_provider_api.sql",
    name = "provider_api",
    requires = ["worker"]
);
extension_sql_file!(
    "../sql/schema/63_provider_money_api.sql",
    name = "provider_money_api",
    requires = ["provider_api"]
);
extension_sql_file!(
    "../sql/schema/64_queue.sql",
    name = "queue",
    requires = ["provider_money_api"]
);
extension_sql_file!(
    "../sql/schema/65_provider_view.sql",
    name = "provider_view",
    requires = ["queue"]
);
extension_sql_file!(
    "../sql/schema/70_view.sql",
    name = "view",
    requires = ["provider_view"]
);
extension_sql_file!(
    "../sql/schema/80_generation.sql",
    name = "generation",
    requires = ["view"]
);
extension_sql_file!(
    "../sql/schema/85_partition.sql",
    name = "partition",
    requires = ["generation"]
);
extension_sql_file!("../sql/schema/90_grants.sql", name = "grants", finalize);
