/**
 * Programs that a person works with: a server may have started one, and it is not ended with the server. The
 * list is data, for the gateway and for its guard. Pure.
 */

/** Lower case, without path. */
export const PERSONS_PROGRAMS: readonly string[] = [
  // Browsers.
  'arc',
  'brave',
  'brave browser',
  'brave-browser',
  'chrome',
  'chromium',
  'chromium-browser',
  'epiphany',
  'falkon',
  'firefox',
  'firefox-bin',
  'firefox-esr',
  'google chrome',
  'google-chrome',
  'google-chrome-stable',
  'konqueror',
  'librewolf',
  'microsoft edge',
  'microsoft-edge',
  'msedge',
  'opera',
  'safari',
  'vivaldi',
  'vivaldi-bin',
  // Terminals that outlive their windows.
  'abduco',
  'dtach',
  'screen',
  'tmux',
  'zellij',
  // Editors.
  'code',
  'code-insiders',
  'codium',
  'cursor',
  'emacs',
  'gedit',
  'gnome-text-editor',
  'gvim',
  'idea',
  'kate',
  'nano',
  'nvim',
  'pycharm',
  'subl',
  'sublime_text',
  'vi',
  'vim',
  'webstorm',
  'windsurf',
  'zed',
];

/** With one of these it works for a program: it has no window, is driven from outside, or has a profile of its own. */
export const AUTOMATION_OPTIONS: readonly string[] = [
  'headless',
  'juggler-pipe',
  'marionette',
  'profile',
  'remote-debugging-pipe',
  'remote-debugging-port',
  'remote-debugging-address',
  'user-data-dir',
];

/** Such a process is a part of the one that started it. */
export const HELPER_OPTIONS: readonly string[] = ['type', 'contentproc'];

const programs = new Set(PERSONS_PROGRAMS);
const automation = option(AUTOMATION_OPTIONS);
const helper = option(HELPER_OPTIONS);

/** `persons` a person works with it; `helper` it is what its parent is; `other` anything else. */
export type Use = 'persons' | 'helper' | 'other';

/** @param commandLine the arguments with spaces between them, the program first. */
export function useOf(program: string, commandLine: string): Use {
  if (!programs.has(program.toLowerCase())) return 'other';
  if (helper.test(commandLine)) return 'helper';
  return automation.test(commandLine) ? 'other' : 'persons';
}

/** `/usr/bin/tmux: server` is `tmux`. */
export function programOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).split(':', 1)[0] ?? '';
}

function option(names: readonly string[]): RegExp {
  return new RegExp(`\\s--?(?:${names.join('|')})(?:[=\\s]|$)`);
}
