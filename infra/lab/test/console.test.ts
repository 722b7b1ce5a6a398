// The console in a real browser (Debian's chromium): log in on LB2's page with the token, kill LB1, see LB2 become
// the owner on the page. Screenshots stay in .cache/screenshots of the checkout for people to look at.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Load, NODE_ADDRESSES, Pair, pause, until, VIP } from '../src/index.ts';

const CHROMIUM = '/usr/bin/chromium';
const SCREENSHOTS = fileURLToPath(new URL('../../../.cache/screenshots/', import.meta.url));
const CONSOLE = `https://${NODE_ADDRESSES.lb2}:9443/`;
/** Without these flags chromium asks the Internet at its start. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Reason for a skip: Ubuntu has chromium as a snap only, which cannot be installed everywhere.
describe.skipIf(!existsSync(CHROMIUM))('the console', () => {
  const closers: (() => Promise<void>)[] = [];
  let pair: Pair;
  let page: Page;

  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    pair = await Pair.create();
    closers.push(async () => await pair[Symbol.asyncDispose]());
    await pair.start();
    await pair.waitForOwner(pair.lb1, 30_000);
    // The browser lives in the client's namespace: it sees the pair as a person on that network does.
    const wrapper = join(pair.lab.folder, 'chromium');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${pair.client.command([CHROMIUM]).join(' ')} "$@"\n`, { mode: 0o755 });
    const browser = await chromium.launch({ executablePath: wrapper, headless: true, args: QUIET });
    closers.unshift(async () => await browser.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
  });

  afterAll(async () => {
    for (const close of closers) await close();
  });

  test('asks for a token and refuses a wrong one', async () => {
    await page.goto(CONSOLE);
    await page.getByTestId('login-token').fill('not-the-token');
    await page.getByTestId('login-submit').click();
    await pause(500);
    expect(await page.getByTestId('verdict').count()).toBe(0);
    await page.screenshot({ path: join(SCREENSHOTS, 'login.png') });
  });

  test('shows the pair, live, with the right owner and servers', async () => {
    await page.getByTestId('login-token').fill(pair.token());
    await page.getByTestId('login-submit').click();
    await page.getByTestId('verdict').waitFor({ timeout: 10_000 });
    await page.locator('[data-testid^="vip-"][data-testid$="-owner"]').first().waitFor();
    expect(await ownerText()).toContain('lb1');
    for (const node of ['lb1', 'lb2']) expect(await page.getByTestId(`node-${node}`).count()).toBe(1);
    for (const server of ['web1', 'web2'])
      expect(await page.getByTestId(`server-app-${server}`).count()).toBeGreaterThan(0);
    await page.screenshot({ path: join(SCREENSHOTS, 'pair.png'), fullPage: true });
  });

  test('drains a server behind a question, and the node that serves obeys', async () => {
    const state = async (wanted: string): Promise<void> =>
      await page.locator(`[data-testid=server-app-web1][data-state=${wanted}]`).waitFor({ timeout: 15_000 });
    const statusOf = async (): Promise<string> => (await pair.lb1.command(['servers', 'list'])).stdout;
    await page.getByTestId('drain-app-web1').click();
    await page.screenshot({ path: join(SCREENSHOTS, 'drain.png') });
    await page.getByTestId('question-yes').click();
    await state('drain');
    expect(await statusOf()).toMatch(/app\/web1 .* drain .*drain by operator/);
    await page.getByTestId('ready-app-web1').click();
    await page.getByTestId('question-yes').click();
    await state('up');
    expect(await statusOf()).toMatch(/app\/web1 .* up /);
  });

  test('shows LB2 become the owner when LB1 is killed', async () => {
    await using load = new Load(pair.client, { target: `${VIP}:80`, rps: 50, seconds: 60 });
    await load.started();
    await pause(1_500);
    pair.lb1.node.killGroup('SIGKILL');
    await until('lb2 as the owner on the page', async () => (await ownerText()).includes('lb2'), {
      timeoutMs: 10_000,
      everyMs: 50,
    });
    await pause(2_500);
    expect(await ownerText()).toContain('lb2');
    expect(await ownerText()).not.toContain('lb1');
    const told = page.locator('[data-testid=event][data-kind=vrrp-state]').first();
    await until(
      'the take-over among the events',
      async () => (await told.textContent())?.includes('lb2 owns ') ?? false,
      {
        timeoutMs: 10_000,
      },
    );
    expect(await told.getAttribute('data-severity')).toBe('warning');
    await page.screenshot({ path: join(SCREENSHOTS, 'lb1-killed.png'), fullPage: true });
    // The kernel of lb1 lives on: it removes the address when the lease ends, two down intervals after the last advert.
    await until('lb2 alone with the address', () => pair.watch.owners.join(' ') === 'lb2', { timeoutMs: 10_000 });
    await pair.lb1.start(pair.configFile);
  });

  async function ownerText(): Promise<string> {
    return (await page.locator('[data-testid^="vip-"][data-testid$="-owner"]').first().textContent()) ?? '';
  }
});
