// A filtered list is saved as a view, shows how many rows it has, and is taken along as a file whose totals are those of
// the page.

import assert from 'node:assert/strict';
import { created, live, path, send, stageOf, story, until } from './browser.mjs';

await story(async (open) => {
  await send(created('SO-V1', 'Nordwind'), created('SO-V2', 'Nordwind'), created('SO-V3', '=Sturm'));
  for (const id of ['SO-V1', 'SO-V2', 'SO-V3']) await until(`${id} is there`, () => stageOf(id));

  const page = await open(path('workflows?customer=Nordwind'));
  await live(page);
  await page.getByText('Save as view', { exact: true }).click();
  await page.getByLabel('Name of the view').fill('Nordwind now');
  // The closed menu beside it asks for a name as well.
  await page.locator('.saved').getByRole('textbox', { name: 'Your name' }).fill('anna');
  await page.getByRole('button', { name: 'Save view' }).click();
  await page.waitForURL('**/workflows?customer=Nordwind&view=*');
  const tab = page.locator('.saved li a', { hasText: 'Nordwind now' });
  assert.equal(await tab.getAttribute('aria-current'), 'page');
  await until('the badge counts', async () => {
    if (/2/.test(await tab.locator('.count').innerText({ timeout: 500 }).catch(() => ''))) return true;
    await page.reload();
  });

  // A third order of this customer: the file has what the page has.
  await page.getByText('Export', { exact: true }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
  const stream = await file.createReadStream();
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const csv = Buffer.concat(chunks).toString('utf8');
  assert.match(csv, /\r\nFilter,Customer: Nordwind\r\n/);
  assert.match(csv, /\r\nTaken by,anna\r\nRows,2\r\nTotal EUR,129\.00\r\n/);
  assert.match(csv, /SO-V1/);
  assert.doesNotMatch(csv, /SO-V3/);
  const shown = await page.locator('.paging .sum').innerText();
  assert.equal(shown, '129.00 EUR', 'the page and the file agree');

  // A view of one's own is nobody else's; a removed one is gone.
  const other = await open(path('workflows'));
  assert.equal(await other.locator('.saved li').count(), 0, 'it is not shared');
  await page.goto(path('views'));
  await page.getByText('Remove', { exact: true }).click();
  await page.getByRole('button', { name: 'Remove the view' }).click();
  await page.getByText('No saved views yet').waitFor();

  // Without a script everything is there too.
  const bare = await open(path('workflows?q=SO-V3'), { javaScriptEnabled: false });
  assert.equal(await bare.getByText('Export', { exact: true }).count(), 1);
  const risky = await bare.request.get(path('workflows.csv?q=SO-V3'));
  assert.match(await risky.text(), /,'=Sturm,/);
  const refused = await bare.request.get(path('workflows.csv?colour=red'));
  assert.equal(refused.status(), 400, 'a filter that is not known makes no file');
});
