#!/usr/bin/env node
/**
 * Starts the command line: the sources as they are, or the build with the code that earlier processes have compiled
 * of it.
 */
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompileCache } from '../shared/platform/compile-cache.ts';
import { compileCachePlace } from './processes/compile-cache-place.ts';

/** Tells builds apart; `scripts/build.mjs` puts it in. */
declare const BUILD: string;

if (extname(import.meta.url) === '.ts') {
  const { run } = await import('./program.ts');
  await run(null);
} else {
  const path = fileURLToPath(import.meta.url);
  const root = dirname(dirname(path));
  const program = join(root, 'main', 'program.cjs');
  const place = compileCachePlace(process.env, BUILD, root);
  const cache = place === null ? null : new CompileCache(place, root);
  const loaded = cache === null ? createRequire(path)(program) : cache.load(program);
  if (cache !== null) process.once('exit', () => cache.keep());
  const { run } = loaded as typeof import('./program.ts');
  await run(place);
}
