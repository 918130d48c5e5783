import { bearer, COMMON, inSettings, type KnownClient } from './client.ts';

const ID = 'rea-token';

export const vscode: KnownClient = {
  ...COMMON,
  name: 'vscode',
  title: 'VS Code',
  places: inSettings('Code/User/mcp.json'),
  projectFile: '.vscode/mcp.json',
  list: 'servers',
  folder: '${workspaceFolder}',
  stdio: ({ command, args }) => ({ type: 'stdio', command, args }),
  http: (url) => ({ type: 'http', url, headers: bearer(`\${input:${ID}}`) }),
  input: {
    id: ID,
    value: { type: 'promptString', id: ID, description: 'Token of rea', password: true },
  },
};

/** Its project file is that of VS Code. */
export const vscodeInsiders: KnownClient = {
  ...vscode,
  name: 'vscode-insiders',
  title: 'VS Code Insiders',
  places: inSettings('Code - Insiders/User/mcp.json'),
  projectFile: null,
};
