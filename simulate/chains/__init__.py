"""The Boltzmann measure over weights: exact draws, Markov chains, their diagnosis, and averages."""
