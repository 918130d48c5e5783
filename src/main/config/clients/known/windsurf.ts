import { bearer, COMMON, everywhere, type KnownClient } from './client.ts';

export const windsurf: KnownClient = {
  ...COMMON,
  name: 'windsurf',
  title: 'Windsurf',
  places: everywhere('~/.codeium/windsurf/mcp_config.json'),
  http: (serverUrl) => ({ serverUrl, headers: bearer('${env:REA_TOKEN}') }),
};
