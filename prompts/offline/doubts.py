"""What is better not given back to a person, however well it could be turned round."""

from __future__ import annotations

import re

__all__ = ["is_better_unsaid", "softened"]


def _one_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_UNSPEAKABLE = _one_of(
    # harm, and words that hurt again when a stranger repeats them
    r"\b(kill|suicid|murder|molest|assault|abus|overdos)\w*\b",
    r"\brap(e|ed|ist)\b",
    r"\bself.?harm\w*|\b(hit|hits|beat|beats|slaps?|slapped|punche[sd]|kicked|choke[sd]) me\b",
    r"\bcutting\b|\bcut myself\b",
    r"\b(want|wanted|going|ready|like|deserve|wish) (to )?die\b|\b(wanna|gonna) die\b",
    # given back, it would be an order: "you take your meds"
    r"\b(take|takes|taking|took|stop|stopped|skip|skipped|skipping) (my|the|her|his|their) "
    r"(meds?|pills?|tablets?|insulin|medications?|medicines?|antidepressants?)\b",
    r"\b(hurt|harm|hurting|harming) myself\b",
    r"\bhate myself\b",
    r"\bend (it all|my life)\b|\bwish i (was|were) dead\b|\bnot (be )?here anymore\b",
    r"\b(horrible|terrible|awful|pathetic|selfish|stupid|bad|mean|wrong) of me\b",
    # swearing and slurs
    r"\b(mother)?f+[u*]+ck\w*|\b(bull)?sh[i*]t\w*|\bb[i*]tch\w*|\bcunt\w*|\ba(ss|rse)holes?\b|\bdick\w*",
    r"\bsluts?\b|\bwhores?\b|\bnigg\w*|\bfag\w*|\bretard\w*|\bporn\w*|\bsex\w*|\bcrap\b",
    r"^(he|she|they|it|you|my \w+)\b.*\b(garbage|trash|idiots?|morons?|jerks?|stupid|scum|psycho|losers?)\b",
    # orders to the program, and what is no prose
    r"\b(ignore|disregard|forget) (all|any|every|your|the|previous|prior|above)\b",
    r"\b(instructions?|prompts?|jailbreak|roleplay|developer mode|\w*gpt)\b|\bsystem (prompt|message)\b",
    r"\bpretend (to be|you)\b|\bhttps?\b|\bwww\b|\bplease\b",
)

_VAGUE = _one_of(
    r"^i (did|do|was|am|have|had) (today|yesterday|in|at|on|it|that)\b|^i am from\b",
    r"^it('s| is) for\b|^i (told|asked) (him|her|them|my \w+)$",
    r"^i('m| am) not (\w+ )?(exactly|sad|angry|mad|upset|jealous|scared|afraid|depressed|lonely|worried)\b",
    r"^i('m| am| feel|'ve been| was)?( just| really| so| very| doing| feeling)* (fine|ok|okay|good|well|alright|"
    r"here|back|great|sorry|sure|not sure|serious|kidding|joking|done)\b.{0,12}$",
    r"^i (am|do|did|have|was|will|see|know|think so|guess so|hope so|agree|understand|can't|don't know)$",
    r"^i('ll| will)? (think|guess|hope|suppose) (that|so|not|it)\b",
    r"^i('m| am)? (really |do |just )*(appreciat\w+|agree|disagree|enjoy\w* (talking|chatting))\b",
    r"^i (really )?(love|like|hate) (it|that|this)$|^i said\b",
    r"^i (just )?(need|want|would like|'d like) (some |your |a )?(help|advice|to talk|to chat|"
    r"someone to talk)\b",
    r"^i (have a|had a) question\b|^i was wondering\b|^i('m| am) (a|an|the) \w+$",
    r"^(that|it)('s| is| was) (\w+ )?(it|all|right|true|ok|okay|fine|why|good|great|nice|correct)\b",
    r"^(that|it)('s| is| was) a (really )?(good|great|nice) (idea|point|thing|advice|question)",
    # verbs that stand for something said before: "he has and he is", "it does help"
    r"^(it|that|they|he|she|i|we) (just |really )?(do|does|did|is|was|are|were|has|have|had|am|tried|"
    r"can)(n't)?( not)?( help\w*)?(( too| and| but| because| so (i|he|she|it|we|they))\b|,|$)",
    r"^the (fact|one|ones|thing|things|way) (that|who|which|i|he|she|they)\b",
    r"^i (think )?i'll\b|^i('ll| will| would) try\b|^i (could|can) (?!not\b)",
    r"\b(maybe|perhaps|and|so) i should\b",
    r"\b(the|an?|my|your|our|their|because|because of|till|than|if|which|whose|and|or|but|m)$",
    r"^this is .{0,20}$|^the (only )?thing( is)?$",
)

_ADVISES = re.compile(r"^i (should|shouldn't|must|(do |just |really )*need to)\b")
_JUDGES = _one_of(
    r"^i('m| am) (just |really |so |such |too |very |not )*(an? )?(\w+ )?(failure|loser|burden|idiot|fool|mess|"
    r"fraud)\b",
    r"^i('m| am) (just |really |so |such |too |very )*(an? |the )?(terrible|bad|horrible|awful|rubbish|lousy|"
    r"worst|shit|useless|selfish) \w+",
    r"^i('m| am) (just |really |so |such |too |very |not )*(an? )?(\w+ )?(disappointment|joke|coward|worthless|"
    r"pathetic)\b",
    r"^i('m| am) (just |really |so |such |too |very |not )*(stupid|useless|ugly|fat|dumb|broken|unlovable|"
    r"unloved)\b",
    r"^i('m| am) (just |really |so |such |too |very |not )*(an? )?(\w+ )?(unwanted|weak|bad|good enough|"
    r"worth)\b",
    r"^(nobody|no one|everyone|everybody) (\w+ )?(loves|likes|hates|cares|wants|despises|gets|"
    r"leaves)(( about)? me)?$",
    r"^(people|they|he|she|my \w+)( \w+)? (loves?|likes?|hates?|cares?|wants?|despises?|leave)( about)? me\b"
    r"(?! to\b)",
    r"^(my life|everything|nothing|life|the world|it all)\b.*\b(over|ruined|pointless|mess|meaningless|wrong)\b",
    r"^(my life|everything|nothing|life|the world|it all)\b.*\b(hopeless|falling apart|matters|worth|sucks)\b",
    r"^there('s| is) no (hope|point|way|one|reason|future)\b|^i (can't|cannot) do anything\b",
    r"^i (ruin|fail at) everything\b|^(it's|it is|it was) (all )?my fault\b",
    r"^i('ll| will) (never|always|lose|fail|end up|die)\b",
)
_FORETELLS = re.compile(r"^(?!i'?m? )[\w']+( [\w']+){0,2} (will|may|might)\b|^i (will|may|might)\b|^\w+'ll\b")
_TO_THE_SUPPORTER = re.compile(r"\b(you|your|yours|yourself|you're|you've|you'd|you'll)\b")
_REPORTED = re.compile(r"\b(told|asked|showed|promised) you\b|^you (said|told|asked|suggested|mentioned)\b")
_SEVERAL = re.compile(r"\b(we|us|our|ours|we're|we've|we'd|we'll|ourselves)\b")
_ONE = re.compile(r"\b(i|i'm|i've|i'd|i'll)\b")


def is_better_unsaid(clause: str) -> bool:
    """Whether giving this clause back could hurt, mislead or sound silly.

    Args:
        clause: Lower case, in the seeker's own words ("i lost my job").
    """
    if _UNSPEAKABLE.search(clause) or _VAGUE.search(clause):
        return True
    if _FORETELLS.match(clause):  # "they will sack me", given back, is a prophecy
        return True
    if _TO_THE_SUPPORTER.search(clause) and not _REPORTED.search(clause):
        return True  # "you" is as often anybody as it is the supporter
    # "I think we should part": with two times "you", who is meant would be lost.
    return bool(_SEVERAL.search(clause) and _ONE.search(clause))


def softened(clause: str) -> tuple[str, ...]:
    """Words to be put before a clause that must not be given back as a fact; none where it may.

    "You should leave him" would be advice and "nobody loves you" a blow, though both only turn
    round what was said. "You feel like nobody loves you" is what was heard.
    """
    if _ADVISES.search(clause):
        return ("i", "feel")
    return ("i", "feel", "like") if _JUDGES.search(clause) else ()
