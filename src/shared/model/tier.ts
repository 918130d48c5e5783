/** What a call may do at worst: look, change something, or destroy. */
export const TIERS = ['read', 'write', 'destructive'] as const;

export type Tier = (typeof TIERS)[number];

/** The sterner of two. */
export function sterner(one: Tier, other: Tier): Tier {
  return TIERS.indexOf(one) < TIERS.indexOf(other) ? other : one;
}
