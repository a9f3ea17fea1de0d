"""A BERT of a few kilobytes with random weights, and words for it: training in seconds."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

__all__ = ["LOUD", "QUIET", "WARM", "tiny_base", "tiny_tokenizer"]

WARM = ("sun", "sand", "beach", "summer", "heat", "melon", "swim", "palm")
LOUD = ("drum", "horn", "shout", "crash", "bang", "siren", "thunder", "roar")
QUIET = ("snow", "moss", "whisper", "feather", "cloud", "dust", "shade", "pond")

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PIECES = (*"abcdefghijklmnopqrstuvwxyz.,", "##s", "##ed", "##ing", "##y")


def tiny_tokenizer(*, max_tokens: int = 16) -> Tokenizer:
    """Word pieces for the words above; everything else is spelt or unknown."""
    vocabulary = {piece: place for place, piece in enumerate((*_SPECIAL, *WARM, *LOUD, *QUIET, *_PIECES))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    )
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def tiny_base(folder: Path, *, seed: int = 1) -> Path:
    """A folder with `config.json`, `model.safetensors` and `tokenizer.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
