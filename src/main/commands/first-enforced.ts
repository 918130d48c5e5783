/**
 * Says once for each project what its policy denies now: versions before this one did not enforce the rules that
 * are in it. A file in the state directory keeps that it was said.
 */
import { join } from 'node:path';
import type { GatewayConfig } from '../../shared/model/config.ts';
import { errorCode, errorText } from '../../shared/platform/errno.ts';
import { readSmallFile, writeWholeFile } from '../../shared/platform/safe-file.ts';
import { knownTools, ruledTools } from '../catalog/known-rules.ts';
import type { Policy } from '../config/policy.ts';
import type { Logger } from '../logger.ts';

const FILE = 'policy-enforced';

/** @param cwd absolute. @param stateDir absolute; null: nothing is kept there. @param config with the rules of the policy. */
export function tellFirstEnforced(
  cwd: string,
  stateDir: string | null,
  config: GatewayConfig,
  { autonomyLevel, levelAt, tools, blockedPaths }: Policy,
  log: Logger,
): void {
  if (autonomyLevel === 'L3' && tools.length === 0 && blockedPaths.length === 0) return;
  const file = stateDir === null ? null : join(stateDir, FILE);
  if (file !== null && readSmallFile(file, 1024).kind === 'file') return;
  const told = ruledTools(config, knownTools(join(cwd, '.rea'), config));
  const what = told === null ? 'no known tool is denied by it' : told;
  log.warn(
    `the policy is enforced from this version on, level ${autonomyLevel} (${levelAt}): ${what}; rea check --explain SERVER TOOL says why`,
  );
  if (file === null) return;
  try {
    writeWholeFile(file, 'told\n', 'replace');
  } catch (error) {
    if (errorCode(error) === '') throw error;
    log.warn(`${file} cannot be written: ${errorText(error)}; this warning will come again`);
  }
}
