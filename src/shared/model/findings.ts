export type DefinitionKind = 'tool' | 'prompt' | 'template' | 'instructions';

export interface Finding {
  readonly rule: string;
  readonly hard: boolean;
  readonly field: string;
  readonly excerpt: string;
}

export interface Judged {
  readonly server: string;
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly hash: string;
  readonly json: Uint8Array;
}
