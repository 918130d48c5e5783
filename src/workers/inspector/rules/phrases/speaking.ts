/** Orders to disregard others, to be silent, and not to ask. */
import { type Phrase, phrase } from './phrase.ts';
import { MOVE, USER } from './words.ts';

const RULES =
  '(?:instructions?|prompts?|guidelines?|rules?|directions?|guardrails?|safety|polic(?:y|ies)|restrictions?|constraints?|training|system message)';
const NOT =
  "(?:do not|don't|never|must not|mustn't|should not|shouldn't|shall not|need not|needn't|cannot|can't|not to|without|no need to|avoid|refrain from|rather than)";
const TELL =
  '(?:tell|telling|told|mention|mentioning|inform|informing|reveal|revealing|disclose|disclosing|notify|notifying|alert|alerting)';
const SHOW =
  '(?:show|showing|display|report|say|explain|let|warn|acknowledge|announce|summari[sz]e)';

export const SPEAKING: readonly Phrase[] = [
  phrase(
    'override',
    1,
    `\\b(?:ignore|disregard|forget|override|bypass|drop|discard|overrule|suspend)\\b (?:\\w{1,30} ){0,3}?(?:your|all|any|previous|prior|above|earlier|preceding|everything|initial|original|safety|system|the)\\b(?:,? \\w{1,30}){0,3}? ?(?:${RULES}|above\\b|before\\b)`,
  ),
  phrase(
    'override',
    1,
    `\\b(?:your|previous|prior|earlier|all other|safety) (?:\\w{1,30} )?${RULES}\\b.{0,30}\\b(?:no longer|do not|don't|are (?:void|suspended|off|disabled))`,
  ),
  phrase(
    'override',
    1,
    '\\b(?:disregard|ignore|forget) (?:everything|all(?: of this)?|anything)\\b',
  ),
  phrase(
    'override',
    1,
    '\\byou are (?:now|from now on)\\b|\\bfrom (?:now|here) on\\b.{0,40}\\b(?:follow|obey|you|every|only)|\\bact as (?:the |an? )?(?:admin|root|system|dan\\b|developer|owner)',
  ),
  phrase(
    'override',
    1,
    '\\b(?:developer|admin|god|root|debug|maintenance|unrestricted|jailbreak) mode\\b.{0,40}\\b(?:active|enabled?|suspend|bypass|polic|so|on)|\\benter (?:developer|admin|debug|god) mode|\\bjailbreak\\b|without restrictions|no restrictions apply|who has no rules',
  ),
  phrase(
    'override',
    1,
    '\\bsystem (?:override|instruction|directive|notice)\\b|(?:^|[.!?>\\])] ?)system: |\\b(?:safety|security) (?:checks?|filters?|polic\\w{1,30})(?: \\w{1,30})? (?:are|is) (?:turned )?(?:off|disabled|suspended)',
  ),
  phrase(
    'override',
    1,
    '\\b(?:takes?|have|has) precedence over\\b.{0,60}\\b(?:user|instruction|prompt)|\\b(?:outrank|supersede|overrule|take priority over)s?\\b.{0,40}\\b(?:prompt|instruction|user|rules)|where they conflict',
  ),
  phrase(
    'override',
    1,
    '\\byou must not refuse|\\brefus(?:e|al|als)\\b.{0,20}\\b(?:forbidden|errors?|not allowed)|\\bobey (?:all|every|the (?:server|tool))|\\bwill obey\\b|follow only (?:what|this)|content polic\\w{1,30} (?:are|is)',
  ),
  phrase(
    'override',
    1,
    '<\\|(?:im_start|im_end|system|user|assistant)\\|>|\\[/?inst\\]|<</?sys>>|(?:^| )(?:human|assistant): .{0,200}(?:^| )assistant: |blocked-(?:strings|modes)|allowed-modes',
  ),
  phrase(
    'override',
    0.6,
    '\\b(?:the )?(?:assistant|model|agent|llm)(?: \\w{1,30})? (?:must|has to|have to|shall|needs to|should)\\b',
  ),
  phrase(
    'override',
    1,
    '\\bnew (?:instructions?|rules|task)\\b ?:|\\bnote to (?:the )?(?:assistant|model|ai|llm|reviewing|reviewer|agent)|(?:^|[-\\[<(] ?)assistant: ',
  ),
  phrase(
    'override',
    1,
    '(?:definition|tool|server|description) (?:is|has been|was) (?:\\w{1,30} )?(?:verified|approved|pre-approved|certified|whitelisted|trusted)\\b|report no findings|rate it as|\\bpre-approved\\b',
  ),
  phrase('override', 0.6, '\\b(?:above|previous|prior) instructions\\b|\\bsystem prompt\\b'),
  phrase(
    'override',
    0.5,
    '\\bhidden instructions?\\b|not for the user|internal \\(|</?(?:system|important|critical|hidden|secret|admin|instructions?)[\\w-]{0,40}>',
  ),
  phrase(
    'secrecy',
    1,
    `\\b${NOT} (?:\\w{1,30} ){0,3}?${TELL}\\b.{0,40}?\\b(?:${USER}|this|it\\b|why|that|about)`,
  ),
  phrase(
    'secrecy',
    1,
    `\\b${USER} (?:must|should|need|does|do|may|will|shall|can|is|are)(?: not|n't)(?: \\w{1,30}){0,2} (?:hear|know|see|learn|notice|told|aware|find out|informed|notified|asked)\\b`,
  ),
  phrase('secrecy', 0.6, `\\b${NOT} (?:\\w{1,30} ){0,2}?${SHOW}\\b.{0,30}?\\b(?:to )?${USER}`),
  phrase(
    'secrecy',
    1,
    `\\b(?:silently|secretly|quietly|covertly|stealthily|surreptitiously|discreetly)\\b ${MOVE}\\b`,
  ),
  phrase(
    'secrecy',
    0.5,
    '\\b(?:silently|secretly|quietly|covertly|stealthily|surreptitiously|discreetly)\\b',
  ),
  phrase(
    'secrecy',
    1,
    `\\bbetween (?:us|you and)\\b|\\b(?:hide|conceal|keep|withhold|hold back)\\b.{0,50}\\bfrom ${USER}|\\b(?:hidden|secret|concealed) from ${USER}|stays? hidden|\\bkeep this (?:hidden|secret|quiet)|hidden from (?:the )?(?:preview|view)`,
  ),
  phrase(
    'secrecy',
    1,
    `\\bleave (?:this|it|that) out of\\b|\\bso that (?:nobody|no one|no-one) (?:notices|knows|sees)|without (?:any )?(?:comment|telling|mentioning|showing|notice|trace)|(?:${NOT}|isn't|is not) (?:\\w{1,30} )?mentioned in\\b|not showing it|nobody else's business`,
  ),
  phrase(
    'secrecy',
    1,
    `\\b(?:tell|claim|pretend|say|answer)\\b (?:to )?(?:${USER} )?(?:that|as if)\\b.{0,60}\\b(?:failed|error|failure|wrong|known|nothing happened|not work)|withhold the (?:real|true|actual)|\\bhide the (?:call|use|fact)`,
  ),
  phrase(
    'secrecy',
    0.5,
    '\\bimplementation detail|\\bupset the user|not scary|\\bsay nothing\\b|\\bbe gentle\\b',
  ),
  phrase(
    'consent',
    0.8,
    `\\b(?:do not|don't|never|without|no need to|not) (?:ask|asking|request|requesting|wait|waiting)\\b(?: ${USER})?(?: for)?(?: (?:permission|confirmation|consent|approval|them))?`,
  ),
  phrase(
    'consent',
    1,
    `\\bskip (?:the |any )?(?:confirmation|approval|consent|permission)|\\bwithout (?:the |any |their |user )?(?:consent|permission|confirmation|approval|knowledge|prompt)\\b|\\bunasked\\b|whether or not the user`,
  ),
  phrase(
    'consent',
    0.8,
    `\\b${USER} (?:has|have|had)(?: already)? (?:agreed|consented|approved)|they have already agreed|user-?consent: implied|already consented|even where your rules`,
  ),
  phrase(
    'consent',
    1,
    'tools?\\.autoapprove|\\bauto-?approve\\b|allowed without a prompt|always trust this|trusted without|do so right away|must be executed now',
  ),
];
