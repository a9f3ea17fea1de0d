"""Closed word lists by which a clause is told from a fragment. Lower case, straight apostrophes."""

from __future__ import annotations

__all__ = [
    "ADVERBS",
    "APOSTROPHES",
    "AUXILIARIES",
    "CLOSERS",
    "COMMON",
    "DANGLING",
    "DENIED",
    "DETERMINERS",
    "ELIDED",
    "EMPTY",
    "ENGLISH",
    "FILLERS",
    "FINITE_NEXT",
    "HEAVY",
    "INDEFINITE",
    "INDIRECT",
    "INTRODUCES",
    "NOT_PAST",
    "NOT_VERBS",
    "NO_NAMES",
    "PAST",
    "PRONOUN_SUBJECTS",
    "STATES",
    "TRAILING",
    "VERBS",
    "WISHES",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PRONOUN_SUBJECTS = _words(
    "i i'm i've i'd i'll we we're we've we'd we'll he he's he'd he'll she she's she'd she'll "
    "they they're they've they'd they'll it it's it'd it'll nobody somebody everybody anybody "
    "someone everyone anyone nothing everything something that's there's"
)
"""Words that open a clause as its subject; those with an apostrophe bring the verb along."""

DETERMINERS = _words(
    "my our his her their your the a an this that these those some every each no both all another "
    "one two three many most people life work school things today home"
)
"""Words that open a noun phrase which may be a subject."""

ADVERBS = _words(
    "just really also always never still only actually honestly already even ever often sometimes "
    "usually finally recently currently suddenly constantly kind kinda sort of sorta so now then "
    "probably definitely simply truly barely hardly almost nearly not literally absolutely totally "
    "basically seriously genuinely both all currently secretly deeply completely too very quite slowly "
    "quickly rarely generally obviously clearly perhaps maybe apparently lately consequently therefore"
)
"""Words that may stand between a subject and its verb."""

NOT_VERBS = _words(
    "of to in on at by for with from about into onto over under through after before since until "
    "during without within between among against the a an my your his her our their its this that "
    "these those who whom whose which what why how where when and or but nor if because than as i "
    "me you he she him we us they them it mine yours myself yourself there here too though although "
    "whole entire new old good bad poor best worst own"
)
"""Words that cannot be the verb after a pronoun subject."""

VERBS = _words(
    # be, have, do, modals
    "am is are was were isn't aren't wasn't weren't has have had hasn't haven't hadn't do does did don't "
    "doesn't didn't can can't cannot could couldn't will won't would wouldn't should shouldn't may might "
    "must mustn't ain't gonna gotta wanna "
    # irregular past
    "became began bit blew broke brought built bought caught chose came cost cut dealt died dug drew drank "
    "drove ate fell fed felt fought found fled flew forgot forgave froze got gave went grew hung heard hid "
    "hit held hurt kept knew laid led left lent let lied lost made meant met paid put quit read rode rang "
    "rose ran said saw sold sent shook shut sang sank sat slept spent spoke stood stole stuck struck swore "
    "swept swam took taught tore told thought threw understood woke wore won wrote overheard withdrew "
    # third person and base forms that are seldom nouns
    "becomes begins believes belongs blames breaks brings calls cares causes comes continues cries cries "
    "deserves dies drinks drives eats expects explains fails falls feels finds forgets gets gives goes grows "
    "happens hates hears helps hits hurts ignores insists keeps kills knows lacks laughs learns leaves lets "
    "lies likes listens lives loses loves makes matters means meets misses moves needs notices opens owes pays "
    "prefers puts pushes realizes realises refuses remembers runs says scares seems sees sends sits sleeps "
    "smells sounds speaks stands stays stops suffers supports takes talks teaches tells tends thinks threatens "
    "treats tries trusts turns understands uses wakes wants wears weighs wins wishes wonders worries writes "
    "yells become begin believe belong blame break bring care come cry deserve die eat expect explain fail "
    "fall feel find forget get give go grow happen hate hear ignore keep know leave live lose make mean meet "
    "need refuse remember say seem see send sit sleep speak stay suffer take talk tell think treat "
    "understand want weigh win wish worry write thinks lay lays keeps yell feels suck sucks"
)
"""Finite verb forms, for clauses whose subject is not a pronoun; forms in -ed come on top."""

APOSTROPHES = {
    "im": "i'm", "ive": "i've", "dont": "don't", "cant": "can't", "wont": "won't", "didnt": "didn't",
    "doesnt": "doesn't", "isnt": "isn't", "wasnt": "wasn't", "couldnt": "couldn't",
    "wouldnt": "wouldn't", "shouldnt": "shouldn't", "havent": "haven't", "hasnt": "hasn't",
    "hadnt": "hadn't", "arent": "aren't", "werent": "weren't", "thats": "that's", "theres": "there's",
    "hes": "he's", "shes": "she's", "theyre": "they're", "youre": "you're", "youve": "you've",
    "theyve": "they've", "weve": "we've", "itll": "it'll", "whats": "what's", "u": "you", "ur": "your",
    "cuz": "because", "coz": "because", "cos": "because", "bc": "because", "bcoz": "because",
    "alot": "a lot", "noone": "no one", "r": "are", "n": "and", "w/": "with", "b4": "before",
    "pls": "please", "plz": "please", "ppl": "people", "tho": "though", "thru": "through", "idk": "i don't know",
    "everytime": "every time", "aswell": "as well", "infront": "in front", "eachother": "each other",
}  # fmt: skip
"""What people type for short, and how it is spelled."""

DANGLING = _words(
    "the a an my your his her our their its this these those of to for with from at in on by about into "
    "and or but so because that than as if when while who which whose what very really too just not am is are was "
    "were be been being have has had do does did can could will would should may might must don't "
    "doesn't didn't can't couldn't won't wouldn't i'm you're he's she's it's they're we're i've you've get "
    "getting got make making made more most no some any every each quite such like between without lot kind "
    "sort bit new old same other another few only even still never always also"
)
"""Words after which a clause must not be cut."""

FILLERS = (
    "well", "so", "and", "but", "or", "then", "plus", "also", "honestly", "actually", "basically", "like", "um",
    "umm", "uh", "hmm", "oh", "ah", "ugh", "yeah", "yea", "yep", "yes", "no", "nope", "nah", "ok", "okay", "hi",
    "hey", "hello", "hiya", "sure", "right", "anyway", "anyways", "lol", "haha", "omg", "wow", "man", "dude",
    "please", "alas", "sorry", "thanks", "sadly", "unfortunately", "frankly", "idk", "tbh", "look",
    "listen", "see", "i mean", "i guess", "i suppose", "you know", "you see", "to be honest", "to be fair",
    "oh my god", "my god", "oh god", "thank you", "the thing is", "the problem is", "the truth is",
    "the fact is", "fact is", "truth is", "problem is", "thing is", "i must say", "i have to say",
    "i must admit", "i have to admit", "i just wanted to say", "i wanted to say", "i just want to say",
    "i want to say that", "i would say", "i'd say", "let's just say", "in fact", "of course", "for example",
    "for instance", "to be clear", "in general", "good morning", "good evening", "good afternoon", "hey there",
    "hi there", "hello there", "not really", "at the moment", "right now", "these days", "as i said",
    "like i said", "it's just that", "it's that", "my problem is that", "my problem is", "i know ,",
    "i don't know maybe", "i don't know ,", "i don't know but", "luckily", "hopefully", "fortunately",
    "thankfully", "today", "yesterday", "tonight", "recently", "currently", "last night", "last time", "last week",
    "last month", "last year", "this week", "this morning", "this month", "this year", "the other day",
    "one day", "once", "maybe", "agreed", "the thing is that", "the problem is that",
)  # fmt: skip
"""What a clause may open with and loses nothing without."""

TRAILING = (
    "lol", "haha", "lmao", "tbh", "you know", "i guess", "i suppose", "or something", "or whatever",
    "or at least", "at least", "yanno", "ha", "thanks a lot", "thank you so much", "omg", "idk", ", right",
    ", man", ", dude", "as well", "though", "and stuff", "and all", "and so on", "etc", "please", "thanks",
    "thank you",
    "i think", "you see", "ugh", "smh", "x", "and", "but", "so", "because", "to be honest", "anyway",
)  # fmt: skip
"""What a clause may end with and loses nothing without."""

ELIDED = {
    "lost": "i", "got": "i", "failed": "i", "missed": "i", "broke": "i", "passed": "i", "found": "i", "quit": "i",
    "woke": "i", "can't": "i", "don't": "i", "didn't": "i", "couldn't": "i", "felt": "i", "won": "i",
    "moved": "i", "finished": "i", "was": "i", "am": "i", "haven't": "i", "had": "i", "went": "i", "feel": "i",
    "feeling": "i'm", "trying": "i'm", "struggling": "i'm", "going": "i'm", "having": "i'm", "getting": "i'm",
    "worried": "i'm", "scared": "i'm", "thinking": "i'm", "been": "i've", "tired": "i'm",
}  # fmt: skip
"""How a sentence may begin whose `I` was left out, and what to put before it."""

AUXILIARIES = _words(
    "am is are was were do does did have has had can could will would should isn't aren't don't doesn't didn't "
    "can't couldn't won't wouldn't shouldn't what why how who where which whose"
)
"""Words that open a question rather than a statement."""

PAST = _words(
    "was were had got became began broke brought bought caught chose came died ate fell felt found forgot gave "
    "went heard hit hurt knew left lost made met moved quit said saw sold sent stood stole stopped took taught "
    "told thought threw woke won wrote dumped ended started yelled did"
)
"""Irregular past forms that tell of something that happened once."""

NOT_PAST = _words("need feed bleed indeed hundred speed seed weed wicked naked sacred exceed bed red")
"""Words in -ed that are no past forms."""

INDEFINITE = _words("nobody somebody everybody anybody someone everyone anyone nothing everything something")
"""Subjects after which only a known verb is taken for one ("nothing serious" is a fragment)."""

NO_NAMES = _words("okay ok thanks yes no will not just please sorry wow hope sounds feels seems makes looks")
"""Capitalised at the start of a sentence, and yet no names."""

INDIRECT = _words(
    "know knew wonder wondering remember understand sure tell ask care matter see idea decide about of figure "
    "explain forget till until even just like ever day time year moment is was"
)
"""Words after which "when" does not begin a clause of its own."""

CLOSERS = _words(
    "me it him them us anymore now today tonight yesterday ago again too alone away here there lately off "
    "out down apart home"
)
"""Words with which a clause often ends; a pronoun after them begins the next one."""

INTRODUCES = _words(
    "that what who whom which how why where if when all the and or but so as than because since while until "
    "unless before after though although everything whatever whenever everyone anything nothing something like "
    "think thought feel felt feels know knew say said says hope hoped guess believe wish told tell sure afraid "
    "worried glad sorry scared means mean see saw realize realise realized realised find found suppose swear bet "
    "believed sad happy pretended heard noticed learned mentioned thinks knows tells understood remember "
    "remembered forget forgot decided explained admit admitted discovered ashamed proud grateful angry upset "
    "surprised shocked lucky certain aware confident time times way reason moment day thing things person only "
    "seems seem where's ever is was"
)
"""Words after which a pronoun belongs to the same clause: "I think he left"."""

FINITE_NEXT = _words("am is are was were don't doesn't didn't can't couldn't isn't wasn't haven't")
"""Verbs that show that the pronoun before them is a subject."""

WISHES = _words(
    "want wanted need hope hoped think thought believe guess know knew wish would should could might can must "
    "feel suppose doubt wonder consider imagine expect love like prefer wanna gotta gonna "
    "will shouldn't understand remember mean plan"
)
"""Main verbs of wishes, beliefs and doubts, which are no events."""

DENIED = _words("don't doesn't didn't can't cannot couldn't won't wouldn't never")
"""Words after which the main verb is still to come."""

STATES = _words("am was are were been feel feeling felt get got getting be")
"""Verbs after which a feeling is named: "lost" names one in "I feel lost", and none in "I lost it"."""

HEAVY = _words(
    "dementia illness tumour tumor stroke diagnosis homeless bankrupt addicted evicted miscarriage injured "
    "lost died left fired dumped failed broke divorced divorce cancer hospital sick ill accident alone lonely "
    "cheated lied scared afraid worried hate hurt crying cry fight fighting argued stress stressed anxious "
    "depressed tired exhausted ashamed guilty angry upset sad miss missed lose losing won passed promoted married "
    "engaged pregnant baby job exam money rent debt laid diagnosed surgery funeral betrayed ignored rejected "
    "bullied moved quit never nobody anymore afford sleep breakup ex overwhelmed struggling proud excited happy "
    "surprised embarrassed jealous grateful nervous birthday wedding graduated offer interview yelled screamed "
    "blamed stole broken late"
)
"""Words that carry a message."""

EMPTY = _words(
    "i me my it is was am are the a an to of and that this so be been have has had do did in on for with you i'm "
    "it's just really very not no at but as about what how there he she they we if or because when"
)
"""Words that carry nothing."""

COMMON = _words(
    "i you he she it we they me him her us them my your his our their the a an and or but so because if when that "
    "this is am are was were be been have has had do does did can will would not no yes to of in on at for with "
    "from about up out what why how who where there here just very really all some any more feel want know think "
    "like go get got don't can't i'm it's dont cant im its feeling feels felt sad happy angry lonely scared "
    "anxious worried stressed tired alone today yesterday tomorrow tonight work working job boss school exam "
    "exams college life love time day night week year years people mom mum dad mother father wife husband friend "
    "friends boyfriend girlfriend family kids son daughter brother sister dog cat home house money help need lost "
    "broke left going old new good bad great never always still again too much many most sorry please thanks idk "
    "maybe"
)
"""Common English words."""

ENGLISH = _words("the and you my it with this that what i'm don't of your they he she")
"""Common English words that hardly any other language has."""
