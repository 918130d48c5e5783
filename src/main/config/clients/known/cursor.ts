import { bearer, COMMON, everywhere, type KnownClient } from './client.ts';

export const cursor: KnownClient = {
  ...COMMON,
  name: 'cursor',
  title: 'Cursor',
  places: everywhere('~/.cursor/mcp.json'),
  projectFile: '.cursor/mcp.json',
  folder: '${workspaceFolder}',
  http: (url) => ({ url, headers: bearer('${env:REA_TOKEN}') }),
};
