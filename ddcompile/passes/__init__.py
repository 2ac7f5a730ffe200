"""Passes: each takes a program and gives an equal one, with a witness that a checker can follow."""
