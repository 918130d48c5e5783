import { bearer, COMMON, everywhere, type KnownClient } from './client.ts';

const DIRECTORY = '${XDG_CONFIG_HOME:-~/.config}/opencode';

export const opencode: KnownClient = {
  ...COMMON,
  name: 'opencode',
  title: 'opencode',
  places: everywhere(
    `${DIRECTORY}/opencode.json`,
    `${DIRECTORY}/opencode.jsonc`,
    `${DIRECTORY}/config.json`,
  ),
  list: 'mcp',
  isDesktop: false,
  stdio: ({ command, args }) => ({ type: 'local', command: [command, ...args], enabled: true }),
  http: (url) => ({ type: 'remote', url, headers: bearer('{env:REA_TOKEN}'), enabled: true }),
};
