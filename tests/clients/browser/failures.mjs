// Somebody on call: from the red tile to the group, to the field at fault, and the group is taken. Another reader's page
// follows without reloading.

import assert from 'node:assert/strict';
import { created, live, path, send, story, until } from './browser.mjs';

const bad = (id, verdict) => ({
  id: `erp-${id}-checked`,
  type: 'order.credit_checked',
  source: 'erp/main',
  time: new Date().toISOString(),
  object: { type: 'order', id },
  data: { verdict, contact_email: 'anna@example.com' },
});

await story(async (open) => {
  await send(created('SO-F1'), created('SO-F2'));
  const refused = await send(bad('SO-F1', 'aproved'), bad('SO-F2', 'aproved'));
  assert.equal(refused.rejected.length, 2);

  const board = await open(path('board'));
  await board.locator('.rail a', { hasText: 'Failures' }).click();
  const group = board.locator('tr[data-key] a', { hasText: 'Verdict has a value that is not listed' });
  await group.waitFor();
  // Somebody else looks at the same list all the while.
  const other = await open(path('failures?state=all'));
  await live(other);
  await other.evaluate(() => (window.stayed = true));

  await group.click();
  await board.getByText('2 records from').waitFor();
  await board.locator('.values, [data-live=values]').getByText('aproved').waitFor();
  await board.getByRole('link', { name: 'Open the example' }).click();

  // The field at fault is marked, what was meant is said, and an address is not shown.
  const line = board.locator('li.bad');
  await line.waitFor();
  assert.match(await line.innerText(), /"verdict": "aproved"/);
  await board.getByText('approved', { exact: true }).waitFor();
  assert.ok(!(await board.content()).includes('anna@example.com'), 'an address is hidden');
  await board.getByLabel('Your name').last().fill('Anna');
  await board.getByLabel('Reason to see them').fill('To ask the customer');
  await board.getByRole('button', { name: 'Show for 15 minutes' }).click();
  await board.getByText('You see secrets and personal data until').waitFor();
  assert.ok((await board.content()).includes('anna@example.com'), 'and shown to whoever says why');
  assert.ok(!(await (await fetch(board.url())).text()).includes('anna@example.com'), 'but to nobody else');

  await board.getByRole('link', { name: 'all of this group' }).click();
  await board.getByRole('button', { name: 'Acknowledge' }).click();
  await board.getByText('acknowledged by').waitFor();
  await until('the other page follows', async () => (await other.locator('tbody').first().innerText()).includes('Acknowledged'));
  assert.equal(await other.evaluate(() => window.stayed), true, 'without reloading');
});
