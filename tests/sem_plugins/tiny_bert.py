"""A BERT of a few kilobytes with random weights, and words for it: training in seconds."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertConfig, BertModel

from sem_plugins.window import WindowMaker

__all__ = ["LOUD", "QUIET", "WARM", "tiny_base", "tiny_maker", "tiny_tokenizer"]

WARM = ("sun", "sand", "beach", "summer", "heat", "melon", "swim", "palm")
LOUD = ("drum", "horn", "shout", "crash", "bang", "siren", "thunder", "roar")
QUIET = ("snow", "moss", "whisper", "feather", "cloud", "dust", "shade", "pond")

_PIECES = (*"abcdefghijklmnopqrstuvwxyz.,", "##s", "##ed", "##ing", "##y")


def tiny_tokenizer() -> Tokenizer:
    """Word pieces for the words above, everything else is unknown; special tokens and marks lie where BERT's do."""
    marks = [f"[unused{number}]" for number in range(99)]
    pieces = ["[PAD]", *marks, "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WARM, *LOUD, *QUIET, *_PIECES]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def tiny_maker(max_tokens: int = 48) -> WindowMaker:
    """Windows of those words."""
    return WindowMaker(tiny_tokenizer(), max_tokens)


def tiny_base(folder: Path, *, seed: int = 1, layers: int = 2) -> Path:
    """A folder with `config.json`, `model.safetensors` and `tokenizer.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=192,
        type_vocab_size=2,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
