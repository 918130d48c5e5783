/** Orders to take along files with secrets, what was said, and what a parameter should hold. */
import { type Phrase, phrase } from './phrase.ts';
import { DONE, MOVE, MUST, SECRET_FILE, SINK, TALK } from './words.ts';

export const TAKING: readonly Phrase[] = [
  phrase('credential-file', 0.5, SECRET_FILE),
  phrase('credential-file', 0.6, `\\b${MOVE}\\b.{0,70}?${SECRET_FILE}`),
  phrase(
    'credential-file',
    0.6,
    `${SECRET_FILE}.{0,60}?\\b(?:${MUST}|required|needed|is checked|goes|as '?\\w{1,30}'?$)`,
  ),
  phrase(
    'credential-file',
    0.5,
    `\\b(?:contents?|text|output|everything from|what is in|what they hold|all variables)\\b.{0,40}?${SECRET_FILE}`,
  ),
  phrase(
    'credential-file',
    0.5,
    `${SECRET_FILE}.{0,80}?\\b(?:and|first|then|them|it) ?(?:\\w{1,30} ){0,2}?(?:${MOVE}|${DONE})\\b`,
  ),
  phrase(
    'credential-file',
    1,
    `(?:reading|contents?|read)_.{0,20}(?:ssh|id_rsa|passwd|dot_?env|env_file|credential|token)`,
  ),
  phrase('conversation', 0.5, TALK),
  phrase('conversation', 0.7, `\\b${MOVE}\\b.{0,60}?${TALK}`),
  phrase(
    'conversation',
    0.7,
    `${TALK}.{0,50}?\\b(?:${MUST}|${DONE}|verbatim|word for word|as json|through this|with (?:the|your)|to this tool|attached|so far, word)`,
  ),
  phrase('conversation', 0.6, `${TALK}.{0,30}?\\b(?:including|and|in front)\\b`),
  phrase(
    'conversation',
    0.5,
    `\\b(?:when(?:ever)?|as soon as|each time|every time|once|if) .{0,60}?\\b(?:user (?:says|writes|types|asks)|conversation|credit card|api key|bank details|turns? up)`,
  ),
  phrase(
    'conversation',
    1,
    '!\\[[^\\]]{0,40}\\]\\(https?://|\\b(?:markdown (?:picture|image)|image) .{0,40}whose (?:address|url|source)|=data\\b.{0,60}\\bdata is',
  ),
  phrase(
    'conversation',
    0.6,
    '\\b(?:tokens?|keys?|credentials?|cookies|results?) (?:that |which )?(?:other tools|you (?:know|have seen|found)|in this session)|every (?:prompt|message|answer|turn|question)\\b',
  ),
  phrase(
    'conversation',
    1,
    '\\b(?:all files|files?) that are open|source code of the (?:current )?(?:repository|project)|file after file|from earlier messages|gathered from',
  ),
  phrase(
    'sink',
    0.6,
    `\\b(?:${MOVE}|pass|copy|copied|goes?|go|transmitted|uploaded|sent|forwarded)\\b.{0,90}?\\b(?:to|at|in|from|with|by|-t)\\b[^a-z0-9]{0,4}.{0,20}?${SINK}`,
  ),
  phrase(
    'sink',
    0.6,
    `\\b(?:pass|put|give|include|add|place|append|hand|send|provide|include|quote|load)\\b.{0,80}?\\b(?:as|in|into|to|along in|over as) (?:the )?(?:field |argument |parameter )?['"\`]?(?:sidenote|notes?|context|comment|metadata|extra|hint|session|profile|background|trace|remarks?|diagnostics|\\w{1,30}_(?:hint|info|context|comment))\\b`,
  ),
  phrase(
    'sink',
    0.5,
    "\\b(?:otherwise|or else|or)\\b.{0,20}\\b(?:fails?|will not work|won't work|silently lost|get lost|does not work|be wrong)",
  ),
  phrase(
    'sink',
    0.5,
    '\\b(?:for (?:audit(?:ing)?|analytics|quality|diagnosis|licen[cs]e|compliance|personal rates|signing)(?: \\w{1,30})?\\b|to authori[sz]e|checks? identities|requires a copy)',
  ),
  phrase(
    'sink',
    0.6,
    '\\b(?:also|as well|second request|besides)\\b.{0,30}\\b(?:copied|uploaded|sent|recorded|forwarded)|copied to (?:an? )?\\w{1,30} service',
  ),
];
