/** What this system lets rea do about a server that takes too much of the CPU. */
import { userInfo } from 'node:os';
import { unlessRefused } from '../../../shared/platform/errno.ts';
import { findMechanism, type Mechanism, thisMachine } from '../../processes/priority/mechanism.ts';
import { type Finding, finding } from '../finding.ts';

export function checkShares(): Finding[] {
  const user = unlessRefused('USER', () => userInfo().username);
  return judgeShares(findMechanism(thisMachine()), user);
}

export function judgeShares({ kind, canRaise }: Mechanism, user: string): Finding[] {
  if (kind === 'none') return [finding('no_shares', null)];
  return canRaise ? [] : [finding('one_way_shares', null, user)];
}
