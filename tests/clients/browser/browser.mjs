// What the browser stories share: a Chromium, a page that reports everything that goes wrong in it, and a sender of events.
// Each story is called as `node STORY.mjs BASE_URL TENANT SEND_KEY READ_KEY` and ends with 0 when it holds.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [base, tenant, sendKey, readKey] = process.argv.slice(2);

export const path = (rest) => `${base}/t/${tenant}/${rest}`;

/** Opens pages; at the end nothing may have gone wrong in any of them. */
export async function story(tell) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const faults = [];
  const open = async (where, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1366, height: 900 }, ...options });
    if (options.javaScriptEnabled !== false) {
      await context.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (e) => {
          console.error(`CSP: ${e.violatedDirective} blocks ${e.blockedURI} ${e.sample}`);
        });
      });
    }
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.stack}`));
    page.on('console', (message) => message.type() === 'error' && faults.push(`${page.url()}: ${message.text()}`));
    page.on('response', (answer) => answer.status() >= 400 && faults.push(`${answer.status()} ${answer.url()}`));
    await page.goto(where);
    return page;
  };
  try {
    await tell(open, faults);
    assert.deepEqual(faults, [], 'something went wrong in a page');
  } finally {
    await browser.close();
  }
}

export async function send(...events) {
  const answer = await fetch(`${base}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sendKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  const said = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said;
}

export async function api(rest) {
  const answer = await fetch(`${base}/api/v1/${rest}`, { headers: { authorization: `Bearer ${readKey}` } });
  return answer.ok ? answer.json() : undefined;
}

/** Asks again and again until it is so. */
export async function until(what, probe, limit = 30_000) {
  for (const begun = Date.now(); ; ) {
    const found = await probe();
    if (found) return found;
    assert.ok(Date.now() - begun < limit, `waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export const live = (page) => page.locator('#fresh[data-state="live"]').waitFor();

/** Minutes before now, as business time. */
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

export const created = (id, customer = 'Nordwind Handels GmbH', minutes = 20) => ({
  id: `erp-${id}-created`,
  type: 'order.created',
  source: 'erp/main',
  time: ago(minutes),
  object: { type: 'order', id },
  data: {
    customer,
    lines: [{ line: '10', sku: 'AB-77', quantity: '5', unit: 'EA', price: { value: '12.90', currency: 'EUR' } }],
    amount: { value: '64.50', currency: 'EUR' },
    promised_ship: ago(-600),
    promised_delivery: ago(-3000),
    pod_required: true,
    billing_policy: 'complete',
  },
});

export const released = (id, minutes = 15) => ({
  id: `erp-${id}-released`,
  type: 'order.released',
  source: 'erp/main',
  time: ago(minutes),
  object: { type: 'order', id },
});

export const allocated = (id, minutes = 12) => ({
  id: `wms-${id}-allocated`,
  type: 'inventory.allocated',
  source: 'wms/east-2',
  time: ago(minutes),
  object: { type: 'order', id },
  data: { lines: [{ order: id, line: '10', sku: 'AB-77', quantity: '5', unit: 'EA' }], warehouse: 'HAM-1' },
});

export const shipped = (id, minutes = 5) => ({
  id: `wms-${id}-shipped`,
  type: 'shipment.shipped',
  source: 'wms/east-2',
  time: ago(minutes),
  object: { type: 'shipment', id: id.replace('SO', 'SH') },
  refs: { order: [id] },
  data: { lines: [{ order: id, line: '10', sku: 'AB-77', quantity: '5', unit: 'EA' }], warehouse: 'HAM-1', carrier: 'Nordland Freight' },
});

export const stageOf = async (id) => (await api(`workflows/order/${id}`))?.stage;
