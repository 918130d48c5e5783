/** All clients that are known, in the order in which they are shown. */
import { claudeCode } from './claude-code.ts';
import { claudeDesktop } from './claude-desktop.ts';
import type { KnownClient } from './client.ts';
import { cline } from './cline.ts';
import { codex } from './codex.ts';
import { continueDev } from './continue.ts';
import { cursor } from './cursor.ts';
import { geminiCli } from './gemini-cli.ts';
import { lmStudio } from './lm-studio.ts';
import { opencode } from './opencode.ts';
import { vscode, vscodeInsiders } from './vscode.ts';
import { windsurf } from './windsurf.ts';
import { zed } from './zed.ts';

export const CLIENTS: readonly KnownClient[] = [
  claudeCode,
  claudeDesktop,
  cursor,
  vscode,
  vscodeInsiders,
  windsurf,
  cline,
  zed,
  geminiCli,
  codex,
  opencode,
  lmStudio,
  continueDev,
];

export const CLIENT_NAMES: readonly string[] = CLIENTS.map(({ name }) => name);

export function clientNamed(name: string): KnownClient | null {
  return CLIENTS.find((one) => one.name === name) ?? null;
}
