"""What people write while the server is measured: sentences written for this, put together anew each time.

None is from a data set. None speaks of danger, since the protocol answers that without the work that is measured.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

__all__ = ["messages"]

_HAPPENED = (
    "My landlord sold the house and gave me until spring to find something else.",
    "My daughter baked her first cake for my birthday, with salt instead of sugar.",
    "The orchestra took me in after three auditions.",
    "We have not had a proper conversation since the holidays.",
    "My cousin is getting married in June and wants me to give the speech.",
    "They moved my desk next to the lift, without asking.",
    "The dog next door has been howling since they went away.",
    "I finally sent the letter that lay in the drawer for a year.",
    "My grandmother mixed up my name again this morning.",
    "The train was cancelled, so I came two hours late to the interview.",
    "A friend from school wrote to me out of nowhere.",
    "Our team lost the contract that I worked on all summer.",
    "I passed the driving test on the fourth attempt!",
    "The flat is full of boxes and I do not know where to begin.",
    "My son told the whole class that his father builds bridges.",
    "Someone scratched my bicycle and walked off.",
)
_FELT = (
    "I was angry for an hour and then only tired.",
    "I was surprised at how calm I stayed.",
    "It made me so happy that I had to sit down for a moment.",
    "Honestly, I feel rather small about it.",
    "I could not tell anybody at work how much it hurt.",
    "I am proud, and a little afraid of what comes next.",
    "It worries me more than I let on.",
    "Nobody seems to notice, which is the worst part.",
    "I had to laugh about it in the end.",
    "I do not sleep well when things are up in the air.",
    "I wish I had a better plan for it.",
    "I am grateful, and I never know how to say so.",
)
_SINCE = (
    "My sister says I think too much about such things.",
    "On Thursday I have to decide, and I still go back and forth.",
    "I went for a long walk by the canal, which helped a bit.",
    "My partner is away until Sunday, so the evenings are long.",
    "Yesterday I told a colleague, and she only nodded.",
    "The others just carried on as if nothing had happened.",
    "I have baked bread twice this week, only to have something to do.",
    "Next month I start the evening course, whatever happens.",
    "I called my mother, but we talked about the garden instead.",
    "There is a great deal to arrange, and I made a list this morning.",
)
_ASKED = (
    "What would you do?",
    "Does that make any sense?",
    "How do other people deal with this?",
    "I do not even know what I am asking.",
    "Should I bring it up again?",
    "Do you know that feeling?",
)
_SHORT = (
    "Yes, that is it.",
    "I had not thought of it like that.",
    "Not really, to be honest.",
    "Maybe. I will try.",
    "That is kind of you.",
    "No, it began long before that.",
)


def messages(seed: int) -> Iterator[str]:
    """Messages without end: one to four sentences, of more than ten thousand combinations.

    Args:
        seed: The same one gives the same messages.
    """
    draw = random.Random(seed)
    while True:
        if draw.random() < 0.15:  # noqa: PLR2004 - as often as people answer in a word or two
            yield draw.choice(_SHORT)
            continue
        parts = [draw.choice(_HAPPENED)]
        parts += [draw.choice(more) for more in (_FELT, _SINCE, _ASKED) if draw.random() < 0.5]  # noqa: PLR2004
        yield " ".join(parts)
