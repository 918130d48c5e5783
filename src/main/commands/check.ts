/**
 * `rea check`: checks the configuration, the policy and the directory, and prints one line for each
 * problem on stdout. Starts nothing and creates nothing.
 */
import { join } from 'node:path';
import { oneLine } from '../../shared/text/clean-text.ts';
import { knownTools, ruledTools, unknownRuleTools } from '../catalog/known-rules.ts';
import { type LoadResult, loadConfig } from '../config/load.ts';
import { checkedPolicy, type Policy, withRules } from '../config/policy.ts';
import { formatProblem, problemLines, warningLines } from '../config/problem.ts';
import { displayName } from '../config/read-file.ts';
import { codeInProject } from '../pins/code-in-project.ts';
import { pinsPlace, unpinnedLines } from '../pins/command-place.ts';
import { type DirectoryProblem, directoryProblem } from '../processes/directory.ts';
import { explain } from './explain.ts';

export interface CheckOptions {
  /** Absolute directory that `.rea` lies in. */
  readonly cwd: string;
  readonly config?: string;
  /** True: files that others can change give only a warning. @default false */
  readonly trustConfig?: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
  /** A server and a tool: only what the rules say about it is printed. */
  readonly explain?: readonly [server: string, tool: string];
}

/** @returns the exit code: 0 valid, 1 not. */
export function runCheck(options: CheckOptions): number {
  const { cwd, config: file, trustConfig = false, env, stdout } = options;
  const config = loadConfig({ cwd, env, trustConfig, ...(file === undefined ? {} : { file }) });
  const policy = checkedPolicy({ cwd, trustConfig, env });
  if (options.explain !== undefined && config.ok && policy.ok) {
    const [server, tool] = options.explain;
    const rules = withRules(config.config, policy.policy, config.places);
    const { ok, lines } = explain(join(cwd, '.rea'), rules, server, tool);
    for (const line of lines) stdout.write(`${oneLine(line)}\n`);
    return ok ? 0 : 1;
  }
  const directory = directoryProblem(cwd);
  const lines = [
    ...(config.ok ? configLines(cwd, config) : problemLines(config.problems)),
    ...(config.ok && policy.ok ? warned(pinWarnings(options)) : []),
    ...(policy.ok ? policyLines(cwd, policy.policy, config) : problemLines(policy.problems)),
    ...(directory === null ? [] : [directoryLine(cwd, directory)]),
  ];
  for (const line of lines) stdout.write(`${oneLine(line)}\n`);
  const valid = config.ok && config.mistakes.problems.length === 0;
  return valid && policy.ok && directory === null ? 0 : 1;
}

/** What is not pinned, and what a pin does not protect. */
function pinWarnings(options: CheckOptions): string[] {
  const place = pinsPlace(options);
  return 'loaded' in place
    ? [...unpinnedLines(options, place), ...codeInProject(place, options)]
    : [];
}

type Loaded = Extract<LoadResult, { ok: true }>;

function configLines(cwd: string, { config, mistakes }: Loaded): string[] {
  const { servers, warnings } = config;
  const down = servers.flatMap(({ name, unavailable }) => {
    return unavailable === null || mistakes.servers.has(name)
      ? []
      : [`server "${name}" stays down: ${unavailable}`];
  });
  const wrong = servers.filter(({ unavailable }) => unavailable !== null).length;
  const count = servers.length === 1 ? '1 server' : `${servers.length} servers`;
  const some = wrong === 0 ? count : `${count}, ${wrong} of them down`;
  return [
    ...problemLines(mistakes.problems),
    ...warned([...warnings, ...down]),
    ...(mistakes.problems.length > 0 ? [] : [`ok: ${some}, ${displayName(config.file, cwd)}`]),
  ];
}

function policyLines(cwd: string, policy: Policy, config: LoadResult): string[] {
  const files = [policy.file, policy.floor].filter((one) => one !== null);
  if (files.length === 0) return config.ok ? ruled(cwd, config, policy) : [];
  const shown = files.map((one) => displayName(one, cwd)).join(' and ');
  return [
    ...warned(policy.warnings),
    ...(config.ok ? ruled(cwd, config, policy) : []),
    `ok: policy, ${shown}`,
  ];
}

function directoryLine(cwd: string, { path, message, fix }: DirectoryProblem): string {
  const file = displayName(path, cwd);
  const remedy = fix ?? 'rea serve needs a directory of its own';
  return formatProblem({ file, line: null, path: '', message, fix: remedy });
}

/** What the rules deny of the tools that are known. */
function ruled(cwd: string, loaded: Loaded, policy: Policy): string[] {
  const config = withRules(loaded.config, policy, loaded.places);
  const dir = join(cwd, '.rea');
  const known = knownTools(dir, config);
  const misspelt = config.servers.flatMap((server) => {
    const tools = known.get(server.name);
    return tools === undefined
      ? []
      : unknownRuleTools(
          server,
          tools.map(({ key }) => key),
        );
  });
  const told = ruledTools(config, known);
  return [...warned(misspelt), ...(told === null ? [] : [`policy: ${told}`])];
}

function warned(warnings: readonly string[]): string[] {
  return warningLines(warnings).map((line) => `warning: ${line}`);
}
