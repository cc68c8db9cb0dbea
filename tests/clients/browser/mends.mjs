// Somebody on call: from the red tile of the board to the field at fault; then, without one reload, an edit that is checked
// while it is typed, a dry run, a replay with its question, and the proof that appears by itself.

import assert from 'node:assert/strict';
import { api, live, path, send, story, until } from './browser.mjs';

const bad = (id) => ({
  id: `erp-${id}-created`,
  type: 'order.created',
  source: 'erp/main',
  time: new Date(Date.now() - 60_000).toISOString(),
  object: { type: 'order', id },
  data: {
    customer: 'Nordwind Handels GmbH',
    lines: [{ line: '10', sku: 'AB-77', quantity: 'many', unit: 'EA' }],
    amount: { value: '64.50', currency: 'EUR' },
  },
});

await story(async (open) => {
  const refused = await send(bad('SO-M1'));
  assert.equal(refused.rejected.length, 1);
  await until('the group is counted', async () => (await api('failure-groups'))?.items?.length === 1);

  const page = await open(path('board'));
  const tile = page.locator('[data-live="tiles"] a.t-crit', { hasText: 'Failing' });
  await tile.waitFor();
  await tile.click();
  await page.locator('tr[data-key] a', { hasText: 'Quantity is written wrongly on a line' }).click();
  await page.getByRole('link', { name: 'Open the example' }).click();
  await page.locator('li.bad').waitFor();
  await page.getByRole('link', { name: 'Edit and replay' }).click();

  // Typed wrongly it is told at once, typed rightly too.
  const area = page.locator('#body');
  const problems = page.locator('[data-live="edit-problems"]');
  await problems.getByText('Still wrong').waitFor();
  await page.evaluate(() => (window.stayed = true));
  const text = await area.inputValue();
  await area.fill(text.replace('"erp-SO-M1-created"', '"another"'));
  await problems.getByText('cannot be changed').waitFor();
  await area.fill(text.replace('"many"', '"5"'));
  await problems.getByText('It would be taken').waitFor();
  await page.locator('.d-add', { hasText: '"5"' }).waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true, 'the page was not loaded anew');
  assert.deepEqual((await api('replays')).items, [], 'nothing was sent');

  // Who edits says so once.
  await page.locator('#editor').getByLabel('Your name').fill('Anna');
  await page.getByRole('button', { name: 'Dry run' }).click();
  const forecast = page.locator('.forecast');
  await forecast.getByText('1 workflow would change').waitFor();
  await forecast.getByText('Would begin').waitFor();
  await forecast.getByText('AB-77, ordered 5').waitFor();
  // The next one is of what is typed now.
  await area.fill(text.replace('"many"', '"6"'));
  await problems.getByText('It would be taken').waitFor();
  const again = page.waitForResponse((answer) => answer.url().includes('dry=1'));
  await page.getByRole('button', { name: 'Dry run' }).click();
  await (await again).finished();
  await page.locator('.forecast').getByText('AB-77, ordered 6').waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true, 'the dry run came in place');
  assert.equal(await api('workflows/order/SO-M1'), undefined, 'a dry run writes nothing');

  await page.getByRole('button', { name: 'Replay…' }).click();
  await page.getByText('Replay 1 payload?').waitFor();
  await page.getByLabel('Reason').fill('Quantity typed by hand');
  await page.getByRole('button', { name: 'Replay 1 payload' }).click();
  await page.locator('[data-live="replay-items"]').getByText('Proven fixed').waitFor();
  await page.locator('[data-live="replay-head"]').getByText('Finished').waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true, 'from typing to the proof nothing was loaded anew');
  await until('the order is there', () => api('workflows/order/SO-M1'));
  // The address is that of the job, and the way back leads to the editor, which tells that it is mended.
  const job = page.url();
  assert.match(job, /\/replays\/[0-9a-f]+$/);
  await page.goBack();
  await page.getByText('It was mended already').waitFor();
  await page.goForward();
  await page.locator('[data-live="replay-items"]').getByText('Proven fixed').waitFor();
  assert.equal(page.url(), job);

  // The payload leads to its replay, and its group is resolved until it fails again.
  await page.locator('[data-live="replay-items"] th a').click();
  await page.getByText('Mended and proven by').waitFor();
  await until('the group is resolved', async () => (await api('failure-groups?state=resolved'))?.items?.length === 1);
  await send(bad('SO-M2'));
  await until('the group is open again', async () => (await api('failure-groups?state=open'))?.items?.length === 1);
});
