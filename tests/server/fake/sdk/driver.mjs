// What the scripts of this folder share: the fake's credentials, its control path, and an address that takes webhooks.
import assert from "node:assert/strict";
import http from "node:http";

export { assert };
export const account = JSON.parse(process.env.FAKE);

/** Drives the world around the fake, as a test in Python does with its methods. */
export async function control(name, args = {}) {
    const answer = await fetch(`${account.base_url}/_control/${name}`, { method: "POST", body: JSON.stringify(args) });
    assert.equal(answer.status, 200, `${name}: ${answer.status}`);
    return answer.json();
}

/** Takes webhooks; `read(body, headers)` is the library's own verification, which throws what it refuses. */
export async function sink(read) {
    const seen = { events: [], refused: 0 };
    const server = http.createServer((request, answer) => {
        const parts = [];
        request.on("data", (part) => parts.push(part));
        request.on("end", async () => {
            try {
                seen.events.push(await read(Buffer.concat(parts).toString(), request.headers));
                answer.writeHead(200).end();
            } catch (error) {
                seen.refused += 1;
                seen.why = error;
                answer.writeHead(400).end();
            }
        });
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    await control("listen", { url: `http://127.0.0.1:${server.address().port}/` });
    return {
        /** Delivers what is due: the events that the library took, in order. */
        async events(how = {}) {
            seen.events = [];
            seen.refused = 0;
            await control("deliver", how);
            if (seen.refused && !how.expect_refused) throw seen.why;
            return seen.events;
        },
        /** Delivers what is due in a way that the library must refuse; it stays due. */
        async refused(how) {
            seen.refused = 0;
            await control("deliver", how);
            return seen.refused;
        },
        close: () => server.close(),
    };
}

/** Whether these occur in that order, whatever stands between them. */
export function inOrder(types, ...wanted) {
    let place = 0;
    for (const type of types) if (type === wanted[place]) place += 1;
    assert.equal(place, wanted.length, `${wanted[place]} is missing in ${types}`);
}
