"""Flows: verification written once as generators of questions, and the two drivers that answer them."""
