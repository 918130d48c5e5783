/** All that is looked at before any server is started. Another one is a file with a function, and a line here. */
import { checkClients } from './machine/clients.ts';
import { checkConfiguration } from './machine/configuration.ts';
import { checkDirectories } from './machine/directories.ts';
import { checkGateways } from './machine/gateways.ts';
import { checkLiteralSecrets } from './machine/literal-secrets.ts';
import { checkNode } from './machine/node.ts';
import { checkPorts } from './machine/ports.ts';
import { checkSearchPath } from './machine/search-path.ts';
import { checkShares } from './machine/shares.ts';
import { checkVersionControl } from './machine/version-control.ts';
import type { Check } from './place.ts';

export const CHECKS: readonly Check[] = [
  checkNode,
  checkDirectories,
  checkConfiguration,
  checkGateways,
  checkVersionControl,
  checkLiteralSecrets,
  checkPorts,
  checkSearchPath,
  checkShares,
  checkClients,
];
