"""Hands webhooks to owostack as they came: POST /webhooks/stripe, /webhooks/paystack and so on."""

import json

import psycopg
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.post("/webhooks/{provider}")
async def webhook(provider: str, request: Request):
    # Signatures are over the bytes of the body: nothing may parse it before.
    call = (provider, json.dumps(dict(request.headers)), await request.body())
    async with await psycopg.AsyncConnection.connect() as database:
        try:
            await database.execute("SELECT owo_webhook(%s, %s, %s)", call)
        except psycopg.errors.InvalidAuthorizationSpecification:
            return Response(status_code=401)
    return Response(status_code=200)
