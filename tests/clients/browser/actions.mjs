// An action on a workflow, asked for beside the list of invoice readiness: offered while its condition holds, sent to the
// tenant's own target with a reason, and proven before the reader's eyes when its effect is seen.

import assert from 'node:assert/strict';
import { allocated, api, created, live, path, released, send, shipped, story, until } from './browser.mjs';

const made = async () => (await api('workflows/order/SO-T1/actions'))?.made ?? [];

await story(async (open) => {
  await send(created('SO-T1'), released('SO-T1'), allocated('SO-T1'), shipped('SO-T1'));
  await until('it is in readiness', async () => (await api('readiness?state=all&q=SO-T1'))?.items?.length);
  const page = await open(path('readiness?state=all'));
  const row = page.getByRole('link', { name: 'SO-T1' });
  const drawer = page.locator('dialog.drawer');
  await row.click();
  const offer = drawer.locator('details.action', { hasText: 'Ask our own billing' });
  await offer.locator('summary').click();
  await offer.getByText('It goes to Own billing').waitFor();
  await offer.getByLabel('Your name').fill('rosa');
  await offer.getByLabel('Reason').fill('The trigger was lost');
  await offer.getByRole('button', { name: 'Ask our own billing' }).click();
  await page.waitForURL('**/readiness?state=all');
  await until('it was sent', async () => (await made())[0]?.outcome === 'sent');
  assert.equal((await made()).length, 1, 'asked once, sent once');

  // Beside the list it stands with what became of it; on the page of the workflow the proof comes by itself.
  await row.click();
  await drawer.getByText('The trigger was lost').first().waitFor();
  await page.goto(path('w/order/SO-T1'));
  await live(page);
  const told = page.locator('[data-live="actions-made"]');
  await told.getByText('Sent, no effect yet').waitFor();
  await page.evaluate(() => (window.stayed = true));
  await send({
    id: 'bill-SO-T1',
    type: 'invoice.issued',
    source: 'billing/rating',
    time: new Date().toISOString(),
    object: { type: 'invoice', id: 'INV-T1' },
    refs: { order: ['SO-T1'] },
    data: { amount: { value: '64.50', currency: 'EUR' } },
  });
  await told.getByText('Proven fixed').waitFor();
  await page.getByText('None is offered as it stands now').waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true, 'nothing was loaded anew');
});
