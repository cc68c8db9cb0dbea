// An order moves on its own page and in the list without either being loaded again. Pause holds it, the keyboard reaches
// everything, and what is on screen is what a fresh load shows.

import assert from 'node:assert/strict';
import { allocated, created, live, path, released, send, shipped, stageOf, story, until } from './browser.mjs';

const id = 'SO-MOVES';

await story(async (open) => {
  await send(created(id));
  await until('the order is there', () => stageOf(id));

  const list = await open(path('workflows'));
  const detail = await open(path(`w/order/${id}`));
  for (const page of [list, detail]) {
    await live(page);
    assert.match(await page.locator('#fresh').innerText(), /Live/);
    // Gone when the page is loaded again.
    await page.evaluate(() => (window.neverReloaded = true));
  }

  const row = list.locator('tr[data-key]', { hasText: id });
  const before = await row.innerText();
  await send(released(id), allocated(id));
  await until('the list shows that it moved', async () => (await row.innerText()) !== before);
  await until('the page shows the allocation', async () => /of 16 · Allocated/.test(await detail.locator('main').innerText()));
  assert.equal(await stageOf(id), 'allocated');

  // Paused: it says so, counts what waits, and nothing moves.
  await detail.locator('#pause').click();
  assert.match(await detail.locator('#fresh').innerText(), /Paused/);
  const still = await detail.locator('[data-live="head"]').innerHTML();
  await send(shipped(id));
  await until('it has shipped', async () => (await stageOf(id)) === 'shipped');
  await until('the chip counts it', async () => /[1-9]\d* changes? waiting/.test(await detail.locator('#fresh').innerText()));
  assert.equal(await detail.locator('[data-live="head"]').innerHTML(), still, 'a paused page stands still');
  await detail.locator('#pause').click();
  await until('it catches up', async () => (await detail.locator('[data-live="head"]').innerHTML()) !== still);
  await until('it shows the shipment', async () => /SH-MOVES/.test(await detail.locator('main').innerText()));
  await live(detail);

  // The same as a fresh load, but for ages and countdowns.
  // The drawing moves with the clock; its events stand in the table beside it.
  const words = (page) =>
    page.locator('main').evaluate((main) => {
      const copy = main.cloneNode(true);
      for (const quiet of copy.querySelectorAll('[data-quiet], [data-ago], [data-due], .vh, .pill, .print-only, svg')) quiet.remove();
      return copy.textContent.replace(/\s+/g, '');
    });
  const fresh = await open(path(`w/order/${id}`));
  const same = async () => (await words(detail)) === (await words(fresh));
  await until('it equals a fresh load', same, 10_000).catch(async () => assert.equal(await words(detail), await words(fresh)));

  for (const page of [list, detail]) assert.equal(await page.evaluate(() => window.neverReloaded), true, 'it was loaded again');

  // Keyboard only.
  await list.locator('main').focus();
  await list.keyboard.press('/');
  assert.equal(await list.evaluate(() => document.activeElement.id), 'find');
  await list.keyboard.press('Escape');
  await list.keyboard.press('?');
  await list.locator('#help[open]').waitFor();
  await list.keyboard.press('Escape');
  await list.locator('#help[open]').waitFor({ state: 'detached' });
  await list.keyboard.press('j');
  assert.equal(await list.evaluate(() => Boolean(document.activeElement.closest('[data-key]'))), true, 'j goes to a row');
  await list.keyboard.press('Enter');
  await list.waitForURL('**/w/order/**');
  await list.keyboard.press('g');
  await list.keyboard.press('b');
  await list.waitForURL('**/board**');
  await list.keyboard.press('Tab');
  assert.equal(await list.evaluate(() => document.activeElement.className), 'skip', 'the first stop skips to the content');
  await list.keyboard.press('2');
  assert.match(await list.evaluate(() => document.activeElement.textContent), /At risk/, '2 goes to the second tile');
});
