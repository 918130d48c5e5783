/** Whether this Node is one that rea is made for. */
import { readFileSync } from 'node:fs';
import { packageFile } from '../../own-files.ts';
import { fieldsOf, parseJson, text } from '../../processes/fields.ts';
import { type Finding, finding } from '../finding.ts';

export function checkNode(): Finding[] {
  const about = fieldsOf(parseJson(readFileSync(packageFile('package.json'), 'utf8')));
  const wanted = text(fieldsOf(about?.['engines'])?.['node']) ?? '';
  return judgeNode(process.versions.node, wanted);
}

/** @param wanted as in `engines` of package.json: `>=20.19`. */
export function judgeNode(present: string, wanted: string): Finding[] {
  const least = /^>=(\d+)\.(\d+)/.exec(wanted);
  const own = /^(\d+)\.(\d+)/.exec(present);
  if (least === null || own === null) return [];
  const [major = 0, minor = 0] = own.slice(1).map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.slice(1).map(Number);
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return isEnough
    ? []
    : [finding('node_version', null, present, `${leastMajor}.${leastMinor} or newer`)];
}
