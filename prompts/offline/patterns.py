"""The patterns by which kinds of message are told apart. All read lower case, straight apostrophes."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = [
    "ADVICE",
    "ANSWERS",
    "CODE",
    "DESK_STILL",
    "DESK_THING",
    "DESK_TROUBLE",
    "ERRAND",
    "HARMED",
    "HEARTFELT",
    "KINDS",
    "MEDICAL",
    "QUIZ",
    "SUGGESTIONS",
    "any_of",
]

_END = r"[\s.!?,;:)]*$"
_YOU_ARE = r"(?:(?:are|r) (?:you|u)|you're|youre|you are|ur)"
_HEDGES = r"(?: just| really| actually| even| only| so| such| completely| not)*"
_JUDGED = (
    r"( (being|just|really|too|so|such|a|an|the))* (bad|terrible|horrible|awful|selfish|mean|cruel|wrong|stupid|"
    r"crazy|weak|failure|monster|problem|burden|weird|overreacting|unreasonable|sensitive|dramatic|ridiculous|"
    r"pathetic|lazy|ungrateful|worst|coward|fool|idiot|loser|liar|hypocrite|not good enough|unfair|needy)\b"
)


def any_of(*patterns: str) -> re.Pattern[str]:
    """One pattern that finds whatever one of these finds."""
    return re.compile("|".join(patterns))


KINDS: Mapping[str, re.Pattern[str]] = {
    "order": any_of(
        r"\b(ignore|disregard|forget|override|bypass) ((all|any|every|the|your|my|previous|prior|above|earlier|"
        r"other) )*(instructions?|prompts?|rules|guidelines|orders|training)\b",
        r"\bsystem (prompt|message)\b|\b(jailbreak|developer mode|dan mode)\b|^you are now\b",
        r"(^|[.!,:] ?|please |now )(act|pretend|roleplay|behave) (as|to be|like)( if)? (you|a|an)\b",
        r"\brepeat (the|your) (words|text|instructions)\b",
    ),
    "identity": any_of(  # whether it is an AI is asked in `agent.safety.disclosure`
        rf"{_YOU_ARE}{_HEDGES}( an?)? (therapist|doctor|counsel+or|psychologist|actual)\b",
        rf"\bwho (are|r) (you|u)\b|\bwhat (are|r) (you|u){_END}|\bwhat('s| is) your name\b",
    ),
    "complaint": any_of(
        r"\b(fuck|screw) (you|off|u)\b|\bshut up\b|\byou suck\b|\bi hate you\b",
        r"^(stupid|dumb|useless|bad|terrible) (bot|ai|machine|program|thing)\b",
        rf"{_YOU_ARE}{_HEDGES}( an?)? (useless|stupid|dumb|annoying|terrible|awful|idiot|joke|worthless|"
        rf"pathetic)\b",
        rf"{_YOU_ARE}{_HEDGES}( an?)? (rubbish|garbage|trash|no help|helpful|helping|listening|worst|"
        rf"repeating)\b",
        r"\b(you|u) (just )?(don't|dont|didn't|do not|never) (get it|get me|understand|listen|help|care|"
        r"answer)\b",
        r"\b(all you (ever )?(do|did) is|you (just|only|always) (repeat|parrot|echo|ask)|"
        r"you('re| are) (just|only) (repeating|parroting|asking)|stop (repeating|parroting))\b",
        r"\bthis (isn't|is not|isnt) helping\b|\byou (keep|already) (repeating|asked|said)\b",
        r"\bthat('s| is) not what i (said|meant|asked)\b",
    ),
    "farewell": any_of(
        rf"\b(good ?bye|bye( bye)?|bye for now|good ?night|ttyl|so long|farewell|catch you later){_END}",
        rf"\bsee (you|ya)( (later|soon|tomorrow|around))?{_END}|\btalk (to you )?(later|soon|tomorrow){_END}",
        rf"(?<![\w'] )\btake care{_END}|\bgtg{_END}|\bthat('s| is) all for (now|today){_END}",
        r"\b(i|i've) (have to|need to|should|gotta|got to|must|better)( be)? "
        rf"(go|run|going|log off|head off)( now| to (bed|sleep|work))?{_END}",
        rf"\b(gotta|got to) go( now)?{_END}",
    ),
    "thanks": any_of(
        r"^((ok(ay)?|oh|wow|yes|great|good|well|alright|right)[\s,.!]*)?(thanks?( you)?|thx|ty|cheers|"
        r"i appreciate|"
        rf"much appreciated|many thanks|(that|this) (really )?help(s|ed))\b(?!.*\bbut\b)[^.!?]{{0,50}}{_END}",
        # "Nobody said thanks" tells of something.
        r"^(?!.*\bbut\b)(?!.*\b(said|say|says|saying|without) (thank you|thanks)).{0,60}\b(thank you|thanks|thx)"
        r"( so much| a lot| very much| again| anyways?| i guess| for (listening|that|this|asking|your help))?"
        + _END,
    ),
    "uptake": any_of(
        r"^((yes|yeah|ok(ay)?|sure|al+ ?right|maybe|right)[\s,.!]*)?(thanks?[\s,.!]*)?(i('ll| will| can| could|"
        r" might| think i will) (try|give|do) (that|it|this)|that (could|might|would) (work|help))\b",
        r"^((yes|yeah|ok(ay)?|sure)[\s,.!]*)?((that's|that is|sounds like) a )?(good|great|nice) (idea|"
        r"suggestion|plan|point)\b",
        r"^((yes|yeah|ok(ay)?|sure)[\s,.!]*)?(i (like|love) that( idea)?\b|(that |it )?sounds (good|great|nice|"
        r"doable|right))\b",
        r"^(i|we) could (just |also |maybe |perhaps )?(try|ask|invite|call|write|talk|go|join|start|visit|tell|"
        r"send|meet)\b",
        # Not where a question follows: "maybe I should quit, what would you do?"
        r"^(?!.*\?$)((ok(ay)?|well|yes|yeah)[\s,.!]*)?(maybe|perhaps|i guess|i suppose) (i|we) (could|can|should|"
        r"will|might)\b",
    ),
    "quiet": any_of(
        r"\b(stop|quit|enough) (asking|with the|with your)\b|\b(no more|too many|so many|enough|"
        r"stop the) questions\b",
        r"\b(just|only) listen\b|\b(don't|dont|do not) ask( me)?\b|\bleave me alone\b",
        r"\bi (don't|dont|do not) (want|wanna) (to )?(answer|talk about (it|that|this))\b",
    ),
    "professional": any_of(
        r"\b(should|shall|ought to|do|would it|is it worth|do you think|maybe|need to)\b.{0,30}\b"
        r"(see|seeing|visit|go to|going to|talk to|talking to|speak to|need|get|find|try|trying) "
        r"(a |my |the |some |another )?(doctor|gp|therapist|"
        r"therapy|psychiatrist|psychologist|counsell?or|counselling|specialist|professional|help)\?",
    ),
    "beginning": any_of(
        r"^([\w ]{0,20}[,.!] ?)?i( really| just| honestly)* (don't|dont|do not)( really| even| quite)* know "
        rf"(how|where|what) (to|i should) (start|begin|say)( (here|with this|this|it))?{_END}",
    ),
    "verdict": any_of(  # on themselves
        rf"\b(do|did) (you|u) (really |honestly )?(think|believe|feel) (that )?(i'm|im|i am|i was){_JUDGED}",
        rf"^((so|but|and|tell me|honestly)[\s,.!]*)*(am|was) i{_JUDGED}",
    ),
    "withdrawn": any_of(
        rf"^((ok(ay)?|no|oh|well|just|actually|ugh|fine)[\s,.!]*)*(forget (it|about it|i said anything)|"
        rf"never ?mind|nvm|it doesn't matter|doesn't matter|doesnt matter|it's nothing|whatever){_END}",
    ),
    "english": any_of(
        r"\bmy english (is )?(so |very |really )?(not|isn't|bad|poor|weak|broken|terrible)\b|"
        r"\b(sorry|excuse me) for my (bad |poor )?english\b|\benglish (is not|isn't) my (first|native|mother)\b",
    ),
    "apology": any_of(
        rf"^((ok(ay)?|oh|no|ah)[\s,.!]*)?(i'm |i am |im )?((so|really|very) )?sorry"
        rf"( (for|to|about|if) .{{0,60}}|,? that was (unfair|mean|rude|harsh|uncalled for))?{_END}",
    ),
    "how_are_you": any_of(
        r"^((hi|hello|hey|hiya|good (morning|afternoon|evening))( there)?[\s,.!]*)?(how (are|r) (you|"
        r"u)( doing)?( today)?|"
        rf"how's it going|hows it going|how do you do|what's up|whats up|sup|and you|how about you){_END}",
    ),
    "greeting": any_of(
        r"^(hi+|hello+|hey+|hiya|howdy|yo|greetings|good (morning|afternoon|evening|day)|morning|evening|hallo)"
        rf"([\s,.!]*\b(there|everyone|all|again|friend|you|hi|hey|hello|bot|heartline))*{_END}",
    ),
    "own_life": any_of(
        r"\b(have|did|do|are|were|can|how do|how did|how are|how have|what do|would) (you|u) ((ever|also|really|"
        r"often|even) )?(been (in|there|through)|felt|feel|feelings?|gone through|go through|going through|"
        r"coped?|coping|managing|experienced?|related?|have (any )?(experience|feelings|a family|friends|kids|"
        r"emotions)|lonely|sad|like|want|sleep|eat|dream|get|married|happy|scared|love|lost)\b",
    ),
    "ability": any_of(
        r"\bwhat (can|do|could) you (do|help|offer)\b|\bhow do you work\b|\bwhat are you for\b",
        r"\bhow (do|does|can|should) (i use|this|it) work\b|\bhow (do|can|should) i use (this|you|it)\b",
        rf"^(help|info|start|test|testing|/\w+|menu){_END}|\bwhat is this( place| app| thing)?{_END}",
    ),
}
"""First match wins, in this order."""

_I_AM = r"^((i('m| am)|im|it's|its)( doing| feeling)?|feeling|doing)? ?((very|pretty|quite|really|all|so) )?"

_GOOD_TAIL = (
    r"( today| now| thanks?| thank you)*"
    rf"([\s,.!]*\b(thanks?|thank you|and you|you|how about you|how are you))*{_END}"
)

ANSWERS: Mapping[str, re.Pattern[str]] = {
    "yes": any_of(
        r"^((yes|yeah|yea|yep|yup|ok(ay)?|sure|right|exactly|true|correct|of course|definitely|absolutely|"
        r"indeed|mhm|k|alright|please|i do|i am|i did|i have|it is|that's (right|it|true)|they are|he is|"
        r"she is)\b[\s.!?,;:)]*)+$",
    ),
    "no": any_of(
        r"^(no+|nope|nah|not really|never|not at all|i don't|i'm not|i didn't|none|neither|no thanks?)"
        rf"([\s,.!]+(not really|i don't|i didn't|i'm not|it isn't|thanks?))?{_END}",
    ),
    "unsure": any_of(
        r"^(idk|dunno|nothing|none|maybe|perhaps|not sure|i('m| am) not sure|i (really )?(don't|dont|"
        r"do not) know( really| yet)?|"
        rf"no idea|hard to say|hm+|dont know|i guess( so)?|kind of|sort of|i suppose( so)?|who knows){_END}",
    ),
    "good": any_of(
        rf"{_I_AM}(good|fine|great|all right|not bad|excellent|fantastic|amazing){_GOOD_TAIL}",
        rf"^(i('m| am)|im|feeling|doing)( doing| feeling)? ((very|pretty|quite|really|so) )?(ok|okay|well|"
        rf"alright|better){_GOOD_TAIL}",
    ),
    "bad": any_of(
        rf"{_I_AM}(bad|not ((so|too|very|really|that) )?(good|well|great|ok|okay|fine)|terrible|awful|horrible|"
        rf"shit+y?|rough|poorly|miserable|not well|been better)( today| now| really)*{_END}",
        r"^(i('ve| have) )?been better\b",
    ),
}
"""Short answers, mostly to the supporter's question."""

ADVICE = any_of(
    r"\bwhat (should|can|could|do|would|must|shall) (i|we|you|one) (even )?(do|say|try|suggest|recommend|"
    r"advise|tell)\b",
    r"\b(any|some|your|give me|need|want|got) (\w+ )?(advice|tips?|suggestions?|recommendations?)\b|"
    r"\bany ideas?\b",
    r"(?<!why )\bshould i\b|\bhow (do|can|should|could|would) (i|people|others|other people|"
    r"adults)\b(?! ever)|^how to\b|\badvise me\b",
    r"\bwhat('s| is) the best (way|thing)\b|\b(can|could|will|would) you (please )?(help|advise) me\b",
)
MEDICAL = any_of(
    r"\b(medications?|medicines?|meds|doses?|dosage|pills?|tablets?|antidepressants?|ssri|prozac|zoloft|xanax|"
    r"lithium)\b",
    r"\b(ibuprofen|painkillers?|symptoms?|diagnos\w*|prescri\w*|side effects?|supplements?|cure|treatments?)\b",
)
DESK_THING = any_of(
    r"\b((?<!in )orders?|parcel|package|delivery|deliver(ed)?|refunds?|invoices?|billing|billed|subscription|"
    r"charged)\b",
    r"\b(customer (service|support|care)|support (ticket|team|desk)|warranty|tracking|shipment|shipped|"
    r"courier)\b",
    r"\b(app|website|software|wi-?fi|my account|booking|reservation|login|password)\b",
)
DESK_TROUBLE = any_of(
    r"\b(never|not|nobody|no one|still|twice|wrong|broken|damaged|late|missing|waiting|again|ignored|locked|"
    r"stolen)\b",
    r"n't\b|\b(isnt|hasnt|havent|didnt|wont|cant|doesnt)\b|\b(cancel|complain|refuse|crash)\w*\b|\b(hours|days|"
    r"weeks)\b",
)
DESK_STILL = any_of(
    r"\b(called|phoned|e-?mail(ed|s)?|money|replace(ment|d)?|answer(s|ed)?|reply|replied|respon\w+|wait(ing|"
    r"ed)?)\b",
    r"\b(sort(ed)? out|they|status|number|item|refunds?|fix(ed)?|solution)\b",
)
HARMED = any_of(
    r"\b(he|she|they|husband|wife|boyfriend|girlfriend|partner|ex|dad|father|mom|mum|mother|stepdad|brother|"
    r"uncle|son|boss)( \w+){0,2} (hits?|hitting|beats?|beating|slaps?|slapped|punche[sd]|kicks|kicked|choke[sd]|"
    r"choking|rape[sd]|molest\w*|assault\w*|abuse[sd]?|abusing|threatens to|threatened to) me\b(?! up| hard|"
    r" that| with| in)",
    r"\bi (was|am|got|have been)( \w+)? (abused|raped|molested|assaulted|beaten( up)?)\b",
    r"\babusive\b|\bdomestic violence\b|\b(abused|raped|molested|assaulted) me\b",
)
SUGGESTIONS: Mapping[str, re.Pattern[str]] = {
    "tell": any_of(
        r"\bhow (do|can|should|could|would) (i|we) (even )?(tell|say|talk|ask|explain|bring|break|apologi[sz]e)\b",
        r"\bwhat (do|should|can|could|would) (i|you|one) (even )?say\b",
    ),
    "which": any_of(
        r"\b(what|which)( \w+)? (should|shall|do|can|could) (i|we) (do with|(?!(do|say|try|tell|ask|feel|think|"
        r"expect|know|need|want|have|even|talk)\b)\w+)"
    ),
    "decide": any_of(r"(?<!what )(?<!how )\b(should|shall) (i|we)\b|\b(stay or|whether to)\b"),
}
"""Questions that some suggestions answer; first match wins."""

ERRAND = any_of(
    r"^(please |can you |could you )?(help me (to )?)?(draft|write|translate|calculate|compute|sing|draw|"
    r"generate|summari[sz]e|solve|"
    r"code|recite|play|tell me (a|an|the) (joke|story|weather|time|news|fact|poem|riddle))\b",
)
QUIZ = any_of(
    r"^(what('s| is| are| was)|who('s| is| was)|when (is|was|did)|where (is|are|was)|which|how (many|much|old|"
    r"far|tall)|can you|could you|do you (know|speak)|what (time|day|year)|have you (ever|seen|heard))\b.*\?$",
)
HEARTFELT = any_of(
    r"\b(i|i'm|im|i've|my|me|we|our|us|mine|normal|feel\w*|better|love|life|people|point|meaning|wrong|grief|"
    r"happy)\b",
)
CODE = re.compile(r"[{};<>]\s*[\w/{}()<>]|\bdef \w+\(|\bimport \w+|\bselect\b.*\bfrom\b|=>|==|https?://|www\.")
