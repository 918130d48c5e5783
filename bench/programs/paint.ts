/** How long a browser takes to show the page with live data, beside a page that has nothing to show but an answer. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { noBrowser, openBrowser } from '../../test/support/browser.ts';
import { pageOf } from '../lib/page.ts';
import type { Context, Program } from '../lib/program.ts';
import { Recorder } from '../lib/recorder.ts';
import { inRounds } from '../lib/rounds.ts';
import { RAW } from '../lib/servers.ts';
import { median } from '../lib/statistics.ts';
import { untilServing } from '../lib/wire.ts';

const SERVERS = ['s0', 's1', 's2', 's3'];
const SIDE = 'rea';
const LIVE = 'the page with four servers';
const EMPTY = 'an empty page, which asks once';
const TAKES = 'first paint with live data';
/** Of one round. */
const LOADS = 5;
const LIMIT_MS = 60_000;
/** True in a tab once it shows what it has asked for. */
const SHOWN = {
  [LIVE]: `document.querySelectorAll('.servers tbody .server [data-label=tools]:not(:empty)').length === ${SERVERS.length}`,
  [EMPTY]: "document.body.textContent === 'live'",
};
const EMPTY_PAGE =
  "<!doctype html><body><script>fetch('/live').then((response) => response.text()).then((text) => { document.body.textContent = text; });</script>";

export const paint: Program = {
  name: 'paint',
  title: 'First paint of the page',
  summary: 'how long a browser takes to show the page of `rea ui` with live data',
  quickSeconds: 30,
  run: async (context) => {
    const repetitions = context.repetitions ?? (context.quick ? 1 : 5);
    const recorder = new Recorder([
      { name: TAKES, unit: 'ms', better: 'lower' },
      { name: 'times an empty page', unit: '×', better: 'lower' },
    ]);
    if (noBrowser !== null) throw new Error(noBrowser);
    const browser = await openBrowser();
    try {
      const points = [
        { scenario: EMPTY, side: SIDE, measure: () => measureEmpty(browser) } as const,
        { scenario: LIVE, side: SIDE, measure: () => measureLive(context, browser) } as const,
      ];
      // Its first pages cost a browser more than all others.
      await inRounds(context, recorder, points, { repetitions, warmUp: true });
    } finally {
      await browser.close();
    }
    const at = (scenario: string) => ({ metric: TAKES, scenario, side: SIDE });
    const empty = recorder.values(at(EMPTY));
    recorder.values(at(LIVE)).forEach((value, round) => {
      const beside = empty[round];
      if (beside !== undefined) recorder.add(LIVE, SIDE, { 'times an empty page': value / beside });
    });
    return {
      repetitions,
      metrics: recorder.metrics,
      figures: recorder.figures(),
      goals: [
        {
          figure: TAKES,
          limit: 'at most',
          unit: 'ms',
          parts: [recorder.part('the page', at(LIVE), { must: 2000, aim: 1000 })],
        },
      ],
      notes: [
        `From the address to the first row of every server with its number of tools, in a window of its own each time; the median of ${LOADS} loads. The browser runs already, and shares the cores with the gateway.`,
      ],
    };
  },
};

async function measureLive(context: Context, browser: Browser): Promise<Record<string, number>> {
  const { sides, scope, node } = context;
  const gateway = await sides.start(
    SIDE,
    SERVERS.map((name) => RAW.server(node, name)),
  );
  try {
    await untilServing(
      await gateway.connect(),
      SERVERS.map((name) => gateway.tool(name, RAW.tool)),
    );
    return { [TAKES]: await paints(browser, pageOf(context, gateway), SHOWN[LIVE]) };
  } finally {
    await gateway.stop();
    scope.sweep(gateway.dir);
  }
}

async function measureEmpty(browser: Browser): Promise<Record<string, number>> {
  const server = createServer((request, response) => {
    const isPage = request.url === '/';
    response.setHeader('content-type', isPage ? 'text/html' : 'text/plain');
    response.end(isPage ? EMPTY_PAGE : 'live');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return { [TAKES]: await paints(browser, `http://127.0.0.1:${port}/`, SHOWN[EMPTY]) };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Milliseconds until a tab shows it. */
async function paints(browser: Browser, url: string, isShown: string): Promise<number> {
  const all: number[] = [];
  for (let load = 0; load < LOADS; load++) {
    const context = await browser.newContext();
    try {
      const tab = await context.newPage();
      const begun = performance.now();
      await tab.goto(url);
      // Looked at before each frame.
      await tab.waitForFunction(isShown, null, { timeout: LIMIT_MS });
      all.push(performance.now() - begun);
    } finally {
      await context.close();
    }
  }
  return median(all);
}
