// Hands webhooks to owostack as they came: POST /webhooks/stripe, /webhooks/paystack and so on.
import express from "express";
import pg from "pg";

const database = new pg.Pool();
const app = express();
// Signatures are over the bytes of the body: nothing may parse it before.
app.post("/webhooks/:provider", express.raw({ type: "*/*", limit: "2mb" }), async (request, response) => {
  try {
    await database.query("SELECT owo_webhook($1, $2, $3)", [request.params.provider, request.headers, request.body]);
    response.sendStatus(200);
  } catch (error) {
    response.sendStatus(error.code === "28000" ? 401 : 500);
  }
});
app.listen(process.env.PORT ?? 3000);
