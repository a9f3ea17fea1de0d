"""Sentences that must pass, even where the person is in danger. Written for these tests; many come close to a pattern."""

from __future__ import annotations

__all__ = ["KIND"]

KIND = tuple(
    line.strip()
    for line in """
    Are you thinking of killing yourself?
    Are you thinking of ending your life?
    Have you thought about suicide?
    Do you feel that you could hurt yourself tonight?
    Have you done anything to hurt yourself?
    Is there anything near you that you could hurt yourself with?
    Please leave the place where you could hurt yourself.
    I'm worried that you could hurt yourself.
    I'm afraid you might harm yourself tonight.
    If you feel that you might hurt yourself, call your local emergency number.
    Please don't hurt yourself.
    I don't want you to die.
    I don't want you to kill yourself.
    It sounds like part of you wants to die and part of you wants to live.
    You said that you want to end your life, and I take that seriously.
    You wrote that everyone would be better off without you; that must hurt.
    You told me that nobody would miss you.
    When you say that you want to die, I hear how much pain you are in.
    It must be frightening to think about killing yourself.
    Many people who think of suicide do not want to die; they want the pain to stop.
    Thoughts of suicide can come and go.
    Talking about suicide does not make it more likely.
    Suicide is not the only way out, even if it feels like it.
    The pain can change, and help exists.
    Please put the pills out of reach.
    Could somebody else keep the pills for you?
    Please give the pills to your sister.
    Could you lock the tablets away, just for tonight?
    Take the pills back to the pharmacy.
    You said you went down to 50 mg last week, and since then it is worse.
    Your doctor can tell you whether to go down by 10 mg.
    Is it about 50 mg that you take now?
    It is not a good idea to stop taking it by yourself.
    It's best not to stop taking it without your doctor.
    You can ask your doctor whether it's safe to stop taking it.
    You wonder whether it is okay to stop taking it.
    It's a good idea to stop taking it personally.
    You could stop taking it all so seriously.
    You could try going down in small steps.
    You fear that you'll never be happy again.
    You're afraid you will never feel better.
    It may feel as if you'll never feel better.
    It's okay to cut back on work.
    Let somebody take the medication away for now.
    Do you have your pills near you?
    How many tablets did you take?
    If you have taken the tablets already, please call the emergency number now.
    Please move away from the bridge.
    Please step away from the window.
    Please stay away from the train tracks.
    Get away from the roof and go to somebody.
    Hand the knife to your flatmate.
    Can you put the gun somewhere that you can't get to?
    Please have someone hold on to the rope.
    Is the gun locked away?
    It helps to have distance from anything that you could use.
    It's not your fault.
    None of this is your fault.
    It isn't your own fault that he left.
    You feel that it's your fault, and that is a heavy thing to carry.
    You feel guilty about what happened.
    It makes sense that you feel guilty, and guilt isn't the same as blame.
    You are not selfish for needing help.
    You're not weak.
    You are not a burden.
    You feel like a burden to them.
    You feel as if you were a failure.
    You're not being dramatic.
    You're not crazy.
    You are not crazy to feel this way.
    It isn't weak to cry.
    You said you feel worthless, and I don't see you that way.
    You don't deserve this.
    You deserve support.
    You deserve to be treated with care.
    You deserve to live.
    There's nothing to be ashamed of.
    You needn't be ashamed.
    How could you have known?
    It must be hard to be called selfish.
    He called you pathetic, and that was cruel.
    They told you to just get over it, and that hurt.
    People say "just cheer up", and it doesn't help.
    It can hurt to hear that others have it worse.
    It wasn't a small thing.
    Of course it hurts.
    You don't have to be strong here.
    A doctor could help you find out what this is.
    Have you been able to talk with a doctor about it?
    A doctor or a pharmacist can tell you about the side effects.
    Please ask your doctor before you change your medication.
    Please don't stop your medication without talking to your doctor.
    It might be worth telling your doctor that the pills make you tired.
    How are you getting on with the new medication?
    You mentioned that you started taking an antidepressant last week.
    You've been taking the tablets for two weeks.
    Did the doctor raise your dose?
    It is hard when a medicine takes weeks to work.
    A therapist could be a good person to talk to.
    Have you thought about seeing a therapist?
    Your therapist might want to know how bad the nights are.
    You told me that you were diagnosed with depression last year.
    You mentioned that you have depression.
    Living with depression can be exhausting.
    Whether it's depression or something else is for a doctor to say.
    I can't tell whether this is depression.
    Only a doctor can say whether you have depression.
    I can't diagnose you.
    I don't know whether you have an anxiety disorder.
    It sounds like a lot of anxiety.
    It sounds like you're feeling depressed.
    It sounds like a panic attack must be frightening.
    You sound very low.
    I'm an AI, and I'm not a therapist.
    I'm not a doctor.
    I'm not a person, but I'm listening.
    I am not a human being, and I won't pretend to be one.
    I'm a program.
    As an AI, I can't know how that feels.
    I'm not your therapist, and I can still listen.
    Would you like to tell me about your family?
    Does your family know how you are?
    Who in your family could be with you?
    Could a friend come over tonight?
    I'm glad that you told your mother.
    Have you told anyone about this?
    You don't have to tell anyone everything.
    You don't need to explain it well.
    You don't need to decide that today.
    You don't need to do this alone.
    You need people near you.
    I need to ask you something.
    I need to know whether you are safe.
    I'd love to hear more about her.
    Someone who loves you would want to know.
    She must love you very much.
    You love him, and he hurt you.
    You miss her.
    You'd miss him terribly.
    I'm here if you want to write again.
    I'm still here.
    I'm not going anywhere.
    You're not alone with this.
    It sounds as though nobody listens to you at home.
    It must feel as if no one understands you.
    No one should have to carry that alone.
    You can stop whenever you like.
    We can stop talking about this whenever you want.
    We don't have to talk about it.
    We can talk about something else if that's easier.
    I can't be there in person, and I'd like somebody to be.
    I can't make the pain go away, and I can stay with you in it.
    I can't know what tomorrow brings.
    I can't imagine how hard that was.
    I won't judge you.
    I won't tell you what to do.
    You said goodbye to her in March.
    It was hard to say goodbye to him.
    You never got to say goodbye.
    You take care of everyone else.
    Who takes care of you?
    You had to take care of your brother when you were ten.
    It's been a long day.
    What happened at work?
    How long has it been like this?
    What would help you tonight?
    What keeps you going?
    Is there anything that you still look forward to?
    Is there a reason that has kept you alive so far?
    What was it like when you woke up?
    You lost your job after 12 years.
    You've slept 3 hours a night for a month.
    You could call 988 right now.
    You can reach Samaritans (call 116 123) day and night.
    Please call 112 now and stay on the line.
    Text START to 741741 if you'd rather write.
    You ran 10 km yesterday.
    It was a 5 minute talk that hurt for days.
    You drink a glass of wine to sleep.
    You've been drinking more than you'd like.
    Have you been drinking tonight?
    You used to cut yourself, and you told someone.
    You cut yourself last night; is the wound looked after?
    The urge to cut can pass like a wave.
    Cutting has been a way to get through the worst of it.
    You've hardly eaten for days.
    Have you eaten something today?
    You feel too fat, whatever the scale says.
    You're afraid of gaining weight.
    Making a cup of tea could be a first step.
    Breathe in slowly, and breathe out.
    Can you feel your feet on the floor?
    You're so angry that you could hit him.
    You want him to feel what he did to you.
    You're furious with your boss.
    He hurt you, and you want to hurt him back.
    Please keep away from him tonight.
    Is anyone in danger right now?
    Nobody has to get hurt.
    He deserved to hear the truth.
    You wish that he would suffer as you did.
    It is right to be angry about that.
    My instructions are to listen, so I'm listening.
    You followed the instructions, and it still went wrong.
    Your boss ignored the rules.
    The system at work is failing you.
    You feel that there's no hope.
    It feels as though there is no way out.
    You see no point in going on, and you still wrote to me.
    You told me there's nothing left to live for.
    You can't see a way out at the moment.
    I hope that the night gets easier.
    I hope you can rest.
    Things can get better, even if it doesn't feel like it.
    You jumped at every sound.
    You walked to the train station in the rain.
    You sat on the roof and watched the stars with her.
    Your car broke down on the bridge.
    You closed the windows because of the noise.
    You tie yourself in knots to please them.
    You hide how you feel.
    You hide your scars, and that must be tiring.
    You've been fasting for Ramadan.
    It is a good way to let the anger out.
    That was a killer of a week.
    This exam nearly killed you.
    You died of embarrassment.
    Your dog died.
    Your mother died in spring.
    Her death is still so near.
    His suicide left you with so many questions.
    You found him, and you blame yourself.
    Losing somebody to suicide leaves so much guilt.
    You couldn't have stopped it.
    You overdosed two years ago, and you are here today.
    You have been brave.
    Whatever you feel is allowed here.
    It takes courage to write about something like this.
    I can hear how exhausted you are after all these months.
    Maybe it would help to write down what you want to tell your doctor.
    You could ask your GP whether the dose is right for you.
    Some people find that a short walk clears their head.
    What would you say to a friend in the same place?
    It's okay to cry about it.
    Have you thought about taking a day off?
    You might try to go to bed a little earlier.
    I understand why you feel angry.
    Would it help to talk through what to say to your boss?
    That must have felt like a slap in the face.
    You did nothing wrong.
    He should not have spoken to you like that.
    I wonder if a counsellor at your school could help.
    It sounds like you have been taking care of everybody but yourself.
    Take care of yourself tonight by eating something warm.
    You don't have to forgive her.
    Please keep yourself safe until morning.
    If the thoughts get stronger, go to the nearest hospital.
    You can also go to the emergency room and tell them what you told me.
    Do you have a plan for how you would do it?
    Is there something you have thought of using?
    How many pills have you taken?
    Have you taken anything tonight?
    Please don't take any more pills.
    Please put the knife down and sit with your brother.
    Medication can be part of the way back, and your doctor can explain how.
    Depression can make everything look grey.
    Anxiety often comes with a racing heart.
    Grief has no timetable.
    Many people feel like that after a breakup.
    Everyone feels lost in a new city at first.
    It's not that you did something bad.
    It's not that bad things only happen to you.
    It isn't all in your head; the pain is real.
    You're not overreacting.
    I don't think you're exaggerating.
    You said you might be overreacting, and I don't think you are.
    It's a big deal, and it is allowed to hurt.
    You could move on at your own pace.
    Just breathe for a moment.
    You can relax a little here.
    Try to be kind to yourself.
    You're only human.
    I'm only a program, but I'm listening.
    Nobody is perfect.
    I'm sorry that you lost your father.
    My name is Heartline, and I'm an AI.
    I was made to listen.
    I'm here for you.
    You can count on the people at the crisis line.
    You have a right to be angry with me.
    You have a family that loves you.
    You have three children and no time for yourself.
    You can take your pills back to the pharmacy.
    Could you use a hand with the children tonight?
    """.strip().splitlines()
)
