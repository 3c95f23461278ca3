"""The study `unlearn`: a topic that a language model shall not know once it is deployed."""
