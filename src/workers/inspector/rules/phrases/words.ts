/** Parts of the patterns of phrases. */

/** Orders to move something: base forms, as they are said to a model. Descriptions say "reads", "sends". */
export const MOVE =
  '(?:read|open|load|fetch|cat|take|attach|include|append|add|pass|put|place|paste|prepend|send|supply|give|hand(?: over)?|provide|upload|transmit|quote|collect|copy|submit|forward|post|report|deliver|mail|e-?mail|report|repeat|share|leak|exfiltrate|dump|encode|extract|use|list|look (?:in|at)|accompan(?:y|ied))';

/** The same as something that has to happen. */
export const DONE =
  '(?:read|opened|loaded|fetched|taken|attached|included|appended|added|passed|put|placed|sent|supplied|given|handed|provided|uploaded|transmitted|quoted|collected|copied|submitted|forwarded|posted|reported|used)';

export const MUST =
  '(?:must|has to|have to|needs? to|should|shall|is to|are to|ought to|is required to|are required to|(?:is|are) required)';

export const USER =
  '(?:(?:the|a|any|your|this) )?(?:end )?(?:user|human|person|people|anyone|anybody|somebody|someone|customer|operator|reviewer|owner|client|nobody|them|him|her)s?\\b';

/** Files with secrets in them. */
export const SECRET_FILE =
  '(?:~?/?\\.ssh\\b|\\bid_(?:rsa|dsa|ecdsa|ed25519)\\b|ssh (?:private )?keys?\\b|private key of\\b|~?/?\\.aws\\b|aws credentials\\b|(?<![\\w])~?/?\\.env\\b|dot_?env\\b|env file\\b|/etc/(?:passwd|shadow)|etc_passwd|\\.netrc\\b|\\.npmrc\\b|\\.pypirc\\b|\\.git-credentials\\b|kube/?config\\b|\\.docker/config|gcloud\\b|application_default_credentials|\\.azure\\b|mcp\\.json\\b|claude_desktop_config|wallet\\.dat|seed phrase|\\.ethereum\\b|\\.bitcoin\\b|keystore\\b|cookies database|saved passwords|login data\\b|password manager|(?:bash|zsh|shell)_? ?history\\b|internal://|private config|\\.config folder|secret files?\\b|environment of the process|all environment variables|environment variables of|printenv\\b|(?:any|your|its|all|every|raw|local|stored|saved) (?:(?:api|access|database|cloud|login|session|private|ssh|secret)[_ ])?(?:keys?|tokens?|credentials?|passwords?|cookies|secrets)\\b|\\bapi[_ ]?keys? (?:you|from|of)\\b|(?:database|cloud|login|admin) (?:credentials|passwords?)\\b|financ\\w{1,30}\\.(?:xlsx|txt|csv)|newest file in ~|~/documents)';

/** What a model was told, and what it knows. */
export const TALK =
  '(?:(?:whole|entire|full|complete) (?:\\w{1,30} ){0,3}?(?:conversations?|chats?|dialog(?:ue)?s?|transcripts?|messages?|history|context|prompts?)\\b|(?:all|every|each) (?:single )?(?:chats?|conversations?|prompts? of|messages? of)\\b|(?:previous|earlier|prior|last|surrounding) (?:\\w{1,30} )?(?:conversations?|chats?|messages?|prompts?|tool results)\\b|(?:conversation|chat|message|dialog(?:ue)?) (?:history|so far|log|context)|\\b(?:the|this) (?:conversation|dialogue|transcript|chat)\\b|system prompt|initial (?:instructions|prompt)|instructions (?:that )?you (?:were|have been|got)|your instructions|what the user (?:said|says|asked|asks|wrote|writes|typed)|message of the user|everything you (?:remember|know)|you remember about|personal details|list of all other tools|location of the user)';

/** Where something is sent. */
export const SINK =
  '(?:https?://|ftp://|[\\w.+-]{1,64}@[\\w-]{1,64}\\.[a-z]{2,}|\\+\\d{6,}|\\b0x[0-9a-f]{20,}|\\b[a-z]{2}\\d{2} \\d{4}|the server\\b|our server|attacker|evil)';
