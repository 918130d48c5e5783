/** All programs, in the order of a full run and of the report. */
import type { Program } from '../lib/program.ts';
import { body } from './body.ts';
import { fleet } from './fleet.ts';
import { governance } from './governance.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { orphans } from './orphans.ts';
import { paint } from './paint.ts';
import { paths } from './paths.ts';
import { recovery } from './recovery.ts';
import { revisions } from './revisions.ts';
import { shared } from './shared.ts';
import { start } from './start.ts';
import { storm } from './storm.ts';
import { tabs } from './tabs.ts';
import { throughput } from './throughput.ts';
import { watchers } from './watchers.ts';

export const PROGRAMS: readonly Program[] = [
  latency,
  throughput,
  storm,
  start,
  fleet,
  recovery,
  orphans,
  memory,
  body,
  governance,
  paths,
  revisions,
  shared,
  watchers,
  tabs,
  paint,
];
