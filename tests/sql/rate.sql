-- Prices of quantities: packages, graduated and volume tiers, and what is no pricing.
SELECT amount FROM owo_rate('{"usageModel": "usage_based", "pricePerUnit": 500, "billingUnits": 1000}', 1001);
SELECT amount FROM owo_rate('{"usageModel": "usage_based", "pricePerUnit": 500, "billingUnits": 1000}', 0);
-- Bounds are cumulative and inclusive; beyond a finite last tier its price goes on.
SELECT amount, jsonb_array_length(breakdown) FROM owo_rate('{"usageModel": "usage_based", "ratingModel": "graduated",
    "tiers": [{"upTo": 1000, "unitPrice": 10}, {"upTo": 10000, "unitPrice": 7, "flatFee": 100}]}', 1000);
SELECT amount, jsonb_array_length(breakdown) FROM owo_rate('{"usageModel": "usage_based", "ratingModel": "graduated",
    "tiers": [{"upTo": 1000, "unitPrice": 10}, {"upTo": 10000, "unitPrice": 7, "flatFee": 100}]}', 20000);
SELECT amount FROM owo_rate('{"usageModel": "usage_based", "ratingModel": "volume",
    "tiers": [{"upTo": 1000, "unitPrice": 10}, {"upTo": null, "unitPrice": 5, "flatFee": 100}]}', 1001);
-- A line is rounded half away from zero to a minor unit.
SELECT amount FROM owo_rate('{"usageModel": "usage_based", "pricePerUnit": 0.5}', 1);
\set VERBOSITY sqlstate
SELECT owo_rate('{"ratingModel": "auction"}', 1);
SELECT owo_rate('[]', 1);
SELECT owo_rate('{}', -1);
SELECT owo_rate('{}', 'NaN');
SELECT owo_rate(NULL, 1);
SELECT owo_rate('{}', NULL);
SELECT owo_rate('{"usageModel": "usage_based", "pricePerUnit": 90000000000}', 90000000000);
