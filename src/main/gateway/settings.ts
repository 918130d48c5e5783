/**
 * What is in force, for a person who wonders: a line for each server, and one for the policy. Names and limits only: a
 * program's arguments, variables and headers may hold secrets. Pure.
 */
import type { GatewayConfig, ServerConfig } from '../../shared/model/config.ts';
import type { Policy } from '../config/policy.ts';

export function settingLines(
  { file, servers, reserved, warnings }: GatewayConfig,
  { file: policyFile, floor, autonomyLevel, levelAt, showArguments }: Policy,
): string[] {
  const off = reserved.length - servers.length;
  return [
    `configuration: ${file}, ${servers.length} on, ${off} off`,
    `policy: ${policyFile ?? 'built-in'}${floor === null ? '' : `, with your own ${floor}`}; level ${autonomyLevel} (${levelAt})`,
    ...(showArguments ? ['page: shows arguments of calls (ui.show_arguments)'] : []),
    ...servers.map(serverLine),
    ...warnings.map((line) => `warning: ${line}`),
  ];
}

function serverLine(server: ServerConfig): string {
  const { name, endpoint, start, instances, callTimeoutMs, maxConcurrency, rules, tools } = server;
  const parts = [
    endpoint === null ? 'a program' : 'over HTTP',
    start === 'lazy' ? 'starts at its first call' : 'starts with the gateway',
    ...(instances === 'session' ? ['a process for each client'] : []),
    `calls of ${callTimeoutMs} ms`,
    `${maxConcurrency} at a time`,
    `level ${rules.level}`,
    ...(tools.allow.includes('*') ? [] : [`tools.allow: ${tools.allow.length}`]),
    ...(tools.deny.length === 0 ? [] : [`tools.deny: ${tools.deny.length}`]),
  ];
  return `${name}: ${parts.join(', ')}`;
}
