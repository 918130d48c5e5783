import { COMMON, inSettings, type KnownClient } from './client.ts';

const IN_EDITOR = 'User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json';
const OWN = '~/.cline/data/settings/cline_mcp_settings.json';
const inEditors = inSettings(`Code/${IN_EDITOR}`, `Code - Insiders/${IN_EDITOR}`);

export const cline: KnownClient = {
  ...COMMON,
  name: 'cline',
  title: 'Cline',
  places: {
    linux: [...inEditors.linux, OWN],
    darwin: [...inEditors.darwin, OWN],
    win32: [...inEditors.win32, OWN],
  },
};
