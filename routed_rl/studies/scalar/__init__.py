"""The study `scalar`: one dimension of a language model as the dial of a word."""
