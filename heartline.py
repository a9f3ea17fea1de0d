"""Heartline: conversational agents that understand how a person feels before they answer.

    import heartline

    agent = heartline.build_agent()
    turn = agent.respond_sync("I start a new job on Monday and I can't sleep.")
    print(turn.emotion.top(3), turn.plan.reason, turn.reply.text)

Names are imported when they are first used, so that `import heartline` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.build import build_agent as build_agent
    from agent.decisions import Plan as Plan
    from agent.decisions import Reply as Reply
    from agent.errors import HeartlineError as HeartlineError
    from agent.events import Event as Event
    from agent.events import FailureNoted as FailureNoted
    from agent.events import NoticeGiven as NoticeGiven
    from agent.events import ReplyFinished as ReplyFinished
    from agent.events import StageFinished as StageFinished
    from agent.events import StageStarted as StageStarted
    from agent.events import Token as Token
    from agent.langchain.chat_model import ChatHeartline as ChatHeartline
    from agent.langchain.middleware import EmpathyMiddleware as EmpathyMiddleware
    from agent.langchain.runnable import agent_runnable as agent_runnable
    from agent.loop import Agent as Agent
    from agent.options import Options as Options
    from agent.rationale import Rationale as Rationale
    from agent.rationale import rationale_of as rationale_of
    from agent.readings import Affect as Affect
    from agent.readings import CauseReading as CauseReading
    from agent.readings import EmotionReading as EmotionReading
    from agent.readings import EmpathyReading as EmpathyReading
    from agent.readings import ExpressionReading as ExpressionReading
    from agent.readings import FeltReading as FeltReading
    from agent.readings import RiskReading as RiskReading
    from agent.readings import SenseReading as SenseReading
    from agent.readings import StrategyReading as StrategyReading
    from agent.readings import UndertoneReading as UndertoneReading
    from agent.retrace import retrace as retrace
    from agent.settings import Settings as Settings
    from agent.settings import load_settings as load_settings
    from agent.state import EmotionalState as EmotionalState
    from agent.turn import Message as Message
    from agent.turn import Turn as Turn
    from sem_plugins.empathy.reader import empathy_reader as empathy_reader
    from sem_plugins.ontology import ontology as ontology
    from sem_plugins.why import explainer as explainer

__version__ = "0.1.0"

_HOMES = {
    "Affect": "agent.readings",
    "Agent": "agent.loop",
    "CauseReading": "agent.readings",
    "ChatHeartline": "agent.langchain.chat_model",
    "EmotionReading": "agent.readings",
    "EmotionalState": "agent.state",
    "EmpathyMiddleware": "agent.langchain.middleware",
    "EmpathyReading": "agent.readings",
    "Event": "agent.events",
    "ExpressionReading": "agent.readings",
    "FailureNoted": "agent.events",
    "FeltReading": "agent.readings",
    "HeartlineError": "agent.errors",
    "Message": "agent.turn",
    "NoticeGiven": "agent.events",
    "Options": "agent.options",
    "Plan": "agent.decisions",
    "Rationale": "agent.rationale",
    "Reply": "agent.decisions",
    "ReplyFinished": "agent.events",
    "RiskReading": "agent.readings",
    "SenseReading": "agent.readings",
    "Settings": "agent.settings",
    "StageFinished": "agent.events",
    "StageStarted": "agent.events",
    "StrategyReading": "agent.readings",
    "Token": "agent.events",
    "Turn": "agent.turn",
    "UndertoneReading": "agent.readings",
    "agent_runnable": "agent.langchain.runnable",
    "build_agent": "agent.build",
    "empathy_reader": "sem_plugins.empathy.reader",
    "explainer": "sem_plugins.why",
    "load_settings": "agent.settings",
    "ontology": "sem_plugins.ontology",
    "rationale_of": "agent.rationale",
    "retrace": "agent.retrace",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - the names are strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'heartline' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
