// The page in Debian's chromium, served by the real API of two nodes with made-up figures: login, both nodes live, a
// move of the address, a node that dies and comes back, narrow screens, both themes, accessibility.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { consoleToken, type EventSeverity } from '@tospann/api';
import { fakeKey, startFakeNode, type FakeNode, type FakeWorld } from './fake-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const dist = mkdtempSync(join(tmpdir(), 'tospann-dist-'));

const chromiumPath = '/usr/bin/chromium';
// Without these flags chromium asks the Internet at its start.
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
let world: FakeWorld;
let nodes: Record<'lb1' | 'lb2', FakeNode | undefined>;
let ports: Record<'lb1' | 'lb2', number>;
let complaints: string[];

// Reason for a skip: Ubuntu has chromium as a snap only, which cannot be installed everywhere.
describe.skipIf(!existsSync(chromiumPath))('the page', () => {
  beforeAll(async () => {
    await build({ root, logLevel: 'error', build: { outDir: dist, emptyOutDir: true } });
    browser = await chromium.launch({ executablePath: chromiumPath, args: quiet });
  });
  afterAll(async () => {
    await browser.close();
    rmSync(dist, { recursive: true, force: true });
  });
  beforeEach(async () => {
    complaints = [];
    world = {
      owner: 'lb1',
      movedAtMs: performance.now() - 60_000,
      downServer: '',
      requestsPerSecond: 800,
      errorsPerSecond: 0,
    };
    ports = { lb1: await freePort(), lb2: await freePort() };
    nodes = { lb1: await startNode('lb1'), lb2: await startNode('lb2') };
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await stop('lb1');
    await stop('lb2');
  });

  test('a wrong token is refused in words, the right one opens the page, and a reload asks for none', async () => {
    const page = await openPage('lb1');
    await page.getByTestId('login-token').fill('not the token');
    await page.getByTestId('login-submit').click();
    await expectText(page, '#token-error', 'tospann token');
    await login(page);
    await page.reload();
    await page.getByTestId('verdict').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByTestId('login-token').waitFor();
  });

  test('both nodes are on each page, with owner, servers, rates and charts', async () => {
    world.downServer = 'app/web2';
    for (const name of ['lb1', 'lb2'] as const) {
      const page = await openPage(name);
      await login(page);
      await expectText(
        page,
        '[data-testid=verdict]',
        '1 of 5 servers is down: app/web2 (connection refused). lb1 holds public, lb2 ready.',
      );
      await expectText(page, '[data-testid=vip-public-owner]', 'lb1');
      await expectText(page, '[data-testid=node-lb1]', 'serving');
      await expectText(page, '[data-testid=node-lb2]', 'ready');
      await expectText(page, '[data-testid=server-app-web2]', 'down');
      await expectText(page, '[data-testid=server-app-web1]', 'up');
      const rate = page.locator('[data-testid=node-lb1] dd').first();
      await expect
        .poll(async () => Number.parseInt(await rate.innerText(), 10), { timeout: 10_000 })
        .toBeGreaterThan(300);
      expect(await page.locator('.plot canvas').count()).toBe(2);
      expect(await page.getByTestId('stale-banner').count()).toBe(0);
    }
    expect(complaints).toEqual([]);
  });

  test('the last events of both nodes are listed, newest first, and a new one comes by itself', async () => {
    const page = await openPage('lb1');
    await login(page);
    await expectText(page, '[aria-labelledby=events]', 'Nothing has happened yet.');
    tell('lb2', { severity: 'info', text: 'lb2 stands by for public: it hears lb1', ageMs: 60_000 });
    tell('lb1', { severity: 'alarm', text: 'The proxy process ended (signal SIGKILL)', ageMs: 5000 });
    await expectText(page, '[data-testid=event]:first-child', 'The proxy process ended (signal SIGKILL)');
    await expectText(page, '[data-testid=event]:last-child', 'lb2 stands by for public: it hears lb1');
    tell('lb2', { severity: 'warning', text: `lb2 owns <b>public</b> now: ${'long '.repeat(80)}`, ageMs: 0 });
    await expectText(page, '[data-testid=event]:first-child', 'lb2 owns <b>public</b> now');
    expect(await page.getByTestId('event').first().getAttribute('data-severity')).toBe('warning');
    expect(await page.getByTestId('event').count()).toBe(3);
    expect(complaints).toEqual([]);
  });

  test('an address that moves is shown and told', async () => {
    const page = await openPage('lb2');
    await login(page);
    await expectText(page, '[data-testid=vip-public-owner]', 'lb1');
    world.owner = 'lb2';
    world.movedAtMs = performance.now();
    await expectText(page, '[data-testid=vip-public-owner]', 'lb2');
    await expectText(page, '[aria-live=polite]', 'public moved: lb2 owns it now.');
    await expectText(page, '[data-testid=verdict]', 'Healthy. lb2 holds public, lb1 ready.');
  });

  test('a node that dies is told on both pages, and its own page comes back to the login', async () => {
    const survivor = await openPage('lb2');
    const lost = await openPage('lb1');
    await login(survivor);
    await login(lost);
    await stop('lb1');
    world.owner = 'lb2';
    world.movedAtMs = performance.now();
    await expectText(survivor, '[data-testid=stale-banner]', 'lb1 stale since');
    await expectText(survivor, '[data-testid=node-lb1]', 'no answer');
    await expectText(survivor, '[data-testid=vip-public-owner]', 'lb2');
    await expectText(survivor, '[data-testid=verdict]', 'lb1 does not answer (connection refused). lb2 holds public.');
    await expectText(lost, '[data-testid=stale-banner]', 'Stale since');
    await expectText(lost, '[data-testid=stale-banner]', 'lb1 does not answer');
    await expectText(lost, '[data-testid=verdict]', 'Last known: Healthy.');
    expect(await lost.getByRole('link', { name: 'Open lb2' }).getAttribute('href')).toBe(
      `https://127.0.0.1:${ports.lb2}/`,
    );
    nodes.lb1 = await startNode('lb1');
    // Sessions live in the memory of the admin child: the token is asked for again.
    await lost.getByTestId('login-token').waitFor({ timeout: 20_000 });
    await expectText(survivor, '[data-testid=node-lb1]', 'ready');
    expect(await survivor.getByTestId('stale-banner').count()).toBe(0);
  });

  test('a server is drained and put back behind a question, on both nodes', async () => {
    const page = await openPage('lb1');
    await login(page);
    const row = page.getByTestId('server-app-web2');
    await page.getByTestId('drain-app-web2').click();
    await expectText(page, '[data-testid=question]', 'Drain app/web2?');
    expect(await faultsOf(page)).toEqual([]);
    await page.getByTestId('question-no').click();
    await page.getByTestId('question').waitFor({ state: 'detached' });
    expect(await row.getAttribute('data-state')).toBe('up');
    await page.getByTestId('maint-app-web2').click();
    await page.getByTestId('question-yes').click();
    await page.getByTestId('question').waitFor({ state: 'detached' });
    await expectText(page, '[data-testid=server-app-web2]', 'maintenance');
    await expectText(page, '[data-testid=server-app-web2]', 'maint by operator');
    expect(await faultsOf(page)).toEqual([]);
    const other = await openPage('lb2');
    await login(other);
    await expectText(other, '[data-testid=node-lb2]', 'ready');
    const list = await other.evaluate(
      `fetch('/api/v1/servers').then((r) => r.json()).then((l) => l.servers.map((s) => s.name + ' ' + s.admin))`,
    );
    expect(list).toContain('web2 maint');
    await page.getByTestId('ready-app-web2').click();
    await page.keyboard.press('Escape');
    await page.getByTestId('question').waitFor({ state: 'detached' });
    await page.getByTestId('ready-app-web2').click();
    await page.getByTestId('question-yes').click();
    await expectText(page, '[data-testid=server-app-web2][data-state=up]', 'up');
    expect(complaints).toEqual([]);
  });

  test('the last server that takes traffic goes only when it is said twice, and the page is red then', async () => {
    const page = await openPage('lb1');
    await login(page);
    await expectText(page, '[data-testid=node-lb2]', 'ready');
    const ask = async (server: string): Promise<void> => {
      await page.getByTestId(`drain-static-${server}`).click();
      await page.getByTestId('question-yes').click();
    };
    await ask('web1');
    await page.getByTestId('question').waitFor({ state: 'detached' });
    await expectText(page, '[data-testid=taking-static]', '1 of 2 servers take traffic');
    await expectText(page, '[data-testid=verdict]', 'Healthy.');
    await ask('web2');
    await expectText(page, '[data-testid=question]', 'no other server of "static" takes traffic');
    await expectText(page, '[data-testid=question-yes]', 'Drain all the same');
    expect(await faultsOf(page)).toEqual([]);
    expect(await page.getByTestId('server-static-web2').getAttribute('data-state')).toBe('up');
    await page.getByTestId('question-yes').click();
    await page.getByTestId('question').waitFor({ state: 'detached' });
    await expectText(page, '[data-testid=taking-static]', 'no server takes traffic');
    await expectText(page, '[data-testid=verdict][data-level=down]', 'No server of static takes traffic');
    expect(await faultsOf(page)).toEqual([]);
    // The browser itself notes the one request that was refused.
    expect(complaints.filter((text) => !text.includes('409'))).toEqual([]);
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 400],
    ['dark', 400],
  ] as const)('in %s at %i px nothing overflows and axe finds no fault of WCAG A or AA', async (colorScheme, width) => {
    world.downServer = 'app/web2';
    world.errorsPerSecond = 3;
    tell('lb2', { severity: 'info', text: 'lb2 stands by for public: it hears lb1', ageMs: 60_000 });
    tell('lb1', { severity: 'warning', text: 'lb1 gave public up: the other node serves better', ageMs: 9000 });
    tell('lb1', { severity: 'alarm', text: `The proxy process ended: ${'x'.repeat(300)}`, ageMs: 5000 });
    const page = await openPage('lb1', { colorScheme, viewport: { width, height: 900 } });
    await page.getByTestId('login-token').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await login(page);
    await expectText(page, '[data-testid=node-lb2]', 'ready');
    expect(await faultsOf(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(complaints).toEqual([]);
  });
});

async function startNode(name: 'lb1' | 'lb2'): Promise<FakeNode> {
  const other = name === 'lb1' ? 'lb2' : 'lb1';
  return startFakeNode({ name, port: ports[name], peer: { name: other, port: ports[other] }, world, dist });
}

function tell(name: 'lb1' | 'lb2', said: { severity: EventSeverity; text: string; ageMs: number }): void {
  const { severity, text, ageMs } = said;
  const time = { timeMs: Date.now() - ageMs, monotonicMs: performance.now() - ageMs };
  nodes[name]?.events.append({ ...time, event: 'vrrp-state', severity, text });
}

async function stop(name: 'lb1' | 'lb2'): Promise<void> {
  await nodes[name]?.[Symbol.asyncDispose]();
  nodes[name] = undefined;
}

/** Opens the page of a node; what the browser complains about and requests to other hosts are collected. */
async function openPage(name: 'lb1' | 'lb2', options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  const url = `https://127.0.0.1:${ports[name]}/`;
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

async function login(page: Page): Promise<void> {
  await page.getByTestId('login-token').fill(consoleToken(fakeKey));
  await page.getByTestId('login-submit').click();
  await page.getByTestId('verdict').waitFor();
}

/** Waits until an element holds a text. */
async function expectText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ state: 'attached', timeout: 15_000 });
}

async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    interface Axe {
      run(
        options: object,
      ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
    }
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] });
    return violations.flatMap(({ id, nodes: places }) =>
      places.map((place) => `${id}: ${place.html} ${place.failureSummary ?? ''}`),
    );
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
