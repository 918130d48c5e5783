/**
 * Four bytes of each kind of token that is known by its own form, and of the first line of a private key: whatever has
 * none of them holds none of these (a test holds that). They are chosen to be rare in other text. Pure.
 */

/** `{a,b}` is one of these, `?` any of the letters, digits, `_` and `-`. Longer ones are cut. */
const ANCHORS = [
  'A{KI,SI,BI,CC}A',
  'gh{o,p,s,r,u}_',
  'pat_',
  'gl{agent,cbt,dt-,ffct,ft-,imt,oas,pat,ptt,rt-,soat}',
  'xox{a,b,c,e,o,p,r,s}',
  'xapp',
  'npm_',
  'pypi',
  '{r,s}k_{l,t}',
  'whse',
  'sk-?',
  'AIza',
  'GOCS',
  'ya29',
  'hf_?',
  'do{o,p,r}_',
  'SG.?',
  'lin_',
  'hv{b,r,s}.',
  'dapi',
  'shp{a,c,p,s,u}',
  'ig{d,o,r,u}_',
  'gsk_',
  'glsa',
  'glc_',
  ':AA?',
  'SK{0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f}?',
  'key-',
  'ret_',
  'ntn_',
  'xai-',
  'r8_?',
  'sbp_',
  'PMAK',
  'AGE-',
  'dp.{a,c,p,s}',
  'AT{AT,CT,BB}',
  'try{s,u}',
  'pplx',
  'a_ui',
  'ops_',
  'A3-?',
  'eyJ?',
  '--BE',
];
const ANY = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-'.split('');
const LENGTH = 4;

/** All of them, each of four characters. */
export function tokenAnchors(): ReadonlySet<string> {
  return new Set(ANCHORS.flatMap((anchor) => variants(anchor, '')));
}

function variants(anchor: string, before: string): string[] {
  if (before.length >= LENGTH || anchor === '') return [before.slice(0, LENGTH)];
  const end = anchor.indexOf('}');
  if (anchor.startsWith('{')) {
    const choices = anchor.slice(1, end).split(',');
    return choices.flatMap((one) => variants(anchor.slice(end + 1), before + one));
  }
  if (!anchor.startsWith('?')) return variants(anchor.slice(1), before + anchor.slice(0, 1));
  return ANY.flatMap((one) => variants(anchor.slice(1), before + one));
}
