/** Which changes of a file are enough by themselves, and what is told of secrets in them. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { accept, waitForBlocked } from '../support/pins.ts';
import { runRea } from '../support/rea-command.ts';
import { makeDirectory, startRea, writeRegistry } from '../support/rea-process.ts';
import {
  asks,
  evidencePath,
  executed,
  identity,
  names,
  waitFor,
  writes,
} from '../support/reload-waiting.ts';
import { after, rewrite, STAYS } from '../support/reloading.ts';
import { fixture, registry } from '../support/servers.ts';
import { tidy } from '../support/tidy.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

afterAll(tidy);

test.concurrent('a directory that is put in the place of theirs is not read before a person says so', async () => {
  const dir = makeDirectory();
  const [place, other] = [join(dir, 'settings'), join(dir, 'other')];
  const write = (directory: string, prefix: string) => {
    const config = registry({ one: { ...fixture('echo'), prefix } });
    writeFileSync(join(directory, 'servers.yaml'), JSON.stringify(config), { mode: 0o600 });
  };
  for (const directory of [place, other]) mkdirSync(directory);
  write(place, 'uno');
  write(other, 'evil');
  const rea = await startRea({ cwd: dir, args: ['--config', join(place, 'servers.yaml')] });
  const one = await identity(rea, 'one');
  const swap = () => {
    renameSync(place, join(dir, 'away'));
    renameSync(other, place);
  };
  await after(rea, swap, STAYS);
  expect(rea.stderr).toContain('settings: is another directory than it was');
  expect(await names(rea)).toContain('uno__echo');
  // Whatever is then written there.
  await after(rea, () => write(place, 'worse'), STAYS);
  // Where it was it is read again.
  renameSync(place, other);
  await after(rea, () => renameSync(join(dir, 'away'), place));
  await after(rea, () => write(place, 'dos'));
  expect(await names(rea)).toContain('dos__echo');
  await after(rea, swap, STAYS);
  await after(rea, () => rea.kill('SIGHUP'));
  expect(await names(rea)).toContain('worse__echo');
  await after(rea, () => write(place, 'tres'));
  expect(await names(rea)).toContain('tres__echo');
  expect(await identity(rea, 'one')).toEqual(one);
  await rea.stop();
});

test.concurrent('with --reload off nothing is read before SIGHUP, which takes all but programs', async () => {
  const dir = makeDirectory();
  const evidence = evidencePath();
  const one = fixture('echo');
  writeRegistry(dir, registry({ one }));
  const rea = await startRea({ cwd: dir, args: ['--reload', 'off'] });
  await identity(rea, 'one');
  // Another gateway on the same files shows when a change could have been seen.
  const watching = await startRea({ cwd: dir });
  const policy = join(dir, '.rea', 'policy.yaml');
  for (const prefix of ['uno', 'ein']) {
    await rewrite(watching, registry({ one: { ...one, prefix } }));
    await after(watching, () => writeFileSync(policy, `version: "1" # ${prefix}\n`));
  }
  await rewrite(watching, registry({ one: { ...one, prefix: 'un' }, evil: writes(evidence) }));
  expect(rea.stderr).not.toContain('reading the configuration again');
  expect(await names(rea)).toContain('one__echo');
  expect(existsSync(evidence)).toBe(false);
  await after(rea, () => rea.kill('SIGHUP'));
  expect(await names(rea)).toContain('un__echo');
  await waitForBlocked(rea, ['evil']);
  expect(existsSync(evidence)).toBe(false);
  // What was read is put in force, and not what is in the file by now.
  await rewrite(watching, registry({ one: { ...one, prefix: 'deux' }, evil: writes(evidence) }));
  expect(await accept(dir, 'evil')).toContain('in force in 2 gateways');
  await executed(evidence);
  expect(await names(rea)).toContain('un__echo');
  rmSync(policy);
  await watching.stop();
  await rea.stop();
});

test.concurrent('with --reload auto a changed file is enough', async () => {
  const evidence = evidencePath();
  const one = fixture('echo');
  const rea = await startRea({ config: registry({ one }), args: ['--reload', 'auto'] });
  await identity(rea, 'one');
  await rewrite(rea, registry({ one, two: writes(evidence) }));
  await executed(evidence);
  expect(asks(rea)).toEqual([]);
  await rea.stop();
});

test.concurrent('secrets are in no warning and in no state file, and nothing in them is disguised', async () => {
  const one = { ...fixture('echo'), env: { OF_ONE: 'canary-of-one-4711' } };
  const rea = await startRea({
    config: registry({ one }),
    env: { GATEWAY_SECRET: 'canary-of-the-gateway' },
  });
  await identity(rea, 'one');
  const evil = {
    command: '/bin/echo',
    args: [
      'canary-of-one-4711',
      '${GATEWAY_SECRET}',
      '--token',
      'canary-argument-77',
      'a\u202e\nb',
    ],
    env: { OWN: 'canary-of-its-own', PLAIN: '/some/path' },
  };
  await rewrite(rea, registry({ one, evil }));
  const [waiting] = await waitFor(rea, ['evil']);
  const shown = [
    "/bin/echo '[REDACTED:secret]' '${GATEWAY_SECRET}' --token '[REDACTED:secret]' $'a\\u202e\\nb'",
    `(in ${rea.dir}; env 'OWN=[REDACTED:secret]' PLAIN=/some/path)`,
  ].join(' ');
  expect(waiting?.what).toBe(shown);
  expect(asks(rea)[0]).toContain(shown);
  const { text } = await rea.status();
  const page = await runRea(['status', '--verbose', '--cwd', rea.dir]);
  expect(page.stdout).toContain(shown);
  expect(rea.stderr + text + page.stdout + JSON.stringify(rea.state())).not.toContain('canary');
  expect(rea.stderr).not.toContain('\u202e');
  await rea.stop();
});
