// Every page, in light and dark: nothing serious for assistive technology, no sideways scrolling on a phone, usable without
// scripts, and a stranger's text shows as text.

import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import { created, live, path, released, send, shipped, stageOf, story, until } from './browser.mjs';

const HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>\u202e"\'`{{7*7}}';
const pages = ['board', 'workflows', 'w/order/SO-A', 'w/order/SO-A/quantities', 'w/order/SO-A/documents', 'w/order/SO-A/payloads', 'w/order/SO-HOSTILE', 'held', 'exceptions', 'alerts', 'board?display=wall', 'failures', 'triage', 'integrations'];

await story(async (open) => {
  await send(created('SO-A'), released('SO-A'), shipped('SO-A'), created('SO-HOSTILE', HOSTILE));
  // One refused, one held, so that no page is empty.
  const wrong = shipped('SO-WRONG');
  wrong.data.lines[0].quantity = 'five';
  await send(wrong, { ...shipped('SO-LOST'), type: 'delivery.pod_received', id: 'tms-pod', source: 'tms/fleet', refs: {}, data: { signer: HOSTILE } });
  await until('both are in', async () => (await stageOf('SO-A')) === 'shipped' && (await stageOf('SO-HOSTILE')));

  const faulty = [];
  for (const colorScheme of ['light', 'dark']) {
    for (const where of pages) {
      const page = await open(path(where), { colorScheme });
      const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      const bad = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
      const told = bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(' | ')}`);
      faulty.push(...told.map((fault) => `${where} in ${colorScheme}: ${fault}`));
      assert.equal(await page.evaluate(() => window.hit), undefined, `a stranger's script ran on ${where}`);
      await page.context().close();
    }
  }

  assert.deepEqual(faulty, [], 'accessibility');

  const hostile = await open(path('w/order/SO-HOSTILE'));
  assert.ok((await hostile.locator('main').innerText()).includes('<img src=x onerror="window.hit=1">'), 'it shows as text');

  for (const where of pages) {
    const phone = await open(path(where), { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const [wide, screen] = await phone.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    if (wide > screen + 1) faulty.push(`${where} is ${wide} wide on a screen of ${screen}`);
    await phone.context().close();
  }

  assert.deepEqual(faulty, [], 'phone');

  // Without scripts: read, filter, follow a link.
  const plain = await open(path('workflows'), { javaScriptEnabled: false });
  assert.ok((await plain.locator('main').innerText()).includes('SO-A'));
  assert.doesNotMatch(await plain.locator('#fresh').innerText(), /^\s*Live\s*$/, 'a page that cannot move does not say that it is live');
  await plain.getByRole('link', { name: 'SO-A', exact: true }).first().click();
  await plain.waitForURL('**/w/order/SO-A');
  assert.match(await plain.locator('main').innerText(), /AB-77|shipped/i);

  const board = await open(path('board'));
  await live(board);
});
