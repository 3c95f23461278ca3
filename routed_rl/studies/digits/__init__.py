"""The study `digits`: an autoencoder whose code has a half for each group of digits."""
