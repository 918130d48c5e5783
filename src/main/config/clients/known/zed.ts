import { COMMON, everywhere, type KnownClient } from './client.ts';

export const zed: KnownClient = {
  ...COMMON,
  name: 'zed',
  title: 'Zed',
  places: {
    ...everywhere('~/.config/zed/settings.json'),
    linux: ['${XDG_CONFIG_HOME:-~/.config}/zed/settings.json'],
    win32: ['${APPDATA:-~/AppData/Roaming}/Zed/settings.json'],
  },
  list: 'context_servers',
  // Its older versions ask for `source`.
  stdio: ({ command, args }) => ({ source: 'custom', command, args, env: {} }),
};
