// A countdown on the open board turns amber, then red, without being loaded again; what one person does about an exception
// another sees live. Everything goes through the forms that also work without scripts.

import assert from 'node:assert/strict';
import { api, live, path, send, stageOf, story, until } from './browser.mjs';

const at = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
const order = (id, time, customer = 'Nordwind Handels GmbH') => ({
  id: `erp-${id}`,
  type: 'order.created',
  source: 'erp/main',
  time,
  object: { type: 'order', id },
  data: { customer, amount: { value: '64.50', currency: 'EUR' } },
});

await story(async (open) => {
  // Release is due after 30 minutes and warns after three quarters of them: this one warns in a few seconds. The other
  // is due in a few.
  await send(order('SO-AMBER', at(-22.5 * 60 + 8)), order('SO-RED', at(-30 * 60 + 14)));
  // A board on which nothing has arrived yet has no rows to grow.
  await until('both are there', async () => (await stageOf('SO-AMBER')) && (await stageOf('SO-RED')));
  const board = await open(path('board'));
  await live(board);
  await board.evaluate(() => (window.neverReloaded = true));
  const row = (id) => board.locator('tr[data-key]', { hasText: id });
  await row('SO-AMBER').waitFor();
  const tone = (id) => row(id).locator('.c-due .due').getAttribute('class');
  assert.doesNotMatch(await tone('SO-AMBER'), /t-(risk|crit)/, 'it is on track at first');
  assert.match(await tone('SO-RED'), /t-risk/, 'it warns already');
  await until('it turns amber', async () => /t-risk/.test(await tone('SO-AMBER')), 40_000);
  await until('the other turns red', async () => /t-crit/.test(await tone('SO-RED')), 40_000);
  await until('its status says so', async () => /Breached/.test(await row('SO-RED').innerText()));
  assert.equal(await board.evaluate(() => window.neverReloaded), true, 'the board was loaded again');

  // Anna and Ben look at the same exception.
  const found = await until('the breach is in the queue', async () =>
    (await api('exceptions?kind=sla_breached'))?.items.find((e) => e.object.id === 'SO-RED'),
  );
  const page = path(`exceptions/${found.id}`);
  const anna = await open(path('exceptions'));
  const ben = await open(page);
  await live(anna);
  await live(ben);
  await ben.evaluate(() => (window.neverReloaded = true));
  const said = () => ben.locator('main').innerText();

  // In the queue: choose, say who you are, acknowledge.
  const line = anna.locator('tr[data-key]', { hasText: 'SO-RED' }).filter({ hasText: 'SLA breached' });
  await line.locator('input[type=checkbox]').check();
  await anna.locator('.deeds input[name=person]').fill('Anna');
  await anna.getByRole('button', { name: 'Acknowledge chosen' }).click();
  await anna.waitForURL('**/exceptions');
  await until('Ben sees that it is acknowledged', async () => /Acknowledged/.test(await ben.locator('[data-live="head"]').innerText()));
  await until('and by whom', async () => /Anna acknowledged it/.test(await said()));

  await anna.goto(page);
  const form = (button) => anna.locator('form', { has: anna.locator(`button[value="${button}"]`) }).first();
  await form('assign').locator('input[name=owner]').fill('Ben');
  await form('assign').locator('button[value=assign]').click();
  await until('Ben sees that it is his', async () => /Ben/.test(await ben.locator('[data-live="facts"]').innerText()));

  await form('snooze').locator('select[name=for]').selectOption('1h');
  await form('snooze').locator('button[value=snooze]').click();
  await until('Ben sees that it is put off', async () => /Snoozed/.test(await ben.locator('[data-live="head"]').innerText()));

  await form('waive').locator('input[name=text]').fill('The customer waits gladly');
  await form('waive').locator('button[value=waive]').click();
  await until('Ben sees that it is waived', async () => /Waived/.test(await ben.locator('[data-live="head"]').innerText()));
  await until('and why', async () => /The customer waits gladly/.test(await said()));

  // Cured by itself, with the event that cured it.
  await send({ id: 'erp-SO-RED-released', type: 'order.released', source: 'erp/main', time: at(0), object: { type: 'order', id: 'SO-RED' } });
  await until('Ben sees that it is over', async () => /Closed/.test(await ben.locator('[data-live="head"]').innerText()));
  assert.match(await ben.locator('[data-live="head"]').innerText(), /erp-SO-RED-released/);
  assert.equal(await ben.evaluate(() => window.neverReloaded), true, 'the page was loaded again');

  // Without scripts the same forms do the same.
  const plain = await open(path('exceptions?q=SO-AMBER'), { javaScriptEnabled: false });
  const boxes = plain.locator('tbody input[type=checkbox]');
  assert.ok((await boxes.count()) > 0);
  await boxes.first().check();
  await plain.locator('.deeds input[name=person]').fill('Clara');
  await plain.getByRole('button', { name: 'Take', exact: true }).click();
  await until('it is hers', async () => (await api('exceptions?owner=Clara'))?.items.length === 1);
});
