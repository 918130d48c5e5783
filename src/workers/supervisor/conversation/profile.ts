/**
 * The profile of a server, made of its own description: one for clients and the log, and one without secrets
 * that is written to a file for the next start. Pure.
 */

import type { ServerProfile } from '../../../shared/model/server.ts';
import { clip } from '../../../shared/text/clean-text.ts';
import { redactedHead } from '../../../shared/text/redact.ts';
import { KEPT_INSTRUCTIONS, KEPT_NAME, type SelfDescription } from './handshake.ts';

const INSTRUCTIONS = { kept: KEPT_INSTRUCTIONS, shown: 8192 };
const NAME = { kept: KEPT_NAME, shown: 200 };

type Hide = (text: string) => string;

/** @param redact takes out everything that looks like a secret, from the names, which are only logged. */
export function profileOf(description: SelfDescription, redact: Hide): ServerProfile {
  const { capabilities, instructions, instructionsLength, name, version } = description;
  return {
    capabilities,
    instructions: withNote(clip(instructions, INSTRUCTIONS.shown), instructionsLength),
    name: redactedHead(name, redact, NAME),
    version: redactedHead(version, redact, NAME),
  };
}

/** @param hide takes out the secrets of the server's configuration. */
export function rememberedProfile(
  profile: ServerProfile,
  { instructions, instructionsLength, capabilities }: SelfDescription,
  hide: Hide,
): ServerProfile {
  const hasSecret = hide(instructions) !== instructions;
  return {
    ...profile,
    capabilities: hide(capabilities) === capabilities ? capabilities : '{}',
    instructions: hasSecret
      ? withNote(redactedHead(instructions, hide, INSTRUCTIONS), instructionsLength)
      : profile.instructions,
  };
}

function withNote(shown: string, length: number): string {
  if (length <= INSTRUCTIONS.shown) return shown;
  return `${shown}\n[clipped: ${INSTRUCTIONS.shown} of ${length} characters]`;
}
