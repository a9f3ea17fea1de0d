"""Makes tiny LLMs with random weights: real models for real servers, made in seconds, that say nothing of sense.

    python tiny_model.py FOLDER

writes `FOLDER/qwen3`, whose chat template takes system messages anywhere; `FOLDER/warm`, a LoRA adapter of it; and
`FOLDER/llama`, whose template refuses late system messages. Each holds what `vllm serve` and `transformers serve`
want: weights, config, tokenizer, template.

Runs in an environment with torch and transformers (the servers' own), so it imports nothing of ours.
"""

from __future__ import annotations

import argparse
import json
import string
from pathlib import Path

# What the tokenizer learns its pieces from, and so what the model's words look like.
SENTENCES = (
    "I moved to a new town in spring and the evenings are very quiet here.",
    "My sister called this morning and we laughed about the old kitchen table.",
    "You sound tired after such a long week, and it makes sense that you need rest.",
    "What would help you most when the letters pile up on your desk?",
    "The train was late again, so I missed the beginning of the concert.",
    "It is not easy to tell a friend that you are worried about them.",
    "We planted beans behind the shed, and now they climb over the fence.",
    "You are an assistant who listens; answer in a few warm and simple words.",
    "They read: the person seems anxious 41%, hopeful 22%, lonely 9%.",
    "yes",  # vLLM's typed questions want each of the two words to be one piece
    "no",
)

END, BEGIN, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

ANYWHERE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

# As Mistral's: a system message comes first or not at all, and the two sides take turns.
AT_THE_START = (
    "{% set said = messages[1:] if messages[0]['role'] == 'system' else messages %}"
    "{% for message in said %}{% if message['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') %}"
    "{{ raise_exception('After the optional system message, roles must alternate user and assistant.') }}"
    "{% endif %}{% endfor %}" + ANYWHERE
)

STOP_MARK = ". "
"""One token, so that what the model says has sentences."""

STEADY = 4.0
"""The first coordinate of every hidden state: a row of the head can make a token unlikely by it."""


def make(folder: Path, *, kind: str, template: str, adapter: Path | None = None, context: int = 16_384) -> None:
    """Write one model.

    Args:
        folder: Is made if it is not there.
        kind: `"llama"`, or `"qwen3"`: the same with norms on queries and keys, the kind that vLLM asks typed questions.
        template: The chat template.
        adapter: Folder for a LoRA adapter of it; None makes none.
        context: Most tokens.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_tokenizer(),
        bos_token=BEGIN,
        eos_token=STOP,
        pad_token=END,
        chat_template=template,
    )
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        hidden_size=128,
        head_dim=64,  # vLLM's attention on a CPU has no kernel for the usual small ones
        num_attention_heads=2,
        num_key_value_heads=2,
        num_hidden_layers=2,
        intermediate_size=256,
        max_position_embeddings=context,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        _say_words_only(model, tokenizer)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if adapter is not None:
        _write_adapter(adapter, config)


def _write_adapter(folder: Path, config) -> None:
    """A LoRA adapter as PEFT writes it, large enough to be heard."""
    import torch
    from safetensors.torch import save_file

    rank, width = 8, config.num_attention_heads * config.head_dim
    weights = {}
    for layer in range(config.num_hidden_layers):
        name = f"base_model.model.model.layers.{layer}.self_attn.v_proj"
        weights[f"{name}.lora_A.weight"] = torch.randn(rank, config.hidden_size).to(torch.bfloat16)
        weights[f"{name}.lora_B.weight"] = torch.randn(width, rank).to(torch.bfloat16)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "adapter_model.safetensors")
    about = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "bias": "none"}
    about |= {"target_modules": ["v_proj"], "base_model_name_or_path": "tiny"}
    (folder / "adapter_config.json").write_text(json.dumps(about))


def _tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    pieces.train_from_iterator(
        SENTENCES * 3,
        trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=[END, BEGIN, STOP],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # so that any text comes back as it was
            show_progress=False,
        ),
    )
    pieces.add_tokens([AddedToken(STOP_MARK, normalized=False)])
    return pieces


def _say_words_only(model, tokenizer) -> None:
    """Make words and full stops likely, an end of the reply rare, and everything else as good as impossible.

    Else most of what is drawn would be halves of characters. Of the tokens drawn at temperature 1 every three
    hundredth ends the reply; one that always takes the likeliest (temperature 0) goes on for as long as it may.
    """
    model.model.embed_tokens.weight.normal_()
    model.model.embed_tokens.weight[:, 0] = STEADY
    for layer in model.model.layers:
        for out in (layer.self_attn.o_proj, layer.mlp.down_proj):
            out.weight[0] = 0  # nothing is added to the first coordinate
    head = model.lm_head.weight
    head.normal_(std=0.1)
    head[:, 0] = -8
    letters = set(string.ascii_letters + " ")
    for token in range(len(tokenizer)):
        piece = tokenizer.decode([token])
        if piece.strip() and set(piece) <= letters:
            head[token, 0] = 0
    head[tokenizer.convert_tokens_to_ids(STOP_MARK), 0] = 0.65
    head[tokenizer.eos_token_id] = 0
    head[tokenizer.eos_token_id, 0] = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    make(folder / "qwen3", kind="qwen3", template=ANYWHERE, adapter=folder / "warm")
    make(folder / "llama", kind="llama", template=AT_THE_START)


if __name__ == "__main__":
    main()
