// Proof of delivery arrives: the item moves from blocked to ready before the reader's eyes, the totals with it, and the
// file that is taken along has what the page shows. A row opens beside the list.

import assert from 'node:assert/strict';
import { allocated, api, created, live, path, released, send, shipped, story, until } from './browser.mjs';

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const of = (id, type, minutes) => ({ id: `tms-${id}-${type}`, type, source: 'tms/fleet', time: ago(minutes), object: { type: 'shipment', id } });
const state = async (id) => (await api(`readiness?state=all&q=${id}`))?.items.find((item) => item.object.id === id)?.state;

await story(async (open) => {
  for (const n of [1, 2]) {
    const id = `SO-R${n}`;
    await send(created(id, 'Nordwind Handels GmbH', 60), released(id, 50), allocated(id, 40), shipped(id, 30), of(`SH-R${n}`, 'shipment.delivered', 10));
    await until(`${id} is blocked`, async () => (await state(id)) === 'blocked');
  }
  const page = await open(path('readiness'));
  await live(page);
  await page.evaluate(() => (window.neverReloaded = true));
  const purse = (name) => page.locator(`.purses li[data-key="${name}"]`);
  const row = page.locator('tr[data-key]', { hasText: 'SO-R1' });
  assert.match(await row.innerText(), /Blocked[\s\S]*64\.50 EUR[\s\S]*Proof of delivery missing/);
  assert.match(await purse('Blocked').innerText(), /2[\s\S]*129\.00 EUR/);
  assert.doesNotMatch(await purse('Ready to invoice').innerText(), /EUR/);
  const sum = await page.locator('.sum').first().innerText();

  await send(of('SH-R1', 'delivery.pod_received', 1));
  await until('it is ready before my eyes', async () => /Ready to invoice/.test(await row.innerText()));
  await until('the totals moved with it', async () => /1[\s\S]*64\.50 EUR/.test(await purse('Ready to invoice').innerText()) && /1[\s\S]*64\.50 EUR/.test(await purse('Blocked').innerText()));
  assert.equal(await page.locator('.sum').first().innerText(), sum, 'the whole is the same');
  assert.equal(await page.evaluate(() => window.neverReloaded), true, 'it was loaded again');

  // What is ready, as a file: its totals are those of the page.
  await purse('Ready to invoice').locator('a').click();
  await page.waitForURL('**/readiness?state=ready');
  assert.equal(await page.locator('.sum').first().innerText(), '1 item · 64.50 EUR');
  await page.getByText('Export', { exact: true }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  const csv = Buffer.concat(chunks).toString('utf8');
  assert.match(csv, /\r\nFilter,State: Ready to invoice\r\n/);
  assert.match(csv, /\r\nRows,1\r\nTotal EUR,64\.50\r\n/);
  assert.match(csv, /SO-R1/);
  assert.doesNotMatch(csv, /SO-R2/);

  // The row opens beside the list: why, lines, and what can be decided; and closes again.
  await page.goto(path('readiness?state=blocked'));
  await page.getByRole('link', { name: 'SO-R2' }).click();
  const drawer = page.locator('dialog.drawer');
  await drawer.getByText('Proof of delivery is missing').first().waitFor();
  assert.match(await drawer.innerText(), /Shipment shipped[\s\S]*wms\/east-2/, 'with the events that show it');
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'hidden' });
  await page.getByRole('link', { name: 'SO-R2' }).click();
  await drawer.getByLabel('Your name').fill('rosa');
  await drawer.getByLabel('Why').fill('signed by hand');
  await drawer.getByRole('button', { name: 'Mark ready' }).click();
  await page.waitForURL('**/readiness?state=blocked');
  await until('it is ready by her word', async () => (await state('SO-R2')) === 'ready');
});
