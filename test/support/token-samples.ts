/** One token of each form that is known by itself. */

// Built from pieces: none of them is a real secret, and none should look like one in the source.
export const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
export const of = (length: number): string => LETTERS.repeat(2).slice(7, 7 + length);

export const HEX = '0123456789abcdef'.repeat(4);

/** Name of the kind, and the token. */
export const TOKEN_SAMPLES: readonly (readonly [string, string])[] = [
  ['aws-access-key', `AKIA${'ABCD2345'.repeat(2)}`],
  ['github-token', `ghp_${of(36)}`],
  ['github-token', `github_pat_${of(22)}_${of(59)}`],
  ['gitlab-token', `glpat-${of(20)}`],
  ['slack-token', `xoxb-1234567890-${of(24)}`],
  ['npm-token', `npm_${of(36)}`],
  ['pypi-token', `pypi-AgEI${of(60)}`],
  ['stripe-key', `sk_live_${of(24)}`],
  ['anthropic-key', `sk-ant-api03-${of(40)}`],
  ['openai-key', `sk-proj-${of(48)}`],
  ['openai-key', `sk-${of(48)}`],
  ['google-key', `AIza${of(35)}`],
  ['huggingface-token', `hf_${of(34)}`],
  ['digitalocean-token', `dop_v1_${HEX}`],
  ['sendgrid-key', `SG.${of(22)}.${of(43)}`],
  ['jwt', `eyJ${of(20)}.eyJ${of(30)}.${of(43)}`],
  ['rea-token', `rea_ui_${HEX}`],
  ['linear-key', `lin_api_${of(40)}`],
  ['vault-token', `hvs.${of(90)}`],
  ['databricks-token', `dapi${HEX.slice(0, 32)}`],
  ['shopify-token', `shpat_${HEX.slice(0, 32)}`],
  ['figma-token', `figd_${of(40)}`],
  ['groq-key', `gsk_${of(52)}`],
  ['grafana-token', `glsa_${of(32)}_${HEX.slice(0, 8)}`],
  ['grafana-token', `glc_${of(60)}==`],
  ['discord-token', `M${of(23)}.${of(6)}.${of(27)}`],
  ['twilio-key', `SK${HEX.slice(0, 32)}`],
  ['mailgun-key', `key-${HEX.slice(0, 32)}`],
  ['notion-token', `ntn_${of(46)}`],
  ['notion-token', `secret_${of(43)}`],
  ['xai-key', `xai-${of(80)}`],
  ['replicate-token', `r8_${of(37)}`],
  ['supabase-key', `sbp_${HEX.slice(0, 40)}`],
  ['supabase-key', `sb_secret_${of(22)}`],
  ['postman-key', `PMAK-${HEX.slice(0, 24)}-${HEX.slice(0, 34)}`],
  ['age-key', `AGE-SECRET-KEY-1${'QPZRY9X8'.repeat(8).slice(0, 58)}`],
  ['doppler-token', `dp.st.dev.${of(40)}`],
  ['atlassian-token', `ATATT3${of(60)}=0123ABCD`],
  ['sentry-token', `sntryu_${HEX}`],
  ['sentry-token', `sntrys_${of(60)}`],
  ['perplexity-key', `pplx-${of(48)}`],
  ['1password-token', `ops_eyJ${of(62)}${of(62)}`],
  ['1password-key', 'A3-ABC123-DEF456-GHI78-JKL90-MNO12-PQR34'],
];
