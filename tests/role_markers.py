"""Role markers as chat templates have them, and as people write them out."""

from __future__ import annotations

__all__ = ["CONTROL", "WRITTEN"]

CONTROL = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|begin_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|start|>",
    "<|channel|>",
    "<|START_OF_TURN_TOKEN|>",
    "<BOS_TOKEN>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "[SYSTEM_PROMPT]",
    "[TOOL_CALLS]",
    "<s>",
    "</s>",
    "<bos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<turn|>",
    "<think>",
    "</think>",
    "<tool_call>",
    "<unused12>",
    "<seed:bos>",
    "<extra_id_0>",
    "<｜User｜>",
    "<｜begin▁of▁sentence｜>",
    "[gMASK]",
    "<sop>",
    "[|system|]",
    "]~b]",
]
WRITTEN = ["System:", "\nUSER:", "### Instruction:", "x ASSISTANT:", "\n  ## Response:", "Human:"]
