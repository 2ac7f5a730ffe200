"""Every pass on a program to which it applies (whole text in, whole text out) and on one that it must leave alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import ddcompile as dd
from ddcompile.analysis.cost import cost
from ddcompile.frontends.evaluate import evaluate
from ddcompile.ir.nodes import Rule, Unary
from ddcompile.ir.parser import parse
from ddcompile.ir.types import infer
from ddcompile.ir.verifier import verify
from ddcompile.passes.dce import Dce
from ddcompile.passes.options import Pass
from ddcompile.passes.pipeline import APART, DEFAULT, PASSES, run
from ddcompile.passes.rewrite import Rewrite, Witness, with_statements
from ddcompile.prove.checker import check_step
from ddcompile.testing.networks import network_of
from ddcompile.testing.structures import STRUCTURES


def _windows(changes: dict[tuple[int, int], int]) -> str:
    """Three neighbours each of nine on a ring, with some weights changed."""
    rows = [[int((i - u + 1) % 9 < 3) for i in range(9)] for u in range(9)]
    for (u, i), weight in changes.items():
        rows[u][i] = weight
    return str(rows)


# name of the case, pass, program, what the pass makes of it
APPLIES = [
    (
        "signs by two bits, some of them the opposite",
        "pairs",
        """rule f(t: trit[3]) -> (v: int, z: bit) {
  const T: int[8, 3] = [[1, 1, 1], [1, 1, 1], [1, -1, 0], [-1, 1, 0], [0, 1, -1], [0, -1, 1], [0, -1, -1], [0, -1, -1]]
  const b: int[8] = [0, 1, 1, 1, 2, -2, 0, 1]
  const U: int[8] = [2, 2, 1, -1, 3, -3, 1, 1]
  const V: int[8] = [1, 1, -2, 2, 1, -1, -2, -2]
  g[u < 8] = sum(i < 3: T[u, i] * t[i]) + b[u] > 0
  v = sum(u < 8: U[u] * g[u])
  z = sum(u < 8: V[u] * g[u]) > 0
}""",
        """rule f(t: trit[3]) -> (v: int, z: bit) {
  const weight_sign_g: int[4, 3] = [[1, 1, 1], [1, -1, 0], [0, 1, -1], [0, -1, -1]]
  const bias_sign_g: int[4] = [0, 0, 2, 0]
  const weight_v: int[4] = [2, 1, 3, 1]
  const weight_z: int[4] = [1, -2, 1, -2]
  sign_g[u < 4] = sign(sum(i < 3: weight_sign_g[u, i] * t[i]) + bias_sign_g[u])
  v = sum(i < 4: weight_v[i] * sign_g[i]) + 3
  z = sum(i < 4: weight_z[i] * sign_g[i]) >= 2
}""",
    ),
    (
        "relus that differ in what is added, and signs by two bits",
        "pairs",
        """rule f(x: int[-9..9][3], t: trit[3]) -> (v: rat, z: bit, w: int) {
  const W: rat[5, 3] = [[1.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
  const b: rat[5] = [2.0, -1.5, 0.0, -1.0, 3.0]
  const V: rat[5] = [0.5, -1.0, 1.0, 1.0, -1.0]
  const T: int[3, 3] = [[1, 1, 1], [-1, -1, -1], [1, -1, 0]]
  const U: int[3] = [2, -2, 1]
  h[u < 5] = relu(sum(i < 3: W[u, i] * x[i]) + b[u])
  g[u < 3] = sum(i < 3: T[u, i] * t[i]) > 0
  v = sum(u < 5: V[u] * h[u])
  z = sum(u < 3: U[u] * g[u]) > 0
  w = sum(u < 3: U[u] * g[u])
}""",
        """rule f(x: int[-9..9][3], t: trit[3]) -> (v: rat, z: bit, w: int) {
  const weight_h: int[1, 3] = [[0, 1, 1]]
  const weight_clamp_h: int[1, 3] = [[0, 1, 1]]
  const weight_clamp_h2: int[1, 3] = [[1, 0, 0]]
  const weight_g: int[1, 3] = [[1, -1, 0]]
  const weight_sign_g: int[1, 3] = [[1, 1, 1]]
  const weight_v: int[1] = [1]
  const weight_v2: int[1] = [-1]
  const weight_v3: rat[1] = [0.5]
  const weight_z: int[1] = [1]
  const weight_z2: int[1] = [2]
  const weight_w: int[1] = [1]
  const weight_w2: int[1] = [2]
  h[u < 1] = relu(sum(i < 3: weight_h[u, i] * x[i]) - 1)
  clamp_h[u < 1] = max(min(sum(i < 3: weight_clamp_h[u, i] * x[i]) + 3, 3), 0)
  clamp_h2[u < 1] = max(min(sum(i < 3: weight_clamp_h2[u, i] * x[i]) + 2, 5), 0)
  g[u < 1] = sum(i < 3: weight_g[u, i] * t[i]) >= 1
  sign_g[u < 1] = sign(sum(i < 3: weight_sign_g[u, i] * t[i]))
  v = sum(i < 1: weight_v[i] * h[i]) + sum(i < 1: weight_v2[i] * clamp_h[i]) + sum(i < 1: weight_v3[i] * clamp_h2[i])
  z = sum(i < 1: weight_z[i] * g[i]) + sum(i < 1: weight_z2[i] * sign_g[i]) >= 1
  w = sum(i < 1: weight_w[i] * g[i]) + sum(i < 1: weight_w2[i] * sign_g[i])
}""",
    ),
    (
        "elements at the end that read around it",
        "widen",
        """rule f(s: spin[9], x: bit[5]) -> (t: bit[9], u: int[5]) {
  t[i < 8] = s[i] + s[i + 1] != 0
  t[8] = s[0] + s[8] != 0
  u[0] = x[0] + 2 * x[4] - 3
  u[1 <= i < 5] = x[i] + 2 * x[i - 1] - 3
}""",
        """rule f(s: spin[9], x: bit[5]) -> (t: bit[9], u: int[5]) {
  t[i < 9] = s[i] + s[(i + 1) % 9] != 0
  u[i < 5] = x[i] + 2 * x[(i - 1) % 5] - 3
}""",
    ),
    (
        "a long value that is all of its only reader",
        "inline",
        """rule f(x: int[0..9][6, 6]) -> (y: int[3, 3]) {
  larger[i < 3, j < 3] = max(x[2 * i, 2 * j], x[2 * i + 1, 2 * j], x[2 * i, 2 * j + 1], x[2 * i + 1, 2 * j + 1])
  y[i < 3, j < 3] = larger[i, j]
}""",
        """rule f(x: int[0..9][6, 6]) -> (y: int[3, 3]) {
  y[i < 3, j < 3] = max(x[2 * i, 2 * j], x[2 * i + 1, 2 * j], x[2 * i, 2 * j + 1], x[2 * i + 1, 2 * j + 1])
}""",
    ),
    (
        "relus of sums and of their negations, added and subtracted",
        "pairs",
        """rule f(x: int[0..5][3]) -> (y: bit, z: int, w: bit) {
  const W: int[5, 3] = [[-1, 1, 0], [1, 1, 1], [1, -1, 0], [2, -2, 2], [-1, 1, -1]]
  const V: int[5] = [2, 1, 2, 1, 2]
  const U: int[5] = [1, 0, -1, 1, -2]
  const T: int[5] = [1, 0, -1, 0, 0]
  h[u < 5] = relu(sum(i < 3: W[u, i] * x[i]))
  y = sum(u < 5: V[u] * h[u]) - 7 > 0
  z = sum(u < 5: U[u] * h[u])
  w = sum(u < 5: T[u] * h[u]) > 1
}""",
        """rule f(x: int[0..5][3]) -> (y: bit, z: int, w: bit) {
  const weight_h: int[1, 3] = [[1, 1, 1]]
  const weight_abs_h: int[2, 3] = [[1, -1, 0], [2, -2, 2]]
  const weight_affine_h: int[2, 3] = [[1, -1, 0], [2, -2, 2]]
  const weight_y: int[1] = [1]
  const weight_y2: int[2] = [2, 1]
  const weight_z: int[2] = [-1, 1]
  const weight_w: int[2] = [-1, 0]
  h[u < 1] = relu(sum(i < 3: weight_h[u, i] * x[i]))
  abs_h[u < 2] = abs(sum(i < 3: weight_abs_h[u, i] * x[i]))
  affine_h[u < 2] = sum(i < 3: weight_affine_h[u, i] * x[i])
  y = sum(i < 1: weight_y[i] * h[i]) + sum(i < 2: weight_y2[i] * abs_h[i]) >= 8
  z = sum(i < 2: weight_z[i] * affine_h[i])
  w = sum(i < 2: weight_w[i] * affine_h[i]) >= 2
}""",
    ),
    (
        "opposites under other activations, one with both readings",
        "pairs",
        """rule f(x: spin[3]) -> (y: rat[2], z: spin) {
  const W: int[2, 3] = [[1, -1, 2], [-1, 1, -2]]
  const b: int[2] = [1, -1]
  const V: rat[2, 2] = [[0.5, 0.5], [-0.25, 0.25]]
  const U: int[2] = [3, 3]
  h[u < 2] = relu(sum(i < 3: W[u, i] * x[i]) + b[u])
  y[t < 2] = sum(u < 2: V[t, u] * h[u])
  z = sign(sum(u < 2: U[u] * h[u]) - 4)
}""",
        """rule f(x: spin[3]) -> (y: rat[2], z: spin) {
  const weight_abs_h: int[1, 3] = [[1, -1, 2]]
  const weight_affine_h: int[1, 3] = [[1, -1, 2]]
  const weight_y: rat[2, 1] = [[0.5], [0.0]]
  const weight_y2: rat[2, 1] = [[0.0], [-0.25]]
  const weight_z: int[1] = [3]
  abs_h[u < 1] = abs(sum(i < 3: weight_abs_h[u, i] * x[i]) + 1)
  affine_h[u < 1] = sum(i < 3: weight_affine_h[u, i] * x[i]) + 1
  y[t < 2] = sum(i < 1: weight_y[t, i] * abs_h[i]) + sum(i < 1: weight_y2[t, i] * affine_h[i])
  z = sign(sum(i < 1: weight_z[i] * abs_h[i]) - 4)
}""",
    ),
    (
        "the sum of two values less the larger one",
        "extremes",
        """rule f(x: int[0..5][4], z: int[0..3][4]) -> (y: int[4], w: int[4], v: int, u: int[4]) {
  y[i < 4] = max(x[i], z[i])
  w[i < 4] = x[i] + z[i] - y[i]
  v = x[0] + z[1] + 3 - max(x[0] + 3, z[1]) + x[2]
  u[i < 4] = 2 * y[i] + x[i] - 2 * x[i] - 2 * z[i]
}""",
        """rule f(x: int[0..5][4], z: int[0..3][4]) -> (y: int[4], w: int[4], v: int, u: int[4]) {
  y[i < 4] = max(x[i], z[i])
  w[i < 4] = min(x[i], z[i])
  v = x[2] + min(x[0] + 3, z[1])
  u[i < 4] = x[i] - 2 * min(x[i], z[i])
}""",
    ),
    (
        "a value that is a tensor already",
        "cse",
        """rule f(x: bit[9, 9]) -> (y: int[9], w: bit[9], v: bit[9]) {
  y[i < 9] = sum(j < 9: x[i, j]) + 2
  w[k < 9] = sum(i < 9: x[k, i]) + 2 > 5
  v[k < 9] = sum(i < 9: x[(k + 1) % 9, i]) + 2 > 5
}""",
        """rule f(x: bit[9, 9]) -> (y: int[9], w: bit[9], v: bit[9]) {
  y[i < 9] = sum(j < 9: x[i, j]) + 2
  w[k < 9] = y[k] > 5
  v[k < 9] = w[(k + 1) % 9]
}""",
    ),
    (
        "a value that a later tensor has",
        "cse",
        """rule f(x: bit[9, 9]) -> (v: bit[9], w: bit[9], y: int[9]) {
  v[k < 9] = sum(i < 9: x[(k + 1) % 9, i]) + 2 > 5
  w[k < 9] = sum(i < 9: x[k, i]) + 2 > 4
  y[i < 9] = sum(j < 9: x[i, j]) + 2
}""",
        """rule f(x: bit[9, 9]) -> (v: bit[9], w: bit[9], y: int[9]) {
  shared[j < 9] = sum(i < 9: x[j, i]) + 2
  v[k < 9] = shared[(k + 1) % 9] > 5
  w[k < 9] = shared[k] > 4
  y[i < 9] = shared[i]
}""",
    ),
    (
        "a reader of no unit among those of halves",
        "rescale",
        """rule f(x: int[0..3][2]) -> (y: bit[3]) {
  const W: rat[2, 2] = [[0.5, -0.5], [-0.5, 0.5]]
  const V: rat[3, 2] = [[1, 1], [0, 0], [1, -1]]
  const b: rat[3] = [-1.0, 0.0, -0.5]
  h[u < 2] = relu(sum(i < 2: W[u, i] * x[i]))
  y[t < 3] = sum(u < 2: V[t, u] * h[u]) + b[t] >= 0
}""",
        """rule f(x: int[0..3][2]) -> (y: bit[3]) {
  const weight_h: int[2, 2] = [[1, -1], [-1, 1]]
  const weight_y: int[3, 2] = [[1, 1], [0, 0], [1, -1]]
  const bound_y: int[3] = [2, 0, 1]
  h[u < 2] = relu(sum(i < 2: weight_h[u, i] * x[i]))
  y[t < 3] = sum(i < 2: weight_y[t, i] * h[i]) >= bound_y[t]
}""",
    ),
    (
        "far from zero",
        "logic",
        """rule f(x: int[0..3][9], r: rat) -> (y: bit[7], z: bit[3]) {
  y[i < 7] = not -2 <= x[i] - x[i + 2] <= 2
  z[0] = -2 <= x[0] - x[1] <= 2
  z[1] = not -2 <= x[0] - x[1] <= 1
  z[2] = not -2 <= r <= 2
}""",
        """rule f(x: int[0..3][9], r: rat) -> (y: bit[7], z: bit[3]) {
  y[i < 7] = abs(x[i] - x[i + 2]) > 2
  z[0] = -2 <= x[0] - x[1] <= 2
  z[1] = not -2 <= x[0] - x[1] <= 1
  z[2] = not -2 <= r <= 2
}""",
    ),
    (
        "places that move twice",
        "inline",
        """rule f(x: bit[9]) -> (y: bit[7]) {
  h[i < 8] = not x[i + 1]
  y[i < 7] = h[i + 1] or x[i]
}""",
        """rule f(x: bit[9]) -> (y: bit[7]) {
  y[i < 7] = not x[i + 2] or x[i]
}""",
    ),
    (
        "results that share no units",
        "apart",
        """rule f(x: bit[4]) -> (y: bit[2], z: bit) {
  const w: int[3, 4] = [[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
  const v: int[2, 3] = [[1, 0, 1], [-1, 0, 1]]
  const t: int[3] = [0, 1, 0]
  layer1[u < 3] = sum(i < 4: w[u, i] * x[i]) >= 1
  y[u < 2] = sum(i < 3: v[u, i] * layer1[i]) >= 1
  z = sum(i < 3: t[i] * layer1[i]) >= 1
}""",
        """rule f(x: bit[4]) -> (y: bit[2], z: bit) {
  const weight_layer1_2: int[2, 4] = [[1, 1, 0, 0], [0, 0, 1, 1]]
  const weight_y: int[2, 2] = [[1, 1], [-1, 1]]
  const weight_layer1: int[4] = [0, 1, 1, 1]
  const weight_z: int = 1
  layer1_2[u < 2] = sum(i < 4: weight_layer1_2[u, i] * x[i]) >= 1
  y[u < 2] = sum(i < 2: weight_y[u, i] * layer1_2[i]) >= 1
  layer1 = sum(i < 4: weight_layer1[i] * x[i]) >= 1
  z = weight_z * layer1 >= 1
}""",
    ),
    (
        "a first rung of which the last operand moves with the time",
        "ladder",
        """rule f(x: bit[5]) -> (y: trit[4]) {
  second = x[0] and x[1]
  third = x[2] and second
  fourth = x[3] and third
  y[0] = sign(2 * second - 1)
  y[1] = sign(2 * third - 1)
  y[2] = sign(2 * fourth - 1)
  y[3] = sign(2 * (x[4] + fourth >= 2) - 1)
}""",
        """rule f(x: bit[5]) -> (y: trit[4]) {
  state[i < 4] = x[i] and pad(state, 1)[i - 1]
  y[0] = sign(2 * state[1] - 1)
  y[1] = sign(2 * state[2] - 1)
  y[2] = sign(2 * state[3] - 1)
  y[3] = sign(2 * (x[4] + state[3] >= 2) - 1)
}""",
    ),
    (
        "relus and absolute values by powers of two",
        "rescale",
        """rule f(x: int[0..5][2]) -> (y: bit, z: bit) {
  const W: rat[2, 2] = [[0.5, -0.5], [-2, 2]]
  const V: rat[2] = [2, 0.5]
  const U: rat[2] = [4, 1]
  h[u < 2] = relu(sum(i < 2: W[u, i] * x[i]))
  y = sum(u < 2: V[u] * h[u]) - 1.5 > 0
  z = sum(u < 2: U[u] * h[u]) - 4 >= 0
}""",
        """rule f(x: int[0..5][2]) -> (y: bit, z: bit) {
  const weight_h: int[2, 2] = [[1, -1], [-1, 1]]
  const weight_y: int[2] = [1, 1]
  const weight_z: int[2] = [1, 1]
  h[u < 2] = relu(sum(i < 2: weight_h[u, i] * x[i]))
  y = sum(i < 2: weight_y[i] * h[i]) >= 2
  z = sum(i < 2: weight_z[i] * h[i]) >= 2
}""",
    ),
    (
        "a chain in one value, for every column",
        "links",
        """rule f(a: bit[5, 3], b: bit[5, 3]) -> (y: bit[3]) {
  y[k < 3] = b[4, k] > ((((a[0, k] > b[0, k]) + a[1, k] > b[1, k]) + a[2, k] > b[2, k]) + a[3, k] > b[3, k]) + a[4, k]
}""",
        """rule f(a: bit[5, 3], b: bit[5, 3]) -> (y: bit[3]) {
  link[k < 3] = a[0, k] > b[0, k]
  link2[k < 3] = link[k] + a[1, k] > b[1, k]
  link3[k < 3] = link2[k] + a[2, k] > b[2, k]
  link4[k < 3] = link3[k] + a[3, k] > b[3, k]
  y[k < 3] = b[4, k] > link4[k] + a[4, k]
}""",
    ),
    (
        "a beginning that is read one before",
        "prefixes",
        """rule f(x: bit[5]) -> (y: bit[5]) {
  every[i < 4] = all(j < i + 1: x[j])
  y[i < 5] = x[i] xor pad(every, 1)[i - 1]
}""",
        """rule f(x: bit[5]) -> (y: bit[5]) {
  every[i < 5] = all(j < i: x[j])
  y[i < 5] = x[i] xor every[i]
}""",
    ),
    (
        "units that are one function of what is about them, at borders, and the other way round",
        "arrange",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const w: int[4, 4] = [[0, 1, 1, 1], [0, 0, 1, 1], [1, 1, 1, 0], [-1, -1, 0, 0]]
  const b: int[4] = [2, 2, 2, -1]
  const v: int[2, 4] = [[1, 1, 1, -1], [1, 1, 0, 0]]
  const c: int[2] = [2, 2]
  layer1[u < 4] = sum(i < 4: w[u, i] * x[i]) >= b[u]
  y[u < 2] = sum(i < 4: v[u, i] * layer1[i]) >= c[u]
}""",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const weight_sum_of_state: int[4, 4] = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
  const weight_y: int[2, 4] = [[1, 1, 1, 1], [0, 0, 1, 1]]
  const bound_y: int[2] = [3, 2]
  sum_of_state[i < 4] = sum(j < 4: weight_sum_of_state[i, j] * x[j])
  state[i < 4] = sum_of_state[i] >= 2
  y[u < 2] = sum(i < 4: weight_y[u, i] * state[i]) >= bound_y[u]
}""",
    ),
    (
        "ones about a tensor, in bounds and beside sums",
        "pads",
        """rule f(x: bit[7], z: bit[4, 4]) -> (y: bit[7], w: int[4, 4]) {
  const bias: int[4, 4] = [[5, 3, 3, 5], [3, 0, 0, 3], [3, 0, 0, 3], [5, 3, 3, 5]]
  y[i < 7] = sum(k < 3: pad(x, 0)[i + k - 1]) >= (if i == 0 or i == 6 then 1 else 2)
  w[i < 4, j < 4] = sum(k < 3, l < 3: pad(z, 0)[i + k - 1, j + l - 1]) + bias[i, j]
}""",
        """rule f(x: bit[7], z: bit[4, 4]) -> (y: bit[7], w: int[4, 4]) {
  y[i < 7] = sum(k < 3: pad(x, 1)[i + k - 1]) >= 2
  w[i < 4, j < 4] = sum(k < 3, l < 3: pad(z, 1)[i + k - 1, j + l - 1])
}""",
    ),
    (
        "signs as differences of what is more and what is less",
        "narrow",
        """rule f(x: trit[5], s: spin[3]) -> (y: trit[2], z: trit) {
  const w: int[4, 5] = [[1, 1, 1, 0, 0], [-1, -1, -1, 0, 0], [-1, 0, 0, 1, 2], [1, 0, 0, -1, -2]]
  const v: int[2, 4] = [[1, -1, 0, 0], [0, 0, -1, 1]]
  const a: int[2, 3] = [[1, 1, 1], [1, 1, 1]]
  const c: int[2] = [2, 1]
  const t: int[2] = [1, 1]
  layer1[u < 4] = sum(i < 5: w[u, i] * x[i]) >= 1
  y[u < 2] = sum(i < 4: v[u, i] * layer1[i])
  layer2[k < 2] = sum(i < 3: a[k, i] * s[i]) >= c[k]
  z = sum(i < 2: t[i] * layer2[i]) - 1
}""",
        """rule f(x: trit[5], s: spin[3]) -> (y: trit[2], z: trit) {
  const w: int[4, 5] = [[1, 1, 1, 0, 0], [-1, -1, -1, 0, 0], [-1, 0, 0, 1, 2], [1, 0, 0, -1, -2]]
  const a: int[2, 3] = [[1, 1, 1], [1, 1, 1]]
  const c: int[2] = [2, 1]
  const weight_y: int[2, 5] = [[1, 1, 1, 0, 0], [1, 0, 0, -1, -2]]
  const weight_z: int[3] = [1, 1, 1]
  layer1[u < 4] = sum(i < 5: w[u, i] * x[i]) >= 1
  y[u < 2] = sign(sum(i < 5: weight_y[u, i] * x[i]))
  layer2[k < 2] = sum(i < 3: a[k, i] * s[i]) >= c[k]
  z = sign(sum(i < 3: weight_z[i] * s[i]) - 1)
}""",
    ),
    (
        "a run of elements that is what the other one says there",
        "widen",
        """rule f(x: bit[7]) -> (y: bit[7]) {
  many[i < 5] = sum(j < i + 2: x[j]) >= 2
  y[i < 2] = 0
  y[2 <= i < 7] = x[i] and many[i - 2]
}""",
        """rule f(x: bit[7]) -> (y: bit[7]) {
  many[i < 5] = sum(j < i + 2: x[j]) >= 2
  y[i < 7] = x[i] and pad(many, 0)[i - 2]
}""",
    ),
    (
        "families that their readers reach beyond, of windows that are too short there",
        "extend",
        """rule f(x: bit[9], z: bit[6, 6]) -> (y: bit[9], w: bit[6, 6]) {
  most[i < 7] = sum(j in -1..3: pad(x, 0)[i + j]) >= 4
  full[i < 5] = sum(j < 5: x[i + j]) >= 5
  block[i < 4, j < 4] = sum(k < 3, l < 3: z[i + k, j + l])
  many[k < 2, i < 4, j < 4] = block[i, j] - z[i + 1, j + 1] >= k + 6
  y[i < 9] = sum(j in -2..2: pad(x, 0)[i + j]) >= 3 and pad(most, 0)[i - 1] >= pad(full, 0)[i - 2]
  w[i < 6, j < 6] = pad(many, 0)[0, i - 1, j - 1] > pad(many, 0)[1, i - 1, j - 1]
}""",
        """rule f(x: bit[9], z: bit[6, 6]) -> (y: bit[9], w: bit[6, 6]) {
  most[i < 9] = sum(j in -2..2: pad(x, 0)[i + j]) >= 4
  full[i < 9] = sum(j in -2..2: pad(x, 0)[i + j]) >= 5
  many[k < 2, i < 6, j < 6] = sum(p < 3, l < 3: pad(z, 0)[i + p - 1, j + l - 1]) - z[i, j] - k >= 6
  y[i < 9] = sum(j in -2..2: pad(x, 0)[i + j]) >= 3 and most[i] >= full[i]
  w[i < 6, j < 6] = many[0, i, j] > many[1, i, j]
}""",
    ),
    (
        "places in tables that are affine, and elements of flat tensors",
        "fold",
        """rule f(x: bit[4, 6], z: bit[2, 3, 4]) -> (y: bit[4], u: bit[3], v: bit[4], w: bit[2, 3]) {
  const at: int[8] = [4, 3, 3, 2, 2, 1, 1, 0]
  const weight: int[2, 3] = [[2, 4, 6], [5, 5, 5]]
  y[i < 4] = x[i, at[2 * i]] and x[at[i + 2], 1] and x[at[2 * i + 1], 0]
  u[i < 3] = weight[0, i] + weight[1, i] * i >= weight[0, 2 - i] + 7
  v[i < 4] = any(j < 4: pad(x, 0)[j, 6 * i - 6 * j + 5]) and any(j < 4: pad(x, 0)[j, i - 6 * j + 7])
  w[i < 2, j < 3] = any(k < 2, l < 3: pad(z, 0)[k, l, 12 * i + 4 * j - 12 * k - 4 * l + 2])
}""",
        """rule f(x: bit[4, 6], z: bit[2, 3, 4]) -> (y: bit[4], u: bit[3], v: bit[4], w: bit[2, 3]) {
  const at: int[8] = [4, 3, 3, 2, 2, 1, 1, 0]
  y[i < 4] = x[i, 4 - i] and x[at[i + 2], 1] and x[3 - i, 0]
  u[i < 3] = i >= 2
  v[i < 4] = x[i, 5] and x[1, i + 1]
  w[i < 2, j < 3] = z[i, j, 2]
}""",
    ),
    (
        "reductions beside operands that continue them",
        "collect",
        """rule f(a: bit[9], b: bit[9]) -> (y: bit[3], z: int) {
  y[0] = a[4] == b[4] and a[3] == b[3] and all(i < 3: a[i] == b[i]) and a[5] == b[5]
  y[1] = all(2 <= i < 6: a[i]) and all(i < 2: a[i])
  y[2] = a[0] or any(i < 3: a[i + 1]) or b[7]
  z = sum(i < 3: a[i] * b[i]) + a[3] * b[3] + a[4] * b[4]
}""",
        """rule f(a: bit[9], b: bit[9]) -> (y: bit[3], z: int) {
  y[0] = all(j < 6: a[j] == b[j])
  y[1] = all(j < 6: a[j])
  y[2] = any(j < 4: a[j]) or b[7]
  z = sum(j < 5: a[j] * b[j])
}""",
    ),
    (
        "exceptions that are none",
        "widen",
        """rule f(x: bit[5, 5]) -> (y: bit[5, 5], z: bit[5]) {
  y[i < 5, j < 5] = if i == 0 and j == 0 then 0 else if i == 4 and j == 0 then x[4, 1] else pad(x, 0)[i - 1, j - 1]
  z[i < 5] = if i == 4 then x[4, 4] else pad(x, 0)[i, 4] or pad(x, 0)[i + 1, 4]
}""",
        """rule f(x: bit[5, 5]) -> (y: bit[5, 5], z: bit[5]) {
  y[i < 5, j < 5] = if i == 4 and j == 0 then x[4, 1] else pad(x, 0)[i - 1, j - 1]
  z[i < 5] = pad(x, 0)[i, 4] or pad(x, 0)[i + 1, 4]
}""",
    ),
    (
        "borders of a grid where bounds cannot be reached",
        "widen",
        """rule f(x: bit[5, 5]) -> (y: bit[5, 5]) {
  y[0, 0] = 0
  y[0, 1 <= j < 4] = sum(i < 2, k < 3: x[i, j + k - 1]) >= 5
  y[0, 4] = 0
  y[1 <= i < 4, 0] = sum(k < 3, j < 2: x[i + k - 1, j]) >= 5
  y[1 <= i < 4, 1 <= j < 4] = 5 <= sum(k < 3, l < 3: x[i + k - 1, j + l - 1]) <= 7
  y[1 <= i < 4, 4] = sum(k < 3, 3 <= j < 5: x[i + k - 1, j]) >= 5
  y[4, 0] = 0
  y[4, 1 <= j < 4] = sum(3 <= i < 5, k < 3: x[i, j + k - 1]) >= 5
  y[4, 4] = 0
}""",
        """rule f(x: bit[5, 5]) -> (y: bit[5, 5]) {
  y[i < 5, j < 5] = 5 <= sum(k < 3, l < 3: pad(x, 0)[i + k - 1, j + l - 1]) <= 7
}""",
    ),
    (
        "truths over what only they read",
        "logic",
        """rule f(x: spin[4, 4], b: bit[3, 3]) -> (y: bit, z: bit) {
  row[i < 4] = sum(j < 4: x[i, j])
  rows[j < 2] = sum(i < 4: row[i] + 2 * j >= 0)
  count = sum(j < 3: all(i < 3: b[i, j]))
  every[j < 2] = b[0, 2 - 2 * j] and b[1, 1] and b[2, 2 * j]
  y = rows[1] - rows[0] >= 4
  z = count + every[0] + every[1] >= 1
}""",
        """rule f(x: spin[4, 4], b: bit[3, 3]) -> (y: bit, z: bit) {
  row[i < 4] = sum(j < 4: x[i, j])
  y = all(i < 4: row[i] >= -2 and row[i] < 0)
  z = any(j < 3: all(i < 3: b[i, j])) or b[0, 2] and b[1, 1] and b[2, 0] or b[0, 0] and b[1, 1] and b[2, 2]
}""",
    ),
    (
        "sums of several bits for each result, over what only it reads",
        "logic",
        """rule f(x: bit[2, 3, 3]) -> (y: bit[2], z: bit[2], w: bit[2]) {
  row[i < 2, j < 3] = all(k < 3: x[i, j, k])
  column[i < 2, k < 3] = all(j < 3: x[i, j, k])
  corner[i < 2] = all(j < 3: x[i, j, 2 - j])
  y[i < 2] = corner[i] + sum(j < 3: row[i, j] + column[i, j]) >= 1
  z[i < 2] = sum(j < 3, k < j + 1: x[i, j, k] - x[i, k, j]) <= -6
  w[i < 2] = sum(j < 3, k < 3: 2 * x[i, j, k] - x[1 - i, k, j]) >= 18
}""",
        """rule f(x: bit[2, 3, 3]) -> (y: bit[2], z: bit[2], w: bit[2]) {
  y[i < 2] = all(l < 3: x[i, l, 2 - l]) or any(j < 3: all(k < 3: x[i, j, k]) or all(m < 3: x[i, m, j]))
  z[i < 2] = sum(j < 3, k < j + 1: x[i, j, k] - x[i, k, j]) <= -6
  w[i < 2] = all(j < 3, k < 3: x[i, j, k] and not x[1 - i, k, j])
}""",
    ),
    (
        "opposites, and sums at an end of their range",
        "logic",
        """rule f(a: bit[4], b: bit[4], s: bit[2]) -> (y: bit[9], z: bit[4], w: bit) {
  y[0] = (a[0] xor b[0]) + (a[1] xor b[1]) + any(i < 2: a[i] xor s[i]) <= 0 and a[2] == b[2]
  y[1] = not (a[0] or not (a[1] and not s[0]) or s[1])
  y[2] = sum(i < 4: a[i]) + s[0] >= 5
  y[3] = sum(i < 4: a[i] xor b[i]) <= 0
  y[4] = 3 * a[0] + 2 * a[1] - 4 * s[0] >= 5
  y[5] = 3 * a[0] + 2 * sum(i < 4: b[i]) - s[0] >= 0
  y[6] = not (a[0] xor not b[0])
  y[7] = (not a[0]) == (not b[0])
  y[8] = 0 <= a[0] + a[1] < 2 and a[2] + a[3] <= 1
  z[i < 4] = sum(j < i: a[j] xor b[j]) < 1
  w = not any(i < 4: not all(j < 4: a[i] or b[j]))
}""",
        """rule f(a: bit[4], b: bit[4], s: bit[2]) -> (y: bit[9], z: bit[4], w: bit) {
  y[0] = a[0] == b[0] and a[1] == b[1] and all(i < 2: a[i] == s[i]) and a[2] == b[2]
  y[1] = not a[0] and a[1] and not s[0] and not s[1]
  y[2] = all(i < 4: a[i]) and s[0]
  y[3] = all(i < 4: a[i] == b[i])
  y[4] = a[0] and a[1] and not s[0]
  y[5] = a[0] or any(i < 4: b[i]) or not s[0]
  y[6] = a[0] xor b[0]
  y[7] = a[0] == b[0]
  y[8] = 0 <= a[0] + a[1] < 2 and a[2] + a[3] <= 1
  z[i < 4] = all(j < i: a[j] == b[j])
  w = all(i < 4: all(j < 4: a[i] or b[j]))
}""",
    ),
    (
        "the largest in rounds of pairs",
        "larger",
        """rule f(x: int[0..9][8]) -> (y: int) {
  excess[i < 4] = relu(x[2 * i] - x[2 * i + 1])
  copy[i < 2] = excess[2 * i + 1]
  more[i < 2] = relu(x[4 * i + 1] - x[4 * i + 3] + (excess[2 * i] - excess[2 * i + 1]))
  y = max(x[3] + copy[0] + more[0], x[7] + copy[1] + more[1])
}""",
        """rule f(x: int[0..9][8]) -> (y: int) {
  excess_larger[i < 4] = max(x[2 * i], x[2 * i + 1])
  more_larger[i < 2] = max(excess_larger[2 * i], excess_larger[2 * i + 1])
  y = max(more_larger[0], more_larger[1])
}""",
    ),
    (
        "what two sums have in common",
        "larger",
        """rule f(x: int[-9..9][4], z: int[-9..9][4]) -> (y: int[4], w: int[4]) {
  excess[i < 4] = relu(2 * x[i] - z[i] - 1)
  y[i < 4] = 2 * x[i] - excess[i]
  w[i < 4] = 3 * excess[i] - 6 * x[i]
}""",
        """rule f(x: int[-9..9][4], z: int[-9..9][4]) -> (y: int[4], w: int[4]) {
  excess_larger[i < 4] = min(2 * x[i], z[i] + 1)
  y[i < 4] = excess_larger[i]
  w[i < 4] = -3 * excess_larger[i]
}""",
    ),
    (
        "a chain that is read in one statement only",
        "gather",
        """rule f(x: int[0..9][8]) -> (y: int) {
  a[i < 4] = max(x[2 * i], x[2 * i + 1])
  b[i < 2] = max(a[2 * i], a[2 * i + 1])
  y = max(b[0], b[1])
}""",
        """rule f(x: int[0..9][8]) -> (y: int) {
  y = max(i < 8: x[i])
}""",
    ),
    (
        "a counter up to a most",
        "unary",
        """rule f(x: bit[5], z: bit) -> (y: bit[3]) {
  const A: int[3, 5] = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
  const a: int[3] = [1, 2, 3]
  const B: int[3, 3] = [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
  h[u < 3] = sum(i < 5: A[u, i] * x[i]) >= a[u]
  y[u < 3] = sum(k < 3: B[u, k] * h[k]) + z >= a[u]
}""",
        """rule f(x: bit[5], z: bit) -> (y: bit[3]) {
  const A: int[3, 5] = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
  const a: int[3] = [1, 2, 3]
  const weight_y: int[3, 5] = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
  const weight_y2: int[3] = [1, 1, 1]
  const bound_y: int[3] = [1, 2, 3]
  h[u < 3] = sum(i < 5: A[u, i] * x[i]) >= a[u]
  y[u < 3] = sum(i < 5: weight_y[u, i] * x[i]) + weight_y2[u] * z >= bound_y[u]
}""",
    ),
    (
        "slices of a tensor under tables, one of them subtracted, in no order",
        "stack",
        """rule f(x: bit[3, 4]) -> (y: bit) {
  const a: int[4] = [1, -2, 0, 1]
  const b: int[4] = [0, 2, 1, 1]
  const c: int[4] = [3, 1, 1, 2]
  first = sum(i < 4: a[i] * x[1, i])
  second = sum(i < 4: b[i] * x[2, i])
  y = first - second + sum(j < 4: c[j] * x[0, j]) >= 2
}""",
        """rule f(x: bit[3, 4]) -> (y: bit) {
  const c2: int[3, 4] = [[3, 1, 1, 2], [1, -2, 0, 1], [0, -2, -1, -1]]
  first2 = sum(i < 3, j < 4: c2[i, j] * x[i, j])
  y = first2 >= 2
}""",
    ),
    (
        "an exclusive or beside a unit that reads nothing",
        "combine",
        """rule f(x: bit[2], z: bit) -> (y: bit[3]) {
  const W: int[2, 2] = [[1, 1], [1, 1]]
  const t: int[2] = [1, 2]
  const V: int[3, 2] = [[1, -1], [2, -2], [0, 0]]
  const U: int[3] = [1, 1, 0]
  const s: int[3] = [2, 1, 1]
  h[u < 2] = sum(i < 2: W[u, i] * x[i]) >= t[u]
  y[v < 3] = sum(u < 2: V[v, u] * h[u]) + U[v] * z >= s[v]
}""",
        """rule f(x: bit[2], z: bit) -> (y: bit[3]) {
  const W: int[2, 2] = [[1, 1], [1, 1]]
  const t: int[2] = [1, 2]
  const weight_state: int[1, 2] = [[1, -1]]
  const weight_y: int[3] = [1, 1, 0]
  const weight_y2: int[3, 1] = [[1], [2], [0]]
  const bound_y: int[3] = [2, 1, 1]
  h[u < 2] = sum(i < 2: W[u, i] * x[i]) >= t[u]
  state[i < 1] = sum(j < 2: weight_state[i, j] * h[j])
  y[v < 3] = weight_y[v] * z + sum(i < 1: weight_y2[v, i] * state[i]) >= bound_y[v]
}""",
    ),
    (
        "running results that begin with several operands, in their tensor, and beyond it",
        "prefixes",
        """rule f(x: bit[9], z: int[0..9][4, 5]) -> (a: bit[8], b: bit[9], m: int[4, 5], n: int[4]) {
  a[0] = x[1] and x[0]
  a[1 <= i < 8] = x[i + 1] and a[i - 1]
  b[i < 9] = x[i] or pad(b, 0)[i - 1]
  m[0, i < 5] = z[0, i]
  m[1 <= i < 4, j < 5] = max(z[i, j], m[i - 1, j])
  n[i < 4] = min(z[i, 0], pad(n, 9)[i - 1])
}""",
        """rule f(x: bit[9], z: int[0..9][4, 5]) -> (a: bit[8], b: bit[9], m: int[4, 5], n: int[4]) {
  a[i < 8] = all(j < i + 2: x[j])
  b[i < 9] = any(j < i + 1: x[j])
  m[i < 4, j < 5] = max(k < i + 1: z[k, j])
  n[i < 4] = min(j < i + 1: z[j, 0])
}""",
    ),
    (
        "steps of which every second one is the other way round",
        "complement",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] or x[(i + 1) % 8]
  b[i < 8] = a[i] and a[(i + 1) % 8]
  c[i < 8] = b[i] or b[(i + 1) % 8]
  d[i < 8] = c[i] and c[(i + 1) % 8]
  y[i < 8] = not (d[(i + 2) % 8] or d[(i + 3) % 8])
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = not x[i] and not x[(i + 1) % 8]
  b[i < 8] = not a[i] and not a[(i + 1) % 8]
  c[i < 8] = not b[i] and not b[(i + 1) % 8]
  d[i < 8] = not c[i] and not c[(i + 1) % 8]
  y[i < 8] = not (d[(i + 2) % 8] or d[(i + 3) % 8])
}""",
    ),
    (
        "relus of differences, in a sum, with a factor, nested, and in a tensor of their own",
        "extremes",
        """rule f(x: int[0..9][4], z: int[0..9][4]) -> (y: int[4], w: int, v: int, u: int) {
  d[i < 4] = relu(x[i] - z[i])
  y[i < 4] = d[i] + z[i]
  w = x[0] - relu(x[0] - 3)
  v = 2 * relu(x[1] - x[0]) + x[3] + 2 * x[0]
  u = relu(z[2] - relu(z[1] - z[0]) - z[0]) + relu(z[1] - z[0]) + z[0]
}""",
        """rule f(x: int[0..9][4], z: int[0..9][4]) -> (y: int[4], w: int, v: int, u: int) {
  y[i < 4] = max(x[i], z[i])
  w = min(x[0], 3)
  v = x[3] + 2 * max(x[1], x[0])
  u = max(z[2], z[1], z[0])
}""",
    ),
    (
        "the parts of a sum at the same position, at others, and with a factor",
        "reuse",
        """rule f(x: int[0..9][4], z: int[0..9][4]) -> (m: int[4], y: int[4], w: int, v: bit) {
  m[i < 4] = x[i] + 2 * z[i] - 1
  y[i < 4] = relu(x[(i + 1) % 4] + x[i] + 2 * z[(i + 1) % 4])
  w = 5 - 3 * x[2] - 6 * z[2]
  v = x[0] + x[1] + 2 * z[0] >= 5
}""",
        """rule f(x: int[0..9][4], z: int[0..9][4]) -> (m: int[4], y: int[4], w: int, v: bit) {
  m[i < 4] = x[i] + 2 * z[i] - 1
  y[i < 4] = relu(x[i] + m[(i + 1) % 4] + 1)
  w = 2 - 3 * m[2]
  v = x[1] + m[0] + 1 >= 5
}""",
    ),
    (
        "results that are steps of a chain",
        "promote",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  a = x[0] or x[1]
  b = a or x[2]
  y[0] = x[0]
  y[1] = a
  y[2] = b
  y[3] = b or x[3]
}""",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  y[0] = x[0]
  y[1] = x[0] or x[1]
  y[2] = y[1] or x[2]
  y[3] = y[2] or x[3]
}""",
    ),
    (
        "chains over chains: a parity, maxima in every column",
        "gather",
        """rule f(x: bit[7], z: int[0..9][4, 5]) -> (y: bit, m: int[5]) {
  a = x[3] xor x[4]
  b = x[0] xor x[1] xor x[2] xor a
  y = b xor x[5] xor x[6]
  n[i < 5] = max(z[2, i], z[0, i])
  m[j < 5] = max(z[1, j], n[j], z[3, j])
}""",
        """rule f(x: bit[7], z: int[0..9][4, 5]) -> (y: bit, m: int[5]) {
  y = sum(i < 7: x[i]) % 2
  m[j < 5] = max(i < 4: z[i, j])
}""",
    ),
    (
        "an exclusive or and an equality, read by units that give them odd weights",
        "combine",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const W: int[4, 4] = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, -1], [0, 0, -1, 1]]
  const t: int[4] = [1, 2, 1, 1]
  const V: int[2, 4] = [[3, -2, 1, 1], [1, -1, 2, 3]]
  const s: int[2] = [3, 1]
  h[u < 4] = sum(i < 4: W[u, i] * x[i]) >= t[u]
  y[v < 2] = sum(u < 4: V[v, u] * h[u]) >= s[v]
}""",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const W: int[4, 4] = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, -1], [0, 0, -1, 1]]
  const t: int[4] = [1, 2, 1, 1]
  const weight_state: int[2, 4] = [[1, -1, 0, 0], [0, 0, 1, 1]]
  const weight_y: int[2, 2] = [[5, 2], [2, 5]]
  const bound_y: int[2] = [4, 1]
  h[u < 4] = sum(i < 4: W[u, i] * x[i]) >= t[u]
  state[i < 2] = sum(j < 4: weight_state[i, j] * h[j]) >= 1
  y[v < 2] = sum(i < 2: weight_y[v, i] * state[i]) >= bound_y[v]
}""",
    ),
    (
        "fractions of one size",
        "exact-thresholds",
        """rule f(x: trit[3]) -> (y: trit[2]) {
  const W: rat[2, 3] = [[0.25, -0.25, 0.25], [-0.5, -0.5, 0]]
  y[u < 2] = sign(sum(i < 3: W[u, i] * x[i]))
}""",
        """rule f(x: trit[3]) -> (y: trit[2]) {
  const weight_y: int[2, 3] = [[1, -1, 1], [-1, -1, 0]]
  y[u < 2] = sign(sum(i < 3: weight_y[u, i] * x[i]))
}""",
    ),
    (
        "exceptions that are what is done elsewhere, but for a case",
        "branches",
        """rule f(x: bit[8], z: bit[4, 4]) -> (y: bit[4], w: bit[4, 4]) {
  y[i < 4] = if i == 3 then if x[0] then x[6] and x[7] else x[6] or x[7] else x[2 * i] or x[2 * i + 1]
  w[i < 4, j < 4] = if j == 2 then if x[i] then sum(k < 4: z[k, 2]) >= i else x[i] else sum(l < 4: z[l, j]) >= i
}""",
        """rule f(x: bit[8], z: bit[4, 4]) -> (y: bit[4], w: bit[4, 4]) {
  y[i < 4] = if i == 3 and x[0] then x[6] and x[7] else x[2 * i] or x[2 * i + 1]
  w[i < 4, j < 4] = if j == 2 and not x[i] then x[i] else sum(l < 4: z[l, j]) >= i
}""",
    ),
    (
        "a bit and a unit that reads it",
        "combine",
        """rule f(x: bit[4], z: bit) -> (y: bit[2]) {
  const W: int[2, 4] = [[1, 1, 1, 0], [1, 1, 0, 1]]
  const V: int[1, 2] = [[1, 1]]
  const U: int[2, 2] = [[1, 0], [2, 0]]
  const R: int[2, 1] = [[-1], [-2]]
  const t: int[2] = [1, 3]
  g[u < 2] = sum(i < 4: W[u, i] * x[i]) >= 2
  h[u < 1] = sum(i < 2: V[u, i] * g[i]) >= 2
  y[v < 2] = sum(u < 2: U[v, u] * g[u]) + sum(u < 1: R[v, u] * h[u]) + z >= t[v]
}""",
        """rule f(x: bit[4], z: bit) -> (y: bit[2]) {
  const W: int[2, 4] = [[1, 1, 1, 0], [1, 1, 0, 1]]
  const V: int[1, 2] = [[1, 1]]
  const weight_state: int[1, 2] = [[1, 0]]
  const weight_state2: int[1, 1] = [[-1]]
  const weight_y: int[2] = [1, 1]
  const weight_y2: int[2, 1] = [[1], [2]]
  const bound_y: int[2] = [1, 3]
  g[u < 2] = sum(i < 4: W[u, i] * x[i]) >= 2
  h[u < 1] = sum(i < 2: V[u, i] * g[i]) >= 2
  state[i < 1] = sum(j < 2: weight_state[i, j] * g[j]) + sum(j < 1: weight_state2[i, j] * h[j])
  y[v < 2] = weight_y[v] * z + sum(i < 1: weight_y2[v, i] * state[i]) >= bound_y[v]
}""",
    ),
    (
        "a unit that reads nothing and is always 1",
        "collapse-tables",
        """rule f(x: bit[3]) -> (y: bit[1]) {
  const W: int[1, 3] = [[0, 0, 0]]
  const V: int[1, 1] = [[2]]
  const U: int[1, 3] = [[0, 1, 1]]
  h[u < 1] = sum(i < 3: W[u, i] * x[i]) >= 0
  y[v < 1] = sum(u < 1: V[v, u] * h[u]) + sum(i < 3: U[v, i] * x[i]) >= 3
}""",
        """rule f(x: bit[3]) -> (y: bit[1]) {
  const weight_sum_of_y: int[1, 3] = [[0, 1, 1]]
  sum_of_y[i < 1] = sum(j < 3: weight_sum_of_y[i, j] * x[j])
  y[i < 1] = sum_of_y[i] >= 1
}""",
    ),
    (
        "results that hidden units are, and are not, and one that is not known before",
        "repeats",
        """rule f(x: bit[3]) -> (y: bit[3], z: bit[1]) {
  const W: int[2, 3] = [[1, 1, 0], [0, 2, -1]]
  const t: int[2] = [2, 1]
  const V: int[3, 3] = [[1, 1, 0], [0, -2, 1], [1, 1, 1]]
  const s: int[3] = [2, 0, 2]
  const U: int[1, 3] = [[1, 1, 1]]
  const Z: int[1, 2] = [[1, 1]]
  h[u < 2] = sum(i < 3: W[u, i] * x[i]) >= t[u]
  y[v < 3] = sum(i < 3: V[v, i] * x[i]) >= s[v]
  z[v < 1] = sum(i < 3: U[v, i] * x[i]) + sum(u < 2: Z[v, u] * h[u]) >= 2
}""",
        """rule f(x: bit[3]) -> (y: bit[3], z: bit[1]) {
  const W: int[2, 3] = [[1, 1, 0], [0, 2, -1]]
  const t: int[2] = [2, 1]
  const U: int[1, 3] = [[1, 1, 1]]
  const Z: int[1, 2] = [[1, 1]]
  const weight_y: int[3, 3] = [[0, 0, 0], [0, 0, 0], [1, 1, 1]]
  const weight_y2: int[3, 2] = [[1, 0], [0, -1], [0, 0]]
  const bound_y: int[3] = [1, 0, 2]
  h[u < 2] = sum(i < 3: W[u, i] * x[i]) >= t[u]
  y[v < 3] = sum(i < 3: weight_y[v, i] * x[i]) + sum(i < 2: weight_y2[v, i] * h[i]) >= bound_y[v]
  z[v < 1] = sum(i < 3: U[v, i] * x[i]) + sum(u < 2: Z[v, u] * h[u]) >= 2
}""",
    ),
    (
        "axes of one element",
        "trim",
        """rule f(x: bit[9], z: bit[4, 4]) -> (y: bit[4], w: bit) {
  first[i < 9] = x[i] and x[(i + 1) % 9]
  side[i < 4, j < 4] = z[i, j] and z[j, i]
  one[k < 1, l < 1] = sum(i < 3: x[i + k]) + first[k] >= 2
  y[i < 4] = side[i, 0] xor first[0] and one[i - i, 0]
  w = sum(k < 1, l < 1: one[k, l]) + x[3] >= 2
}""",
        """rule f(x: bit[9], z: bit[4, 4]) -> (y: bit[4], w: bit) {
  first = x[0] and x[1]
  side[i < 4] = z[i, 0] and z[0, i]
  one = sum(i < 3: x[i]) + first >= 2
  y[i < 4] = side[i] xor (first and one)
  w = sum(k < 1, l < 1: one) + x[3] >= 2
}""",
    ),
    (
        "constants read at a place, at some places, and between two",
        "trim",
        """rule f(x: bit[4], z: int[0..9][6]) -> (y: bit[2], w: bit, v: int[-9..99][3]) {
  const W: int[3, 4] = [[1, 1, 1, 1], [1, 2, 0, 1], [0, 0, 0, 5]]
  const U: rat[4, 2] = [[1, 2], [0.5, 3], [4, 5], [0.25, 6]]
  const t: int[6] = [5, 4, 3, 2, 1, 7]
  y[u < 2] = sum(i < 4: W[1, i] * x[i]) + t[4] >= 2 + u
  w = sum(i < 2: U[1, i] * x[i]) > sum(i < 2: U[3, i] * x[i + 2])
  v[i < 3] = sum(k < 2: t[i + k + 1] * z[k]) + W[1, i]
}""",
        """rule f(x: bit[4], z: int[0..9][6]) -> (y: bit[2], w: bit, v: int[-9..99][3]) {
  const W: int[4] = [1, 2, 0, 1]
  const U: rat[2, 2] = [[0.5, 3.0], [0.25, 6.0]]
  const t: int[4] = [4, 3, 2, 1]
  y[u < 2] = sum(i < 4: W[i] * x[i]) + t[3] >= 2 + u
  w = sum(i < 2: U[0, i] * x[i]) > sum(i < 2: U[1, i] * x[i + 2])
  v[i < 3] = sum(k < 2: t[i + k] * z[k]) + W[i]
}""",
    ),
    (
        "part of a ring, and a corner of a plane",
        "trim",
        """rule f(x: bit[9], z: bit[4, 4]) -> (y: bit[7], w: bit) {
  more[i < 9] = x[(i + 1) % 9] > x[i]
  both[i < 4, j < 4] = z[i, j] and z[j, i]
  y[i < 7] = more[i] and pad(more, 0)[i + 1]
  w = sum(i < 2, j < 4: both[i, j]) >= 2 + both[1, 2]
}""",
        """rule f(x: bit[9], z: bit[4, 4]) -> (y: bit[7], w: bit) {
  more[i < 8] = x[(i + 1) % 9] > x[i]
  both[i < 2, j < 4] = z[i, j] and z[j, i]
  y[i < 7] = more[i] and pad(more, 0)[i + 1]
  w = sum(i < 2, j < 4: both[i, j]) >= 2 + both[1, 2]
}""",
    ),
    (
        "sums over one axis at places of the other",
        "cse",
        """rule f(x: bit[9, 4], t: int[0..8][6]) -> (y: bit[7], z: bit[8], w: bit[6]) {
  y[i < 7] = sum(j < 4: x[i + 2, j]) > sum(j < 4: x[i, j])
  z[i < 8] = sum(k < 4: x[(i + 8) % 9, k]) >= 2
  w[i < 6] = sum(j < 4: x[t[i], j]) >= 3
}""",
        """rule f(x: bit[9, 4], t: int[0..8][6]) -> (y: bit[7], z: bit[8], w: bit[6]) {
  shared[i < 9] = sum(j < 4: x[i, j])
  y[i < 7] = shared[i + 2] > shared[i]
  z[i < 8] = shared[(i + 8) % 9] >= 2
  w[i < 6] = sum(j < 4: x[t[i], j]) >= 3
}""",
    ),
    (
        "what a clause at one time reads of a recurrence belongs to no step",
        "cse",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[0, i < 8] = x[i]
  b[1, i < 8] = if i == 2 then x[0] else sum(k < 3: a[0, (i + k) % 8]) + 2 * a[0, (i + 5) % 8] >= 2
  c[1, i < 8] = if i == 5 then x[1] else sum(k < 3: a[0, (i + k) % 8]) + 2 * a[0, (i + 5) % 8] >= 1
  b[2 <= t < 4, i < 8] = sum(k < 3: a[t - 1, (i + k) % 8]) + 2 * a[t - 1, (i + 5) % 8] >= t
  c[2 <= t < 4, i < 8] = sum(k < 3: a[t - 1, (i + k) % 8]) + 2 * a[t - 1, (i + 5) % 8] + t * x[i] >= t
  a[1 <= t < 4, i < 8] = c[t, i] and not b[t, i]
  y[i < 8] = a[3, i]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[0, i < 8] = x[i]
  b[1, i < 8] = if i == 2 then x[0] else sum(k < 3: a[0, (i + k) % 8]) + 2 * a[0, (i + 5) % 8] >= 2
  c[1, i < 8] = if i == 5 then x[1] else sum(k < 3: a[0, (i + k) % 8]) + 2 * a[0, (i + 5) % 8] >= 1
  shared[2 <= t < 4, i < 8] = sum(k < 3: a[t - 1, (i + k) % 8]) + 2 * a[t - 1, (i + 5) % 8]
  b[2 <= t < 4, i < 8] = shared[t, i] >= t
  c[2 <= t < 4, i < 8] = shared[t, i] + t * x[i] >= t
  a[1 <= t < 4, i < 8] = c[t, i] and not b[t, i]
  y[i < 8] = a[3, i]
}""",
    ),
    (
        "what a step of a recurrence shares with a statement before it",
        "cse",
        """rule f(x: bit[8]) -> (y: int[4, 8], z: bit[8]) {
  y[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8]
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i]
  c[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8] >= 2
  z[i < 8] = c[3, i]
}""",
        """rule f(x: bit[8]) -> (y: int[4, 8], z: bit[8]) {
  y[t < 4, i < 8] = shared[t, i]
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i]
  shared[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8]
  c[t < 4, i < 8] = shared[t, i] >= 2
  z[i < 8] = c[3, i]
}""",
    ),
    (
        "what is shared of a step is part of it, so nothing in it without a step is shared",
        "cse",
        """rule f(x: bit[8]) -> (y: bit[4, 8], y2: int, z: bit[8]) {
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i]
  y[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8] + 3 * sum(k < 3: a[0, 2 * k]) >= 3
  y2 = 3 * sum(k < 3: a[0, 2 * k])
  c[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8] + 3 * sum(k < 3: a[0, 2 * k]) >= 2
  z[i < 8] = c[3, i]
}""",
        """rule f(x: bit[8]) -> (y: bit[4, 8], y2: int, z: bit[8]) {
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i]
  y[t < 4, i < 8] = shared[t, i] >= 3
  y2 = 3 * sum(k < 3: a[0, 2 * k])
  shared[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8] + 3 * sum(k < 3: a[0, 2 * k])
  c[t < 4, i < 8] = shared[t, i] >= 2
  z[i < 8] = c[3, i]
}""",
    ),
    (
        "what is shared of a step is over the step first",
        "cse",
        """rule f(x: bit[8]) -> (z: bit[8]) {
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i] and b[t - 1, i]
  b[t < 4, i < 8] = x[(i + 3) % 8] + a[t, (i + 1) % 8] + 2 * a[t, (i + 5) % 8] >= 1
  c[t < 4, i < 8] = x[(i + 3) % 8] + a[t, (i + 1) % 8] + 2 * a[t, (i + 5) % 8] >= 2
  z[i < 8] = c[3, i]
}""",
        """rule f(x: bit[8]) -> (z: bit[8]) {
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i] and b[t - 1, i]
  shared[t < 4, i < 8] = x[(i + 3) % 8] + a[t, (i + 1) % 8] + 2 * a[t, (i + 5) % 8]
  b[t < 4, i < 8] = shared[t, i] >= 1
  c[t < 4, i < 8] = shared[t, i] >= 2
  z[i < 8] = c[3, i]
}""",
    ),
    (
        "what a tensor that reads itself shares with another one of its steps",
        "cse",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i] and not b[t - 1, i]
  b[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8] + pad(b, 0)[t - 1, i] >= 2
  c[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8] >= 1
  y[i < 8] = c[3, i]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[0, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t - 1, i] and not b[t - 1, i]
  shared[t < 4, i < 8] = sum(k < 3: a[t, (i + k) % 8]) + 2 * a[t, (i + 5) % 8]
  b[t < 4, i < 8] = shared[t, i] + pad(b, 0)[t - 1, i] >= 2
  c[t < 4, i < 8] = shared[t, i] >= 1
  y[i < 8] = c[3, i]
}""",
    ),
    (
        "an exclusive or as a difference",
        "narrow",
        """rule f(x: bit[3], n: int[0..2]) -> (y: bit[2]) {
  const W: int[3, 3] = [[1, 1, 0], [1, 1, 0], [0, 1, 1]]
  const t: int[3] = [1, 2, 1]
  const V: int[1, 3] = [[1, -1, 0]]
  const U: int[2, 1] = [[1], [2]]
  h[u < 3] = sum(i < 3: W[u, i] * x[i]) >= t[u]
  state[i < 1] = sum(u < 3: V[i, u] * h[u])
  y[v < 2] = sum(i < 1: U[v, i] * state[i]) + n >= 3
}""",
        """rule f(x: bit[3], n: int[0..2]) -> (y: bit[2]) {
  const W: int[3, 3] = [[1, 1, 0], [1, 1, 0], [0, 1, 1]]
  const t: int[3] = [1, 2, 1]
  const U: int[2, 1] = [[1], [2]]
  const weight_state: int[1, 3] = [[1, -1, 0]]
  h[u < 3] = sum(i < 3: W[u, i] * x[i]) >= t[u]
  state[i < 1] = sum(j < 3: weight_state[i, j] * h[j]) >= 1
  y[v < 2] = sum(i < 1: U[v, i] * state[i]) + n >= 3
}""",
    ),
    (
        "bits of two layers, an input among the units of one",
        "combine",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const W: int[2, 4] = [[1, 1, 0, 0], [0, 0, 1, 1]]
  const t: int[2] = [2, 1]
  const V: int[2, 4] = [[0, 2, 0, 1], [0, 1, 0, 0]]
  const U: int[2, 2] = [[-2, 1], [-1, 2]]
  const s: int[2] = [3, 2]
  h[u < 2] = sum(i < 4: W[u, i] * x[i]) >= t[u]
  y[v < 2] = sum(i < 4: V[v, i] * x[i]) + sum(u < 2: U[v, u] * h[u]) >= s[v]
}""",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const W: int[2, 4] = [[1, 1, 0, 0], [0, 0, 1, 1]]
  const t: int[2] = [2, 1]
  const weight_state: int[1, 4] = [[0, 1, 0, 0]]
  const weight_state2: int[1, 2] = [[-1, 0]]
  const weight_y: int[2, 4] = [[0, 0, 0, 1], [0, 0, 0, 0]]
  const weight_y2: int[2, 2] = [[0, 1], [0, 2]]
  const weight_y3: int[2, 1] = [[2], [1]]
  const bound_y: int[2] = [3, 2]
  h[u < 2] = sum(i < 4: W[u, i] * x[i]) >= t[u]
  state[i < 1] = sum(j < 4: weight_state[i, j] * x[j]) + sum(j < 2: weight_state2[i, j] * h[j])
  y[v < 2] = sum(i < 4: weight_y[v, i] * x[i]) + sum(i < 2: weight_y2[v, i] * h[i]) \
+ sum(i < 1: weight_y3[v, i] * state[i]) >= bound_y[v]
}""",
    ),
    (
        "a duplicate and a dead unit",
        "forward",
        """rule f(x: bit[3]) -> (y: bit) {
  const W: int[4, 3] = [[1, 1, 0], [0, 1, 1], [1, 1, 0], [1, -1, 1]]
  const V: int[4] = [1, 1, 1, 0]
  h[u < 4] = sum(i < 3: W[u, i] * x[i]) >= 1
  y = sum(u < 4: V[u] * h[u]) >= 2
}""",
        """rule f(x: bit[3]) -> (y: bit) {
  const weight_h: int[2, 3] = [[1, 1, 0], [0, 1, 1]]
  const weight_y: int[2] = [2, 1]
  h[u < 2] = sum(i < 3: weight_h[u, i] * x[i]) >= 1
  y = sum(i < 2: weight_y[i] * h[i]) >= 2
}""",
    ),
    (
        "relus that are dead, always on, or multiples of another",
        "forward",
        """rule f(x: spin[3]) -> (y: rat) {
  const W: rat[4, 3] = [[1, -0.5, 0.25], [2, -1, 0.5], [1, 1, 1], [1, 1, 0]]
  const b: rat[4] = [0.25, 0.5, -3, -1]
  const V: int[4] = [1, 3, 5, 1]
  h[u < 4] = relu(sum(i < 3: W[u, i] * x[i]) + b[u])
  y = sum(u < 4: V[u] * h[u])
}""",
        """rule f(x: spin[3]) -> (y: rat) {
  const weight_h: rat[2, 3] = [[1.0, -0.5, 0.25], [1.0, 1.0, 0.0]]
  const bias_h: rat[2] = [0.25, -1.0]
  const weight_y: int[2] = [7, 1]
  h[u < 2] = relu(sum(i < 3: weight_h[u, i] * x[i]) + bias_h[u])
  y = sum(i < 2: weight_y[i] * h[i])
}""",
    ),
    (
        "relus that never cut, written into their reader",
        "forward",
        """rule f(x: bit[3]) -> (y: rat) {
  const W: rat[2, 3] = [[1, 0.5, 0.25], [2, 2, 0.5]]
  const V: int[2] = [1, 3]
  h[u < 2] = relu(sum(i < 3: W[u, i] * x[i]) + 1)
  y = sum(u < 2: V[u] * h[u])
}""",
        """rule f(x: bit[3]) -> (y: rat) {
  const weight_y: rat[3] = [7.0, 6.5, 1.75]
  y = sum(i < 3: weight_y[i] * x[i]) + 4
}""",
    ),
    (
        "a hardtanh of integers",
        "forward",
        """rule f(x: trit[3]) -> (y: rat) {
  const W: int[2, 3] = [[3, -2, 5], [1, 1, 2]]
  const V: rat[2] = [0.5, 3]
  h[u < 2] = max(-1, min(sum(i < 3: W[u, i] * x[i]), 1))
  y = sum(u < 2: V[u] * h[u])
}""",
        """rule f(x: trit[3]) -> (y: rat) {
  const V: rat[2] = [0.5, 3.0]
  const weight_h: int[2, 3] = [[3, -2, 5], [1, 1, 2]]
  h[u < 2] = sign(sum(i < 3: weight_h[u, i] * x[i]))
  y = sum(u < 2: V[u] * h[u])
}""",
    ),
    (
        "absolute values of one sign, up to it",
        "forward",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: int[2, 2] = [[3, -2], [-1, -3]]
  const V: int[2] = [1, -1]
  h[u < 2] = abs(sum(i < 2: W[u, i] * x[i]) + 2 - 4 * u)
  y = sum(u < 2: V[u] * h[u]) >= 1
}""",
        """rule f(x: bit[2]) -> (y: bit) {
  const weight_y: int[2] = [2, -5]
  y = sum(i < 2: weight_y[i] * x[i]) >= 1
}""",
    ),
    (
        "a duplicate over two inputs of different extents",
        "forward",
        """rule f(x: bit[2], z: bit[3]) -> (y: bit) {
  const W: int[3, 2] = [[1, 1], [1, 1], [0, 1]]
  const V: int[3, 3] = [[1, 0, 1], [1, 0, 1], [1, 1, 0]]
  const U: int[3] = [1, 1, 1]
  h[u < 3] = sum(i < 2: W[u, i] * x[i]) + sum(i < 3: V[u, i] * z[i]) >= 2
  y = sum(u < 3: U[u] * h[u]) >= 2
}""",
        """rule f(x: bit[2], z: bit[3]) -> (y: bit) {
  const weight_h: int[2, 2] = [[1, 1], [0, 1]]
  const weight_h2: int[2, 3] = [[1, 0, 1], [1, 1, 0]]
  const weight_y: int[2] = [2, 1]
  h[u < 2] = sum(i < 2: weight_h[u, i] * x[i]) + sum(i < 3: weight_h2[u, i] * z[i]) >= 2
  y = sum(i < 2: weight_y[i] * h[i]) >= 2
}""",
    ),
    (
        "the exact sum of a rounded unit",
        "isolate",
        """rule f(x: bit[3]) -> (y: real[2]) {
  const W: rat[2, 3] = [[0.5, 1, 2], [1, 1, -1]]
  y[u < 2] = 2 * sigmoid(sum(i < 3: W[u, i] * x[i]) - 0.1)
}""",
        """rule f(x: bit[3]) -> (y: real[2]) {
  const W: rat[2, 3] = [[0.5, 1.0, 2.0], [1.0, 1.0, -1.0]]
  score[u < 2] = sum(i < 3: W[u, i] * x[i]) - 0.1
  y[u < 2] = 2 * sigmoid(score[u])
}""",
    ),
    (
        "what has the same bits for every real",
        "fold",
        """rule f(x: real[3]) -> (y: real, z: real[3], w: bit) {
  y = sum(i < 3: 1 * x[i]) + -1.5
  z[i < 3] = (x[i] + 0) * (3 - 2) - 0
  w = 0.5 + x[0] * 1 > -2 + x[1]
}""",
        """rule f(x: real[3]) -> (y: real, z: real[3], w: bit) {
  y = sum(i < 3: x[i]) - 1.5
  z[i < 3] = x[i] + 0 - 0
  w = 0.5 + x[0] > -2 + x[1]
}""",
    ),
    (
        "what ranges decide",
        "fold",
        """rule f(x: trit[3]) -> (y: int, z: int) {
  s = sum(i < 3: x[i])
  y = relu(s + 3) + abs(s - 3) + max(s, -3, -5) + min(max(s, -7), 4)
  z = (s >= 4) + (s > -4) + sign(s + 4) + (if s < 9 then 2 else s)
}""",
        """rule f(x: trit[3]) -> (y: int, z: int) {
  s = sum(i < 3: x[i])
  y = 2 * s + 6
  z = 4
}""",
    ),
    (
        "uneven weights of a majority",
        "exact-thresholds",
        """rule f(x: bit[3]) -> (y: bit) {
  const W: rat[3] = [0.3333, 0.3334, 0.3332]
  y = sum(i < 3: W[i] * x[i]) - 0.5 > 0
}""",
        """rule f(x: bit[3]) -> (y: bit) {
  const weight_y: int[3] = [1, 1, 1]
  y = sum(i < 3: weight_y[i] * x[i]) >= 2
}""",
    ),
    (
        "a sign without ties becomes a bit",
        "recode",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: rat[2, 2] = [[0.7, -0.7], [0.2, 0.6]]
  const V: rat[2] = [0.25, 0.25]
  h[u < 2] = sign(sum(i < 2: W[u, i] * x[i]) - 0.1)
  y = sum(u < 2: V[u] * h[u]) > 0
}""",
        """rule f(x: bit[2]) -> (y: bit) {
  const weight_h: int[2, 2] = [[1, -1], [1, 1]]
  const weight_y: int[2] = [1, 1]
  h[u < 2] = sum(i < 2: weight_h[u, i] * x[i]) >= 1
  y = sum(i < 2: weight_y[i] * h[i]) >= 2
}""",
    ),
    (
        "signs of odd sums become bits, with bounds that differ",
        "recode",
        """rule f(x: spin[3]) -> (y: trit[3]) {
  const W: int[3, 3] = [[1, 1, 1], [1, -1, 1], [1, 1, -1]]
  const V: int[3, 3] = [[1, 1, 1], [1, -1, 1], [1, -1, -1]]
  const U: int[3, 3] = [[1, 1, -2], [1, 2, 1], [3, -1, 0]]
  h[u < 3] = sign(sum(i < 3: W[u, i] * x[i]))
  g[v < 3] = sign(sum(u < 3: V[v, u] * h[u]))
  y[w < 3] = sign(sum(v < 3: U[w, v] * g[v]))
}""",
        """rule f(x: spin[3]) -> (y: trit[3]) {
  const weight_h: int[3, 3] = [[1, 1, 1], [1, -1, 1], [1, 1, -1]]
  const weight_g: int[3, 3] = [[1, 1, 1], [1, -1, 1], [-1, 1, 1]]
  const bound_g: int[3] = [2, 1, 1]
  const weight_y: int[3, 3] = [[1, 1, 2], [1, 2, -1], [2, 0, 0]]
  const bias_y: int[3] = [-2, -1, -1]
  h[u < 3] = sum(i < 3: weight_h[u, i] * x[i]) >= 1
  g[v < 3] = sum(i < 3: weight_g[v, i] * h[i]) >= bound_g[v]
  y[w < 3] = sign(sum(i < 3: weight_y[w, i] * g[i]) + bias_y[w])
}""",
    ),
    (
        "scores with a common part and a common factor",
        "scores",
        """rule f(x: bit[3]) -> (class: int) {
  const W: rat[3, 3] = [[2.5, 1.25, 1.25], [1.25, 2.5, 1.25], [1.25, 1.25, 2.5]]
  const b: rat[3] = [0.7, 0.7, 0.7]
  score[u < 3] = sum(i < 3: W[u, i] * x[i]) + b[u]
  class = argmax(u < 3: score[u])
}""",
        """rule f(x: bit[3]) -> (class: int) {
  const weight_score: int[3, 3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
  score2[u < 3] = sum(i < 3: weight_score[u, i] * x[i])
  class = argmax(u < 3: score2[u])
}""",
    ),
    (
        "scores of a softmax with a common part",
        "scores",
        """rule f(x: bit[3]) -> (p: real[3]) {
  const W: rat[3, 3] = [[2.5, 1.25, 1.25], [1.25, 2.5, 1.25], [1.25, 1.25, 2.5]]
  score[u < 3] = sum(i < 3: W[u, i] * x[i]) + 0.7
  p[u < 3] = softmax(v < 3: score[v])[u]
}""",
        """rule f(x: bit[3]) -> (p: real[3]) {
  const weight_score: rat[3, 3] = [[1.25, 0.0, 0.0], [0.0, 1.25, 0.0], [0.0, 0.0, 1.25]]
  score2[u < 3] = sum(i < 3: weight_score[u, i] * x[i])
  p[u < 3] = softmax(v < 3: score2[v])[u]
}""",
    ),
    (
        "scores in a box",
        "reroll",
        """rule f(x: bit[3]) -> (class: int) {
  const W: int[3, 3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
  score[u < 3] = sum(i < 3: W[u, i] * x[i])
  class = argmax(u < 3: score[u])
}""",
        """rule f(x: bit[3]) -> (class: int) {
  score[i < 3] = x[i]
  class = argmax(u < 3: score[u])
}""",
    ),
    (
        "shuffled neighbours on a ring",
        "reroll",
        """rule f(x: bit[5]) -> (y: bit[5]) {
  const W: int[5, 5] = [[0, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 1], [1, 0, 0, 0, 1], [0, 0, 1, 1, 0]]
  const V: int[5, 5] = [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
  h[u < 5] = sum(i < 5: W[u, i] * x[i]) >= 2
  y[i < 5] = sum(u < 5: V[i, u] * h[u]) >= 1
}""",
        """rule f(x: bit[5]) -> (y: bit[5]) {
  h2[i < 5] = sum(j < 2: x[(i + j) % 5]) >= 2
  y[i < 5] = h2[i] >= 1
}""",
    ),
    (
        "signs of differences and their negations",
        "reroll",
        """rule f(x: int[0..9][4]) -> (y: int[4]) {
  const W: int[6, 4] = [
    [-1, 0, 1, 0], [0, 1, 0, -1], [0, 1, -1, 0], [1, 0, 0, -1],
    [0, 0, -1, 1], [1, -1, 0, 0]
  ]
  const V: int[4, 6] = [
    [-1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 0, -1], [1, 0, -1, 0, -1, 0], [0, -1, 0, -1, 1, 0]
  ]
  h[u < 6] = sign(sum(i < 4: W[u, i] * x[i]))
  y[i < 4] = sum(u < 6: V[i, u] * h[u])
}""",
        """rule f(x: int[0..9][4]) -> (y: int[4]) {
  h2[i < 4, j < 4] = sign(x[j] - x[i])
  y[i < 4] = sum(j < 4: h2[j, i])
}""",
    ),
    (
        "steps of differences of all pairs",
        "reroll",
        """rule f(x: int[0..9][4]) -> (y: int[4]) {
  const W: int[12, 4] = [
    [1, 0, 0, -1], [0, -1, 1, 0], [0, -1, 0, 1], [-1, 1, 0, 0],
    [0, 0, 1, -1], [-1, 0, 1, 0], [-1, 0, 0, 1], [1, 0, -1, 0],
    [1, -1, 0, 0], [0, 0, -1, 1], [0, 1, -1, 0], [0, 1, 0, -1]
  ]
  const V: int[4, 12] = [
    [1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1],
    [0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0]
  ]
  h[u < 12] = sum(i < 4: W[u, i] * x[i]) >= 1
  y[i < 4] = sum(u < 12: V[i, u] * h[u])
}""",
        """rule f(x: int[0..9][4]) -> (y: int[4]) {
  h2[i < 4, j < 4] = x[j] - x[i] >= 1
  y[i < 4] = sum(j < 4: h2[j, i])
}""",
    ),
    (
        "kernels clipped at both ends of a line",
        "reroll",
        """rule f(x: bit[6]) -> (y: bit[6]) {
  const W: int[6, 6] = [
    [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0],
    [1, 1, 0, 0, 0, 0]
  ]
  const V: int[6, 6] = [
    [0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0],
    [0, 1, 0, 0, 0, 0]
  ]
  h[u < 6] = sum(i < 6: W[u, i] * x[i]) >= 2
  y[i < 6] = sum(u < 6: V[i, u] * h[u]) >= 1
}""",
        """rule f(x: bit[6]) -> (y: bit[6]) {
  h2[i < 6] = sum(j in -1..1: pad(x, 0)[i + j]) >= 2
  y[i < 6] = h2[i] >= 1
}""",
    ),
    (
        "prefixes with bounds that grow by one for two",
        "reroll",
        """rule f(x: bit[6]) -> (y: bit[5]) {
  const W: int[5, 6] = [
    [1, 1, 1, 1, 1, 0], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]
  ]
  const b: int[5] = [3, 2, 3, 2, 4]
  const V: int[5, 5] = [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
  h[u < 5] = sum(i < 6: W[u, i] * x[i]) >= b[u]
  y[i < 5] = sum(u < 5: V[i, u] * h[u]) >= 1
}""",
        """rule f(x: bit[6]) -> (y: bit[5]) {
  h2[i < 5] = 2 * sum(j < i + 2: x[j]) >= i + 3
  y[i < 5] = h2[i] >= 1
}""",
    ),
    (
        "windows of which one is another unit",
        "reroll",
        """rule f(x: bit[9]) -> (y: bit[2]) {
  const W: int[8, 9] = [
    [0, 0, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1, 0, 0, 0],
    [0, 1, 1, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 0, 1, 1],
    [1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 0, 0]
  ]
  const V: int[2, 8] = [[1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1]]
  h[u < 8] = sum(i < 9: W[u, i] * x[i]) >= 2
  y[i < 2] = sum(u < 8: V[i, u] * h[u]) >= 3
}""",
        """rule f(x: bit[9]) -> (y: bit[2]) {
  h2[i < 8] = if i == 3 then x[1] + x[7] >= 2 else sum(j < 2: x[i + j]) >= 2
  y[i < 2] = sum(j < 8: h2[j]) >= 3
}""",
    ),
    (
        "a kernel of different weights, clipped",
        "reroll",
        """rule f(x: bit[7]) -> (y: bit[7]) {
  const W: int[7, 7] = [
    [2, -1, 0, 0, 0, 0, 0], [-1, 2, -1, 0, 0, 0, 0], [0, -1, 2, -1, 0, 0, 0], [0, 0, -1, 2, -1, 0, 0],
    [0, 0, 0, -1, 2, -1, 0], [0, 0, 0, 0, -1, 2, -1], [0, 0, 0, 0, 0, -1, 2]
  ]
  y[i < 7] = sum(j < 7: W[i, j] * x[j]) >= 1
}""",
        """rule f(x: bit[7]) -> (y: bit[7]) {
  const kernel_y: int[3] = [-1, 2, -1]
  y[i < 7] = sum(j in -1..1: kernel_y[j + 1] * pad(x, 0)[i + j]) >= 1
}""",
    ),
    (
        "a cross",
        "slice-weights",
        """rule f(x: bit[3, 3]) -> (y: trit) {
  const W: int[3, 3] = [[0, 1, 0], [-1, 0, -1], [0, 1, 0]]
  y = sign(sum(i < 3, j < 3: W[i, j] * x[i, j]))
}""",
        """rule f(x: bit[3, 3]) -> (y: trit) {
  y = sign(sum(i < 3: x[i, 1]) - sum(j < 3: x[1, j]))
}""",
    ),
    (
        "a count from two of its thresholds",
        "collapse-tables",
        """rule f(x: bit[5], a: bit) -> (y: bit) {
  const W: int[2, 5] = [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]
  const b: int[2] = [2, 4]
  const V: int[2] = [1, -1]
  h[u < 2] = sum(i < 5: W[u, i] * x[i]) >= b[u]
  y = sum(u < 2: V[u] * h[u]) - a >= 1
}""",
        """rule f(x: bit[5], a: bit) -> (y: bit) {
  const weight_sum_of_y: int[5] = [1, 1, 1, 1, 1]
  sum_of_y = sum(i < 5: weight_sum_of_y[i] * x[i])
  y = not a and 2 <= sum_of_y <= 3
}""",
    ),
    (
        "short sums of a family of which an element is another one",
        "collapse-cones",
        """rule f(x: bit[8], z: bit[8]) -> (y: bit[8]) {
  y[i < 8] = if i == 6 then x[1] > z[2] else sum(j < 2: x[(i + j) % 8]) > sum(j < 2: z[(i + j) % 8])
}""",
        """rule f(x: bit[8], z: bit[8]) -> (y: bit[8]) {
  y[i < 8] = if i == 6 then x[1] > z[2] else x[i] + x[(i + 1) % 8] > z[i] + z[(i + 1) % 8]
}""",
    ),
    (
        "rule 30 from thresholds",
        "collapse-cones",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  a[i < 9] = x[(i - 1) % 9] - x[i] - x[(i + 1) % 9] >= 1
  b[i < 9] = x[i] + x[(i + 1) % 9] - 2 * x[(i - 1) % 9] >= 1
  y[i < 9] = a[i] + b[i] >= 1
}""",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  a[i < 9] = x[(i - 1) % 9] > x[i] + x[(i + 1) % 9]
  b[i < 9] = x[i] + x[(i + 1) % 9] > 2 * x[(i - 1) % 9]
  y[i < 9] = x[(i - 1) % 9] xor (x[i] or x[(i + 1) % 9])
}""",
    ),
    (
        "a rule of an automaton from sums of two lengths",
        "collapse-cones",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  a[i < 9, j < 2] = sum(k < j + 2: x[(i + k) % 9]) > j
  y[i < 9] = a[i, 0] > a[(i - 1) % 9, 1]
}""",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  a[i < 9, j < 2] = sum(k < j + 2: x[(i + k) % 9]) > j
  y[i < 9] = not x[(i - 1) % 9] and x[i] != x[(i + 1) % 9]
}""",
    ),
    (
        "a count between bounds that a bit moves",
        "collapse-cones",
        """rule f(x: bit[8], a: bit) -> (y: bit) {
  count = sum(i < 8: x[i])
  many = count >= 3
  more = count - a >= 4
  y = many > more
}""",
        """rule f(x: bit[8], a: bit) -> (y: bit) {
  count = sum(i < 8: x[i])
  many = count >= 3
  more = count - a >= 4
  y = 5 <= 2 * count - a <= 7
}""",
    ),
    (
        "a residue from thresholds",
        "collapse-cones",
        """rule f(x: bit[7]) -> (y: bit) {
  count = sum(i < 7: x[i])
  h[k < 3] = count >= 3 * k + 1
  g[k < 2] = count >= 3 * k + 2
  y = h[0] + h[1] + h[2] > g[0] + g[1]
}""",
        """rule f(x: bit[7]) -> (y: bit) {
  count = sum(i < 7: x[i])
  h[k < 3] = count >= 3 * k + 1
  g[k < 2] = count >= 3 * k + 2
  y = count % 3 == 1
}""",
    ),
    (
        "row and column sums",
        "hoist",
        """rule f(x: bit[4, 4]) -> (y: bit[4, 4]) {
  y[i < 4, j < 4] = sum(k < 4: x[k, i]) > sum(k < 4: x[j, k])
}""",
        """rule f(x: bit[4, 4]) -> (y: bit[4, 4]) {
  partial[i < 4] = sum(k < 4: x[k, i])
  partial2[j < 4] = sum(k < 4: x[j, k])
  y[i < 4, j < 4] = partial[i] > partial2[j]
}""",
    ),
    (
        "a sum for each of some offsets, the first of which is negative",
        "cse",
        """rule f(x: bit[4, 4]) -> (y: int, z: int) {
  y = sum(k in -1..1: abs(3 * sum(i < 4: x[i, (i + k) % 4]) - 5 * x[0, 0]))
  z = sum(k in -1..1: max(3 * sum(i < 4: x[i, (i + k) % 4]) - 5 * x[0, 0], 2))
}""",
        """rule f(x: bit[4, 4]) -> (y: int, z: int) {
  shared[k < 3] = 3 * sum(i < 4: x[i, (i + (k - 1)) % 4]) - 5 * x[0, 0]
  y = sum(k in -1..1: abs(shared[k + 1]))
  z = sum(k in -1..1: max(shared[k + 1], 2))
}""",
    ),
    (
        "one sum under two names of indices",
        "cse",
        """rule f(x: bit[4, 4]) -> (y: int, z: int) {
  y = 3 * sum(i < 4, j < 4: x[i, j]) + 1
  z = 5 * sum(a < 4, b < 4: x[a, b]) + 2
}""",
        """rule f(x: bit[4, 4]) -> (y: int, z: int) {
  shared = sum(i < 4, j < 4: x[i, j])
  y = 3 * shared + 1
  z = 5 * shared + 2
}""",
    ),
    (
        "a copy that is read at several places",
        "inline",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  some = any(i < 3: x[i])
  copy[i < 4] = some
  y[i < 4] = if i == 3 then copy[2] and x[0] else if i == 1 then copy[0] else copy[i] and x[i]
}""",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  some = any(i < 3: x[i])
  y[i < 4] = if i == 3 then some and x[0] else if i == 1 then some else some and x[i]
}""",
    ),
    (
        "exceptions that do what is done elsewhere",
        "branches",
        """rule f(x: bit[9]) -> (y: bit[8]) {
  y[i < 8] = if i > 6 then x[7] else if 2 <= i < 5 then x[i] else if i > 7 then 0 else if i <= 1 then x[i + 1] else x[i]
}""",
        """rule f(x: bit[9]) -> (y: bit[8]) {
  y[i < 8] = if i <= 1 then x[i + 1] else x[i]
}""",
    ),
    (
        "a tensor fused into its only reduction",
        "inline",
        """rule f(x: int[0..9][4]) -> (y: int) {
  h[i < 4] = x[i] >= 5
  y = sum(j < 4: h[j])
}""",
        """rule f(x: int[0..9][4]) -> (y: int) {
  y = sum(i < 4: x[i] >= 5)
}""",
    ),
    (
        "indices, cycles and comparisons",
        "fold",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  y[i < 8] = sum(k < 8: x[(i + k) % 8]) - 2 * x[(i + 8) % 8] - (0 + 3) > 0
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  y[i < 8] = sum(k < 8: x[k]) - 2 * x[i] >= 4
}""",
    ),
    (
        "what no result needs",
        "dce",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: int[2] = [1, 2]
  h = sum(i < 2: W[i] * x[i])
  y = x[0] and x[1]
}""",
        """rule f(x: bit[2]) -> (y: bit) {
  y = x[0] and x[1]
}""",
    ),
    (
        "rows and totals",
        "name",
        """rule f(x: bit[9, 9]) -> (y: bit[9]) {
  t2 = sum(b < 9, a < 9: x[b, a])
  t1[a < 9] = sum(b < 9: x[b, a])
  y[q < 9] = 9 * t1[q] > t2
}""",
        """rule f(x: bit[9, 9]) -> (y: bit[9]) {
  column[j < 9] = sum(i < 9: x[i, j])
  total = sum(i < 9, j < 9: x[i, j])
  y[j < 9] = 9 * column[j] > total
}""",
    ),
    (
        "two triangles",
        "slice-weights",
        """rule f(x: bit[4, 4]) -> (y: trit) {
  const W: int[4, 4] = [[0, -1, -1, -1], [1, 0, -1, -1], [1, 1, 0, -1], [1, 1, 1, 0]]
  y = sign(sum(i < 4, j < 4: W[i, j] * x[i, j]))
}""",
        """rule f(x: bit[4, 4]) -> (y: trit) {
  y = sign(sum(i < 4, j < i: x[i, j]) - sum(j < 4, i < j: x[i, j]))
}""",
    ),
    (
        "an anti-diagonal",
        "slice-weights",
        """rule f(x: bit[4, 4]) -> (y: bit) {
  const W: int[4, 4] = [[0, 0, 0, 2], [0, 0, 2, 0], [0, 2, 0, 0], [2, 0, 0, 0]]
  y = sum(i < 4, j < 4: W[i, j] * x[i, j]) >= 4
}""",
        """rule f(x: bit[4, 4]) -> (y: bit) {
  y = 2 * sum(i < 4: x[i, 3 - i]) >= 4
}""",
    ),
    (
        "three layers, the last with another origin",
        "align",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[(i - 1) % 8] and x[i]
  b[i < 8] = a[(i - 1) % 8] and a[i]
  y[i < 8] = b[(i + 2) % 8] and b[(i + 3) % 8]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] and x[(i + 1) % 8]
  b[i < 8] = a[i] and a[(i + 1) % 8]
  y[i < 8] = b[i] and b[(i + 1) % 8]
}""",
    ),
    (
        "layers on a ring of which an element is another one",
        "align",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[(i - 1) % 8] and x[i]
  b[i < 8] = if i == 2 then a[1] else a[(i - 1) % 8] and a[i]
  c[i < 8] = b[(i - 1) % 8] and b[i]
  y[i < 8] = c[(i + 2) % 8] and c[(i + 3) % 8]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] and x[(i + 1) % 8]
  b[i < 8] = if i == 0 then a[0] else a[i] and a[(i + 1) % 8]
  c[i < 8] = b[i] and b[(i + 1) % 8]
  y[i < 8] = c[(i - 1) % 8] and c[i]
}""",
    ),
    (
        "two layers in turn, on both axes of a torus",
        "align",
        """rule f(x: bit[4, 8]) -> (y: bit[4, 8]) {
  a[i < 4, j < 8] = x[i, j] or x[(i + 1) % 4, (j + 1) % 8]
  b[i < 4, j < 8] = a[(i + 2) % 4, (j - 2) % 8] and a[(i + 1) % 4, (j - 3) % 8]
  c[i < 4, j < 8] = b[i, j] or b[(i + 1) % 4, (j + 1) % 8]
  y[i < 4, j < 8] = c[i, (j + 2) % 8] and c[(i - 1) % 4, (j + 1) % 8]
}""",
        """rule f(x: bit[4, 8]) -> (y: bit[4, 8]) {
  a[i < 4, j < 8] = x[i, j] or x[(i + 1) % 4, (j + 1) % 8]
  b[i < 4, j < 8] = a[i, (j - 1) % 8] and a[(i + 1) % 4, j]
  c[i < 4, j < 8] = b[i, j] or b[(i + 1) % 4, (j + 1) % 8]
  y[i < 4, j < 8] = c[i, (j - 1) % 8] and c[(i + 1) % 4, j]
}""",
    ),
    (
        "elements in between that are others",
        "widen",
        """rule f(x: bit[9], z: bit[2, 8]) -> (y: bit[8], c: bit[8]) {
  y[i < 4] = x[i] or x[i + 1]
  y[4] = x[0] and x[7]
  y[5 <= i < 8] = x[i] or x[i + 1]
  c[0] = z[0, 0] and z[1, 0]
  c[1 <= t < 4] = c[t - 1] + z[0, t] + z[1, t] >= 2
  c[4] = c[3] > x[2]
  c[5 <= t < 8] = c[t - 1] + z[0, t] + z[1, t] >= 2
}""",
        """rule f(x: bit[9], z: bit[2, 8]) -> (y: bit[8], c: bit[8]) {
  y[i < 8] = if i == 4 then x[0] and x[7] else x[i] or x[i + 1]
  c[t < 8] = if t == 4 then pad(c, 0)[t - 1] > x[2] else pad(c, 0)[t - 1] + z[0, t] + z[1, t] >= 2
}""",
    ),
    (
        "a carry before the first, and digits that read it",
        "widen",
        """rule f(x: bit[2, 4]) -> (y: bit[5]) {
  state[0] = x[0, 0] and x[1, 0]
  state[1 <= t < 4] = state[t - 1] + sum(i < 2: x[i, t]) >= 2
  y[0] = x[0, 0] xor x[1, 0]
  y[1 <= t < 4] = state[t - 1] + x[0, t] + x[1, t] > 2 * state[t]
  y[4] = state[3]
}""",
        """rule f(x: bit[2, 4]) -> (y: bit[5]) {
  state[t < 4] = pad(state, 0)[t - 1] + sum(i < 2: x[i, t]) >= 2
  y[t < 4] = pad(state, 0)[t - 1] + x[0, t] + x[1, t] > 2 * state[t]
  y[4] = state[3]
}""",
    ),
    (
        "digits at both ends that are written in another way",
        "widen",
        """rule f(x: bit[2, 5]) -> (y: bit[6]) {
  carry[t < 5] = pad(carry, 0)[t - 1] + sum(i < 2: x[i, t]) >= 2
  y[0] = x[0, 0] xor x[1, 0]
  y[1] = x[0, 1] xor x[1, 1] xor (x[0, 0] and x[1, 0])
  y[2 <= t < 4] = x[0, t] + x[1, t] + carry[t - 1] > 2 * carry[t]
  y[4] = carry[3] + sum(i < 2: x[i, 4]) > 2 * carry[4]
  y[5] = carry[4]
}""",
        """rule f(x: bit[2, 5]) -> (y: bit[6]) {
  carry[t < 5] = pad(carry, 0)[t - 1] + sum(i < 2: x[i, t]) >= 2
  y[t < 5] = x[0, t] + x[1, t] + pad(carry, 0)[t - 1] > 2 * carry[t]
  y[5] = carry[4]
}""",
    ),
    (
        "digits that are read beyond the end, and all lower ones, which nothing else reads",
        "widen",
        """rule f(x: bit[9]) -> (y: bit[10]) {
  every[i < 8] = all(j < i + 2: x[j])
  y[0] = not x[0]
  y[1] = x[1] xor x[0]
  y[2 <= i < 10] = pad(x, 0)[i] xor every[i - 2]
}""",
        """rule f(x: bit[9]) -> (y: bit[10]) {
  y[i < 10] = pad(x, 0)[i] xor all(j < i: x[j])
}""",
    ),
    (
        "a row above the first, whose index is called like that of rows",
        "widen",
        """rule f(x: bit[8], z: bit[9, 9]) -> (v: bit[9, 9]) {
  v[0, i < 9] = z[0, i]
  v[1 <= i < 9, j < 9] = z[i, j] xor x[i - 1]
}""",
        """rule f(x: bit[8], z: bit[9, 9]) -> (v: bit[9, 9]) {
  v[i < 9, j < 9] = z[i, j] xor pad(x, 0)[i - 1]
}""",
    ),
    (
        "a conjunction of all so far, at every place",
        "widen",
        """rule f(x: bit[4, 3]) -> (y: bit[4, 3]) {
  y[0, i < 3] = x[0, i]
  y[1 <= t < 4, i < 3] = y[t - 1, i] and x[t, i]
}""",
        """rule f(x: bit[4, 3]) -> (y: bit[4, 3]) {
  y[t < 4, i < 3] = pad(y, 1)[t - 1, i] and x[t, i]
}""",
    ),
    (
        "layers that are equal",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] and x[(i + 1) % 8]
  b[i < 8] = a[i] and a[(i + 1) % 8]
  c[j < 8] = b[j] and b[(j + 1) % 8]
  y[i < 8] = c[i] and c[(i + 1) % 8]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state[0, i < 8] = x[i]
  state[1 <= t < 5, i < 8] = state[t - 1, i] and state[t - 1, (i + 1) % 8]
  y[i < 8] = state[4, i]
}""",
    ),
    (
        "layers of which a few elements are others",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = sum(j < 3: x[(i + j) % 8]) >= 2
  b[i < 8] = if i == 6 then a[1] > a[4] else sum(j < 3: a[(i + j) % 8]) - (if i == 2 then a[7] else 0) >= 2
  c[i < 8] = sum(j < 3: b[(i + j) % 8]) >= 2
  d[j < 8] = sum(i < 3: c[(i + j) % 8]) + (if j == 3 then sum(i < 4: c[2 * i]) else 0) >= 2
  y[i < 8] = if i == 6 then d[1] > d[4] else sum(j < 3: d[(i + j) % 8]) >= 2
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state[0, i < 8] = x[i]
  state[1 <= t < 6, i < 8] = if (t == 2 or t == 5) and i == 6 then state[t - 1, 1] > state[t - 1, 4] else \
sum(j < 3: state[t - 1, (i + j) % 8]) - (if t == 2 and i == 2 then state[t - 1, 7] else 0) + \
(if t == 4 and i == 3 then sum(k < 4: state[t - 1, 2 * k]) else 0) >= 2
  y[i < 8] = state[5, i]
}""",
    ),
    (
        "families of layers of which a few elements read a step before, where the first step has none",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] > x[(i + 1) % 8]
  b[i < 8] = x[i] + x[(i + 3) % 8] >= 2
  c[i < 8] = a[i] + b[i]
  d[i < 8] = if i == 2 then a[7] else c[i] > c[(i + 1) % 8]
  e[i < 8] = if i == 5 then a[1] and b[4] else c[i] + c[(i + 3) % 8] >= 2
  f[i < 8] = d[i] + e[i]
  g[i < 8] = f[i] > f[(i + 1) % 8]
  h[i < 8] = f[i] + f[(i + 3) % 8] >= 2
  y[i < 8] = g[i] + h[i] >= 1
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state[0, i < 8] = x[i]
  state[1 <= t < 3, i < 8] = state2[t - 1, i] + state3[t - 1, i]
  state2[t < 3, i < 8] = if t == 1 and i == 5 then pad(state2, 0)[t - 1, 4] and pad(state3, 0)[t - 1, 1] else \
state[t, i] + state[t, (i + 3) % 8] >= 2
  state3[t < 3, i < 8] = if t == 1 and i == 2 then pad(state3, 0)[t - 1, 7] else state[t, i] > state[t, (i + 1) % 8]
  y[i < 8] = state2[2, i] + state3[2, i] >= 1
}""",
    ),
    (
        "layers of which one element is another one in all, and one element in one",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = if i == 0 then 0 else x[i] and x[(i + 1) % 8]
  b[i < 8] = if i == 0 then 0 else a[i] and a[(i + 1) % 8]
  c[i < 8] = if i == 0 then 0 else if i == 4 then b[7] else b[i] and b[(i + 1) % 8]
  y[i < 8] = if i == 0 then 0 else c[i] and c[(i + 1) % 8]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state[0, i < 8] = x[i]
  state[1 <= t < 5, i < 8] = if i == 0 then 0 else \
if t == 3 and i == 4 then state[t - 1, 7] else state[t - 1, i] and state[t - 1, (i + 1) % 8]
  y[i < 8] = state[4, i]
}""",
    ),
    (
        "two layers in turn, within a longer sequence",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  h[i < 8] = x[i] or x[(i + 3) % 8]
  a[i < 8] = h[i] or h[(i + 1) % 8]
  b[i < 8] = a[i] and a[(i + 2) % 8]
  c[i < 8] = b[i] or b[(i + 1) % 8]
  d[i < 8] = c[i] and c[(i + 2) % 8]
  e[i < 8] = d[i] or d[(i + 1) % 8]
  g[i < 8] = e[i] and e[(i + 2) % 8]
  y[i < 8] = g[i] xor g[(i + 4) % 8]
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  state2[0, i < 8] = x[i] or x[(i + 3) % 8]
  state2[1 <= t < 4, i < 8] = state[t - 1, i] and state[t - 1, (i + 2) % 8]
  state[t < 3, i < 8] = state2[t, i] or state2[t, (i + 1) % 8]
  y[i < 8] = state2[3, i] xor state2[3, (i + 4) % 8]
}""",
    ),
    (
        "carries and digits",
        "roll",
        """rule f(x: bit[2, 4]) -> (y: bit[5]) {
  a = x[0, 0] and x[1, 0]
  b = a + x[0, 1] + x[1, 1] >= 2
  c = b + x[0, 2] + x[1, 2] >= 2
  d = c + x[0, 3] + x[1, 3] >= 2
  y[0] = x[0, 0] xor x[1, 0]
  y[1] = a xor x[0, 1] xor x[1, 1]
  y[2] = b xor x[0, 2] xor x[1, 2]
  y[3] = c xor x[0, 3] xor x[1, 3]
  y[4] = d
}""",
        """rule f(x: bit[2, 4]) -> (y: bit[5]) {
  state[0] = x[0, 0] and x[1, 0]
  state[1 <= t < 4] = state[t - 1] + x[0, t] + x[1, t] >= 2
  y[0] = x[0, 0] xor x[1, 0]
  y[1 <= t < 4] = state[t - 1] xor x[0, t] xor x[1, t]
  y[4] = state[3]
}""",
    ),
    (
        "scalars that do not read one another",
        "roll",
        """rule f(x: bit[8]) -> (y: bit) {
  a = x[0] and (x[1] or x[2] or x[3])
  b = x[2] and (x[3] or x[4] or x[5])
  c = x[4] and (x[5] or x[6] or x[7])
  y = a + b + c >= 2
}""",
        """rule f(x: bit[8]) -> (y: bit) {
  state[t < 3] = x[2 * t] and (x[2 * t + 1] or x[2 * t + 2] or x[2 * t + 3])
  y = state[0] + state[1] + state[2] >= 2
}""",
    ),
    (
        "a parity, with operands around a ring, of which one is apart",
        "collect",
        """rule f(x: bit[9]) -> (y: bit[9], z: bit) {
  y[i < 9] = x[(i - 1) % 9] xor x[i] xor x[(i + 1) % 9] xor x[(i + 2) % 9]
  z = (x[0] and x[2] and x[4] and x[6] and x[8] and x[1]) or (x[1] or x[2] or x[3] or x[4])
}""",
        """rule f(x: bit[9]) -> (y: bit[9], z: bit) {
  y[i < 9] = sum(j < 4: x[(i + j - 1) % 9]) % 2
  z = all(i < 5: x[2 * i]) and x[1] or any(i < 4: x[i + 1])
}""",
    ),
    (
        "rows of which one has to be filled more",
        "reroll",
        """rule f(x: bit[5, 4]) -> (y: bit) {
  const W: int[5, 5, 4] = [ROWS]
  const b: int[5] = [2, 2, 4, 2, 2]
  const V: int[5] = [1, 1, 1, 1, 1]
  h[u < 5] = sum(i < 5, j < 4: W[u, i, j] * x[i, j]) >= b[u]
  y = sum(u < 5: V[u] * h[u]) >= 3
}""".replace("ROWS", ", ".join(str([[int(i == u)] * 4 for i in range(5)]) for u in range(5))),
        """rule f(x: bit[5, 4]) -> (y: bit) {
  const weight_y: int[5] = [1, 1, 1, 1, 1]
  h2[i < 5] = sum(k < 4: x[i, k]) >= (if i == 2 then 4 else 2)
  y = sum(i < 5: weight_y[i] * h2[i]) >= 3
}""",
    ),
    (
        "results compared with numbers from a table",
        "reroll",
        """rule f(x: bit[5, 4]) -> (y: bit[5]) {
  const W: int[5, 5, 4] = [ROWS]
  const b: int[5] = [2, 1, 4, 3, 1]
  y[u < 5] = sum(i < 5, j < 4: W[u, i, j] * x[i, j]) >= b[u]
}""".replace("ROWS", ", ".join(str([[int(i == u)] * 4 for i in range(5)]) for u in range(5))),
        """rule f(x: bit[5, 4]) -> (y: bit[5]) {
  const bound_y: int[5] = [2, 1, 4, 3, 1]
  y[i < 5] = sum(k < 4: x[i, k]) >= bound_y[i]
}""",
    ),
    (
        "signs of sums that are no more than signs",
        "forward",
        """rule f(x: bit[3]) -> (y: int) {
  const W: int[2, 3] = [[1, 0, -1], [0, -1, 1]]
  h[u < 2] = sign(sum(i < 3: W[u, i] * x[i]))
  y = 2 * h[0] + 3 * h[1]
}""",
        """rule f(x: bit[3]) -> (y: int) {
  const weight_h: int[2, 3] = [[1, 0, -1], [0, -1, 1]]
  h[u < 2] = sum(i < 3: weight_h[u, i] * x[i])
  y = 2 * h[0] + 3 * h[1]
}""",
    ),
    (
        "windows that are shorter from 0 on",
        "rebase",
        """rule f(x: bit[9, 9]) -> (y: bit[9, 9]) {
  y[i < 9, j < 9] = sum(di in -1..1, dj in -2..2: x[(i + di) % 9, (j + dj) % 9]) >= 2
}""",
        """rule f(x: bit[9, 9]) -> (y: bit[9, 9]) {
  y[i < 9, j < 9] = sum(di < 3, dj < 5: x[(i + di - 1) % 9, (j + dj - 2) % 9]) >= 2
}""",
    ),
    (
        "sums that begin behind what they read, over terms that are 0 and nothing",
        "rebase",
        """rule f(x: bit[8, 8]) -> (y: bit, z: bit) {
  rows = sum(i < 6: sum(j < i + 2: x[i + 2, j]) >= 2)
  y = rows >= 4
  z = any(i < 7, j < i + 1: x[i + 1, j] > x[j, i + 1])
}""",
        """rule f(x: bit[8, 8]) -> (y: bit, z: bit) {
  rows = sum(i < 8: sum(j < i: x[i, j]) >= 2)
  y = rows >= 4
  z = any(i < 8, j < i: x[i, j] > x[j, i])
}""",
    ),
    (
        "a term before the first one, two sums over one triangle, and a sum that is at least 1",
        "absorb",
        """rule f(x: bit[12], w: bit[9, 9]) -> (y: bit, z: trit, v: bit) {
  count = sum(1 <= i < 12: 2 * sum(j < i + 1: x[j]) > i)
  y = x[0] + count >= 12
  z = sign(sum(i < 9, j < i: w[i, j]) - sum(k < 9, l < k: w[l, k]))
  v = sum(i < 9: w[i, i]) >= 1
}""",
        """rule f(x: bit[12], w: bit[9, 9]) -> (y: bit, z: trit, v: bit) {
  y = all(i < 12: 2 * sum(j < i + 1: x[j]) > i)
  z = sign(sum(i < 9, j < i: w[i, j] - w[j, i]))
  v = any(i < 9: w[i, i])
}""",
    ),
    (
        "sums that are as great as they can be, which changes from place to place",
        "absorb",
        """rule f(x: bit[12], w: bit[9, 3]) -> (y: bit[9], z: bit[7], v: bit[3]) {
  y[i < 9] = sum(j < i + 1: x[j]) > i
  z[i < 7] = x[i + 5] xor sum(i + 1 <= j < 9: x[j]) + i >= 8
  v[i < 3] = sum(j < i + 2, k < 3: w[j, k]) >= 3 * i + 6
}""",
        """rule f(x: bit[12], w: bit[9, 3]) -> (y: bit[9], z: bit[7], v: bit[3]) {
  y[i < 9] = all(j < i + 1: x[j])
  z[i < 7] = x[i + 5] xor all(i + 1 <= j < 9: x[j])
  v[i < 3] = all(j < i + 2, k < 3: w[j, k])
}""",
    ),
    (
        "a band around a torus",
        "slice-weights",
        """rule f(x: bit[4, 4]) -> (y: bit[4]) {
  const w: int[4, 4] = [[1, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]]
  y[i < 4] = sum(j < 4, k < 4: w[j, k] * x[j, (i + k) % 4]) >= 4
}""",
        """rule f(x: bit[4, 4]) -> (y: bit[4]) {
  y[i < 4] = sum(j < 4, k < 2: x[j, (i + k - j - 1) % 4]) >= 4
}""",
    ),
    (
        "the same rows, once from the first on and once from the second",
        "hoist",
        """rule f(x: bit[6, 7]) -> (y: bit) {
  y = sum(i < 5, j < i + 1: sum(k < 7: x[i + 1, k]) > sum(k < 7: x[j, k])) >= 7
}""",
        """rule f(x: bit[6, 7]) -> (y: bit) {
  partial[i < 6] = sum(k < 7: x[i, k])
  y = sum(i < 5, j < i + 1: partial[i + 1] > partial[j]) >= 7
}""",
    ),
    (
        "pairs of which half are read",
        "inline",
        """rule f(x: bit[5]) -> (y: bit) {
  pair[i < 5, j < 5] = x[i] and not x[j]
  y = sum(i < 5, j < i: pair[i, j]) >= 7
}""",
        """rule f(x: bit[5]) -> (y: bit) {
  pair2 = sum(k < 5, l < k: x[k] and not x[l])
  y = pair2 >= 7
}""",
    ),
    (
        "pairs of which one is something else",
        "inline",
        """rule f(x: int[0..9][9], z: int[0..9]) -> (rank: int[9]) {
  pair[i < 9, j < 9] = if i == 2 and j == 3 then z > 4 else x[j] > x[i]
  rank[i < 9] = sum(j < 9: pair[i, j])
}""",
        """rule f(x: int[0..9][9], z: int[0..9]) -> (rank: int[9]) {
  rank[i < 9] = sum(j < 9: if i == 2 and j == 3 then z > 4 else x[j] > x[i])
}""",
    ),
    (
        "results of which one adds something, and another is something else",
        "reroll",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  const W: int[9, 9] = ROWS
  const b: int[9] = [2, 2, 2, 2, 2, 2, 2, 0, 2]
  y[u < 9] = sum(i < 9: W[u, i] * x[i]) >= b[u]
}""".replace("ROWS", _windows({(2, 7): 1, (7, 6): -1, (7, 7): 0, (7, 8): 0})),
        """rule f(x: bit[9]) -> (y: bit[9]) {
  y[i < 9] = if i == 7 then -x[6] >= 0 else sum(j < 3: x[(i + j - 1) % 9]) + (if i == 2 then x[7] else 0) >= 2
}""",
    ),
    (
        "results at borders, one of which reads less, and one of which is another",
        "reroll",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  const W: int[9, 9] = ROWS
  y[u < 9] = sum(i < 9: W[u, i] * x[i]) >= 2
}""".replace("ROWS", _windows({(0, 8): 0, (8, 0): 0, (3, 7): -1, (6, 5): 0, (6, 6): 0, (6, 7): 0, (6, 1): 2})),
        """rule f(x: bit[9]) -> (y: bit[9]) {
  y[i < 9] = if i == 6 then 2 * x[1] >= 2 else sum(j in -1..1: pad(x, 0)[i + j]) - (if i == 3 then x[7] else 0) >= 2
}""",
    ),
    (
        "a hidden unit that is another, in the place where its readers expect it",
        "reroll",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  const W: int[9, 9] = ROWS
  const V: int[9, 9] = READERS
  h[u < 9] = sum(i < 9: W[u, i] * x[i]) >= 2
  y[v < 9] = sum(u < 9: V[v, u] * h[u]) >= 1
}""".replace("ROWS", _windows({(5, 4): 0, (5, 5): 0, (5, 6): 0, (5, 0): 2})).replace(
            "READERS", str([[int(u == v) - int(u == (v + 1) % 9) for u in range(9)] for v in range(9)])
        ),
        """rule f(x: bit[9]) -> (y: bit[9]) {
  const kernel_y: int[2] = [1, -1]
  h2[i < 9] = if i == 5 then 2 * x[0] >= 2 else sum(j < 3: x[(i + j - 1) % 9]) >= 2
  y[i < 9] = sum(j in -1..0: kernel_y[j + 1] * h2[(i + j + 1) % 9]) >= 1
}""",
    ),
    (
        "a number of set places, but for one column, where a unit is another",
        "collapse-cones",
        """rule f(x: bit[5, 20]) -> (y: bit[20]) {
  a[j < 20] = sum(i < 5: x[i, j]) >= 2
  b[j < 20] = if (j + 3) % 20 == 0 then x[0, 1] else sum(i < 5: x[i, j]) >= 3
  y[j < 20] = a[j] > b[j]
}""",
        """rule f(x: bit[5, 20]) -> (y: bit[20]) {
  a[j < 20] = sum(i < 5: x[i, j]) >= 2
  b[j < 20] = if j == 17 then x[0, 1] else sum(i < 5: x[i, j]) >= 3
  y[j < 20] = if j == 17 then (sum(i_ < 5: x[i_, 17]) >= 2) > x[0, 1] else sum(i_ < 5: x[i_, j]) == 2
}""",
    ),
    (
        "what is left of a function where one of its parts is another",
        "collapse-cones",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  a[i < 9] = x[i] > x[(i + 1) % 9]
  b[i < 9] = x[i] and x[(i + 1) % 9]
  c[i < 9] = if i == 4 then x[0] + x[7] + x[8] >= 2 else x[i] + x[(i + 1) % 9] + x[(i + 2) % 9] >= 3
  y[i < 9] = a[i] or b[i] or c[i]
}""",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  a[i < 9] = x[i] > x[(i + 1) % 9]
  b[i < 9] = x[i] and x[(i + 1) % 9]
  c[i < 9] = if i == 4 then x[0] + x[7] + x[8] >= 2 else x[i] and x[(i + 1) % 9] and x[(i + 2) % 9]
  y[i < 9] = if i == 4 then x[4] or x[0] + x[7] + x[8] >= 2 else x[i]
}""",
    ),
    (
        "sums over tables over the same indices, with a name and without one",
        "absorb",
        """rule f(x: bit[4], z: bit[4], w: bit[4]) -> (y: bit) {
  const a: int[4] = [1, -2, 0, 1]
  const b: int[4] = [2, 1, 1, -1]
  const c: int[4] = [3, 1, 2, -1]
  first = sum(i < 4: a[i] * x[i])
  second = sum(i < 4: b[i] * z[i])
  y = first - second + sum(j < 4: c[j] * w[j]) >= 2
}""",
        """rule f(x: bit[4], z: bit[4], w: bit[4]) -> (y: bit) {
  const a: int[4] = [1, -2, 0, 1]
  const b: int[4] = [2, 1, 1, -1]
  const c: int[4] = [3, 1, 2, -1]
  first2_2 = sum(i < 4: a[i] * x[i] - b[i] * z[i] + c[i] * w[i])
  y = first2_2 >= 2
}""",
    ),
    (
        "comparisons of numbers at places that a table tells",
        "unfold",
        """rule f(x: real[3]) -> (y: bit) {
  const place: int[3] = [0, 2, 2]
  const bound: rat[3] = [0.5, 18, 20.5]
  above[i < 3] = x[place[i]] > bound[i]
  y = above[0] > above[1] or above[2]
}""",
        """rule f(x: real[3]) -> (y: bit) {
  y = (x[0] > 0.5) > (x[2] > 18) or x[2] > 20.5
}""",
    ),
    (
        "sums that are another one at a place, one of them around the end",
        "instances",
        """rule f(x: bit[12]) -> (y: bit[6], w: bit[2]) {
  y[i < 6] = if i == 2 then sum(k < 4: x[k + 6]) >= 3 else sum(k < 4: x[(2 * i + k) % 12]) >= 2
  w[0] = sum(k < 4: x[(k + 10) % 12]) == 3
  w[1] = sum(j < 4: x[j]) == 1
}""",
        """rule f(x: bit[12]) -> (y: bit[6], w: bit[2]) {
  part[i < 6] = sum(k < 4: x[(2 * i + k) % 12])
  y[i < 6] = if i == 2 then part[3] >= 3 else part[i] >= 2
  w[0] = part[5] == 3
  w[1] = part[0] == 1
}""",
    ),
    (
        "an exception whose parts are numbers and a sum of its own, and one that is none",
        "collapse-cones",
        """rule f(n: int[0..4][6], score: int[-99..99]) -> (y: bit[6]) {
  a[i < 6] = n[i] >= 1
  b[i < 6] = if i == 2 then score >= 8 else n[i] >= 2
  c[i < 6] = if i == 5 then n[5] > 2 else n[i] >= 3
  y[i < 6] = a[i] + c[i] > b[i] + (n[i] >= 4)
}""",
        """rule f(n: int[0..4][6], score: int[-99..99]) -> (y: bit[6]) {
  a[i < 6] = n[i] >= 1
  b[i < 6] = if i == 2 then score >= 8 else n[i] >= 2
  c[i < 6] = n[i] >= 3
  y[i < 6] = if i == 2 then if score >= 8 then n[2] == 3 else n[2] >= 1 else n[i] % 2
}""",
    ),
    (
        "intervals of sums, which their only reader counts",
        "combine",
        """rule f(x: bit[6]) -> (y: bit) {
  const W: int[4, 6] = [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
  const t: int[4] = [1, 1, 2, 2]
  const V: int[4] = [1, 1, -1, -1]
  h[u < 4] = sum(i < 6: W[u, i] * x[i]) >= t[u]
  y = sum(u < 4: V[u] * h[u]) >= 2
}""",
        """rule f(x: bit[6]) -> (y: bit) {
  const W: int[4, 6] = [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
  const t: int[4] = [1, 1, 2, 2]
  const weight_state: int[2, 4] = [[0, 1, 0, -1], [1, 0, -1, 0]]
  const weight_y: int[2] = [1, 1]
  h[u < 4] = sum(i < 6: W[u, i] * x[i]) >= t[u]
  state[i < 2] = sum(j < 4: weight_state[i, j] * h[j])
  y = sum(i < 2: weight_y[i] * state[i]) >= 2
}""",
    ),
    (
        "a condition that a sum is over",
        "collapse-cones",
        """rule f(x: bit[5, 7]) -> (y: bit) {
  some[i < 5] = sum(j < 7: x[i, j]) >= 1
  more[i < 5] = sum(j < 7: x[i, j]) >= 2
  y = sum(i < 5: some[i] > more[i]) >= 3
}""",
        """rule f(x: bit[5, 7]) -> (y: bit) {
  some[i < 5] = sum(j < 7: x[i, j]) >= 1
  more[i < 5] = sum(j < 7: x[i, j]) >= 2
  y = sum(i < 5: sum(j_ < 7: x[i, j_]) == 1) >= 3
}""",
    ),
    (
        "weights that come again, on one axis and along diagonals",
        "slice-weights",
        """rule f(x: bit[4, 5], z: bit[9]) -> (y: bit, w: bit) {
  const W: int[4, 5] = [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0], [1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]
  const V: int[9] = [1, 4, -2, 1, 4, -2, 1, 4, -2]
  y = sum(i < 4, j < 5: W[i, j] * x[i, j]) >= 4
  w = sum(1 <= i < 9: V[i] * z[i]) >= 2
}""",
        """rule f(x: bit[4, 5], z: bit[9]) -> (y: bit, w: bit) {
  y = sum(i < 4, j < 5: (i + j + 1) % 2 * x[i, j]) >= 4
  w = sum(1 <= i < 9: (3 * ((i + 1) % 3) - 2) * z[i]) >= 2
}""",
    ),
    (
        "what is added where only the remainder counts",
        "fold",
        """rule f(x: bit[4, 5]) -> (y: bit) {
  y = sum(i < 4, j < 5: (i + j - 2) % 2 * x[i, j]) >= 4
}""",
        """rule f(x: bit[4, 5]) -> (y: bit) {
  y = sum(i < 4, j < 5: (i + j) % 2 * x[i, j]) >= 4
}""",
    ),
    (
        "carries that begin with two bits",
        "ladder",
        """rule f(x: bit[4], z: bit[4]) -> (y: bit[4]) {
  first = x[0] and z[0]
  second = x[1] + z[1] + first >= 2
  third = x[2] + z[2] + second >= 2
  y[0] = first
  y[1] = second
  y[2] = third
  y[3] = x[3] + z[3] + third >= 2
}""",
        """rule f(x: bit[4], z: bit[4]) -> (y: bit[4]) {
  first = x[0] and z[0]
  state[i < 4] = x[i] + z[i] + pad(state, 0)[i - 1] >= 2
  y[0] = first
  y[1] = state[1]
  y[2] = state[2]
  y[3] = state[3]
}""",
    ),
    (
        "steps that many take, from what is no step",
        "ladder",
        """rule f(x: bit[5, 6], z: bit[5]) -> (y: bit[5]) {
  first[i < 5] = x[i, 0] or z[i]
  second[i < 5] = sum(j < 2: x[i, 3 - j]) + first[i] >= 2
  third[i < 5] = sum(k < 2: x[i, 4 - k]) + second[i] >= 2
  fourth[i < 5] = third[i] + sum(k < 2: x[i, 5 - k]) >= 2
  y[i < 5] = fourth[i] xor x[i, 0]
}""",
        """rule f(x: bit[5, 6], z: bit[5]) -> (y: bit[5]) {
  first[i < 5] = x[i, 0] or z[i]
  state[0, i < 5] = first[i]
  state[1 <= j < 4, i < 5] = sum(k < 2: x[i, j - k + 2]) + state[j - 1, i] >= 2
  y[i < 5] = state[3, i] xor x[i, 0]
}""",
    ),
    (
        "several steps in one value",
        "ladder",
        """rule f(a: bit[6], b: bit[6]) -> (y: bit) {
  first = b[2] + (b[1] + (b[0] > a[0]) > a[1]) > a[2]
  second = b[3] + first > a[3]
  third = b[4] + second > a[4]
  y = b[5] + third > a[5]
}""",
        """rule f(a: bit[6], b: bit[6]) -> (y: bit) {
  state[i < 6] = b[i] + pad(state, 0)[i - 1] > a[i]
  y = state[5]
}""",
    ),
    (
        "an operand that others decide",
        "collapse-cones",
        """rule f(a: bit[4], b: bit[4], c: bit[4]) -> (y: bit[4], z: bit) {
  both[i < 4] = a[i] and b[i]
  y[i < 4] = (a[i] xor b[i] xor c[i]) and a[i] + c[i] >= 2 * both[i]
  z = sum(i < 4: both[i]) >= 2
}""",
        """rule f(a: bit[4], b: bit[4], c: bit[4]) -> (y: bit[4], z: bit) {
  both[i < 4] = a[i] and b[i]
  y[i < 4] = a[i] xor b[i] xor c[i]
  z = sum(i < 4: both[i]) >= 2
}""",
    ),
    (
        "a bit that an input and units over it make with unequal weights",
        "combine",
        """rule f(x: bit[3], z: bit[2]) -> (y: bit[2]) {
  const W: int[1, 3] = [[0, 1, 1]]
  const V: int[1, 3] = [[1, 0, 0]]
  const U: int[1, 1] = [[1]]
  const A: int[2, 3] = [[1, 0, 0], [-1, 0, 0]]
  const B: int[2, 1] = [[1], [-1]]
  const D: int[2, 1] = [[-2], [2]]
  const E: int[2, 2] = [[1, 1], [1, 0]]
  either[u < 1] = sum(i < 3: W[u, i] * x[i]) >= 1
  both[u < 1] = sum(i < 3: V[u, i] * x[i]) + sum(k < 1: U[u, k] * either[k]) >= 2
  y[v < 2] = sum(i < 3: A[v, i] * x[i]) + sum(k < 1: B[v, k] * either[k]) + sum(k < 1: D[v, k] * both[k]) \
+ sum(k < 2: E[v, k] * z[k]) >= 1
}""",
        """rule f(x: bit[3], z: bit[2]) -> (y: bit[2]) {
  const W: int[1, 3] = [[0, 1, 1]]
  const V: int[1, 3] = [[1, 0, 0]]
  const U: int[1, 1] = [[1]]
  const weight_state: int[1, 3] = [[1, 0, 0]]
  const weight_state2: int[1, 1] = [[1]]
  const weight_state3: int[1, 1] = [[-2]]
  const weight_y: int[2, 2] = [[1, 1], [1, 0]]
  const weight_y2: int[2, 1] = [[1], [-1]]
  either[u < 1] = sum(i < 3: W[u, i] * x[i]) >= 1
  both[u < 1] = sum(i < 3: V[u, i] * x[i]) + sum(k < 1: U[u, k] * either[k]) >= 2
  state[i < 1] = sum(j < 3: weight_state[i, j] * x[j]) + sum(j < 1: weight_state2[i, j] * either[j]) \
+ sum(j < 1: weight_state3[i, j] * both[j])
  y[v < 2] = sum(i < 2: weight_y[v, i] * z[i]) + sum(i < 1: weight_y2[v, i] * state[i]) >= 1
}""",
    ),
    (
        "pads that are read nowhere, and a chain of what is taken away",
        "fold",
        """rule f(x: bit[6, 7], n: int[0..9][5]) -> (y: bit[6, 6], z: bit[5]) {
  y[i < 6, j < 6] = pad(x, 0)[i, j + 1] + pad(x, 0)[i - 1, j] >= 2
  z[i < 5] = -3 <= -n[i] < 0
}""",
        """rule f(x: bit[6, 7], n: int[0..9][5]) -> (y: bit[6, 6], z: bit[5]) {
  y[i < 6, j < 6] = x[i, j + 1] + pad(x, 0)[i - 1, j] >= 2
  z[i < 5] = 0 < n[i] <= 3
}""",
    ),
    (
        "an operand that others decide where nothing wraps",
        "collapse-cones",
        """rule f(x: bit[8], z: bit) -> (y: bit[7]) {
  both[i < 8] = x[i] and x[(i + 1) % 8]
  y[i < 7] = not both[i] and x[i] + x[i + 1] + z >= 2
}""",
        """rule f(x: bit[8], z: bit) -> (y: bit[7]) {
  both[i < 8] = x[i] and x[(i + 1) % 8]
  y[i < 7] = z and x[i] != x[i + 1]
}""",
    ),
    (
        "windows that always reach an end, and one that does not",
        "fold",
        """rule f(x: bit[3, 9]) -> (y: bit[9], z: bit[9], w: bit[9]) {
  y[i < 9] = 2 * x[1, i] > sum(di in -8..0: pad(x, 0)[1, i + di])
  z[i < 9] = all(k < 9: pad(x, 1)[0, i + k])
  w[i < 9] = any(di in -10..10: pad(x, 0)[2, i + di]) and sum(k < 3: pad(x, 0)[0, i + k]) >= 2
}""",
        """rule f(x: bit[3, 9]) -> (y: bit[9], z: bit[9], w: bit[9]) {
  y[i < 9] = 2 * x[1, i] > sum(di < i + 1: x[1, di])
  z[i < 9] = all(i <= k < 9: x[0, k])
  w[i < 9] = any(di < 9: x[2, di]) and sum(k < 3: pad(x, 0)[0, i + k]) >= 2
}""",
    ),
    (
        "bounds that go up in even steps",
        "grade",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  total = sum(i < 8: x[i])
  y[i < 2] = x[i] and total >= 2
  y[2 <= i < 4] = x[i] and total >= 3
  y[4 <= i < 6] = x[i] and total >= 4
  y[6 <= i < 8] = x[i] and total >= 5
}""",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  total = sum(i < 8: x[i])
  y[i < 8] = x[i] and 2 * total - i >= 3
}""",
    ),
    (
        "bounds that go down along one of two axes, and elements written out",
        "grade",
        """rule f(x: int[0..9], z: bit[3, 6]) -> (y: bit[3, 8]) {
  y[j < 3, 0] = z[j, 0] or x <= 7
  y[j < 3, 1 <= i < 3] = z[j, i] or x <= 6
  y[j < 3, 3] = z[j, 3] or x <= 5
  y[j < 3, 4 <= i < 6] = z[j, i] or x <= 4
  y[j < 3, 6 <= i < 8] = x <= i
}""",
        """rule f(x: int[0..9], z: bit[3, 6]) -> (y: bit[3, 8]) {
  y[j < 3, i < 6] = z[j, i] or 2 * i + 3 * x <= 22
  y[j < 3, 6 <= i < 8] = x <= i
}""",
    ),
]

DECLINES = [
    (
        "signs by two bits that a reader adds up",
        "pairs",
        """rule f(x: trit[3]) -> (y: int) {
  const W: int[2, 3] = [[1, -1, 1], [-1, 1, -1]]
  h[u < 2] = sum(i < 3: W[u, i] * x[i]) > 0
  y = sum(u < 2: h[u])
}""",
    ),
    (
        "an element at the end that reads one too far",
        "widen",
        """rule f(s: spin[9]) -> (t: bit[9]) {
  t[i < 8] = s[i] + s[i + 1] != 0
  t[8] = s[1] + s[8] != 0
}""",
    ),
    (
        "relus that one reader takes alone",
        "pairs",
        """rule f(x: spin[3]) -> (y: int[2]) {
  const W: int[2, 3] = [[1, -1, 2], [-1, 1, -2]]
  const V: int[2, 2] = [[1, 1], [1, 0]]
  h[u < 2] = relu(sum(i < 3: W[u, i] * x[i]))
  y[t < 2] = sum(u < 2: V[t, u] * h[u])
}""",
    ),
    (
        "relus whose sums differ in more than the sign",
        "pairs",
        """rule f(x: spin[3]) -> (y: int) {
  const W: int[2, 3] = [[1, -1, 2], [-1, 1, -2]]
  const b: int[2] = [1, 0]
  h[u < 2] = relu(sum(i < 3: W[u, i] * x[i]) + b[u])
  y = sum(u < 2: h[u])
}""",
    ),
    (
        "relus whose ratio is no power of two",
        "pairs",
        """rule f(x: spin[3]) -> (y: int) {
  const W: int[2, 3] = [[3, -3, 6], [-1, 1, -2]]
  const V: int[2] = [1, 3]
  h[u < 2] = relu(sum(i < 3: W[u, i] * x[i]))
  y = sum(u < 2: V[u] * h[u])
}""",
    ),
    (
        "a reduction over a step of a recurrence",
        "hoist",
        """rule f(x: bit[8], w: bit[8]) -> (z: bit[8]) {
  a[0, i < 8] = x[i]
  b[1 <= t < 4, i < 8] = sum(k < 3: a[0, k]) + w[t] + a[t - 1, i] >= 3
  a[1 <= t < 4, i < 8] = sum(k < 5: a[t - 1, k]) > w[t] and not b[t, i]
  z[i < 8] = a[3, i]
}""",
    ),
    (
        "layers of a recurrence whose exceptions read a step before where other tensors say",
        "roll",
        """rule f(x: bit[5]) -> (y: bit[5]) {
  a[i < 5] = x[i] > x[(i + 1) % 5]
  b[i < 5] = x[i] + x[(i + 3) % 5] >= 2
  c[i < 5] = a[i] + b[i]
  d[i < 5] = if i == 2 then x[a[1] + 2 * b[3]] else c[i] > c[(i + 1) % 5]
  e[i < 5] = if i == 3 then a[b[0] + 1] else c[i] + c[(i + 3) % 5] >= 2
  f[i < 5] = d[i] + e[i]
  g[i < 5] = f[i] > f[(i + 1) % 5]
  h[i < 5] = f[i] + f[(i + 3) % 5] >= 2
  y[i < 5] = g[i] + h[i] >= 1
}""",
    ),
    (
        "what statements of a recurrence read without its step",
        "cse",
        """rule f(x: bit[8], w: bit[8]) -> (z: bit[8]) {
  a[0, i < 8] = x[i]
  b[1 <= t < 4, i < 8] = w[t + 1] + a[0, 3] + a[0, 4] + a[0, 5] + a[0, 6] >= 2 and a[t - 1, i]
  c[1 <= t < 3, i < 8] = w[t + 1] + a[0, 3] + a[0, 4] + a[0, 5] + a[0, 6] >= 2 or a[t - 1, (i + 1) % 8]
  c[3, i < 8] = x[i]
  a[1 <= t < 4, i < 8] = c[t, i] xor b[t, i]
  z[i < 8] = a[3, i]
}""",
    ),
    (
        "a sum of bits some of which are never one",
        "logic",
        """rule f(x: bit[5]) -> (y: bit) {
  const w: int[5] = [0, 1, 1, 0, 1]
  y = sum(i < 5: w[i] * x[i]) >= 3
}""",
    ),
    (
        "a unit that two results read",
        "apart",
        """rule f(x: bit[4]) -> (y: bit[2], z: bit) {
  const w: int[2, 4] = [[1, 1, 0, 0], [0, 1, 1, 1]]
  const v: int[2, 2] = [[1, 0], [-1, 1]]
  const t: int[2] = [0, 1]
  layer1[u < 2] = sum(i < 4: w[u, i] * x[i]) >= 1
  y[u < 2] = sum(i < 2: v[u, i] * layer1[i]) >= 1
  z = sum(i < 2: t[i] * layer1[i]) >= 1
}""",
    ),
    (
        "conditions on elements, and those in a bound",
        "widen",
        """rule f(x: bit[5]) -> (y: bit[5], z: bit[5]) {
  y[i < 5] = if x[(i - 1) % 5] then x[(i + 1) % 5] else x[i]
  z[i < 5] = x[i] + x[(i + 1) % 5] >= (if i == 0 then 1 else 2)
}""",
    ),
    (
        "a unit at a border that is another function of what is about it",
        "arrange",
        """rule f(x: bit[5]) -> (y: bit) {
  const w: int[5, 5] = [[0, 1, 1, 1, 0], [0, 0, 0, 1, -1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
  const b: int[5] = [2, 1, 2, 2, 2]
  const v: int[5] = [1, 1, 1, 1, 1]
  layer1[u < 5] = sum(i < 5: w[u, i] * x[i]) >= b[u]
  y = sum(i < 5: v[i] * layer1[i]) >= 2
}""",
    ),
    (
        "comparisons of what is read outside, and bounds that no pad explains",
        "pads",
        """rule f(x: bit[7]) -> (y: bit[7], z: bit[7]) {
  y[i < 7] = sum(k < 3: pad(x, 0)[i + k - 1] == 1) >= (if i == 0 or i == 6 then 1 else 2)
  z[i < 7] = sum(k < 3: pad(x, 0)[i + k - 1]) >= (if i == 3 then 1 else 2)
}""",
    ),
    (
        "differences of units that are no opposites, and thresholds that are too far apart",
        "narrow",
        """rule f(x: trit[5]) -> (y: int[2], z: int) {
  const w: int[4, 5] = [[1, 1, 1, 0, 0], [-1, -1, -1, 0, 0], [-1, 0, 0, 1, 2], [1, 0, 0, -1, -1]]
  const b: int[4] = [2, 1, 1, 1]
  const v: int[2, 4] = [[1, -1, 0, 0], [0, 0, -1, 1]]
  const c: int[4] = [1, 1, 0, 0]
  layer1[u < 4] = sum(i < 5: w[u, i] * x[i]) >= b[u]
  y[u < 2] = sum(i < 4: v[u, i] * layer1[i])
  z = sum(i < 4: c[i] * layer1[i])
}""",
    ),
    (
        "a run of elements that is something else than the other one there",
        "widen",
        """rule f(x: bit[7]) -> (y: bit[7]) {
  many[i < 5] = sum(j < i + 2: x[j]) >= 2
  y[i < 2] = x[6]
  y[2 <= i < 7] = x[i] and many[i - 2]
}""",
    ),
    (
        "elements that are no pads, pads that differ, and clauses that say something else outside",
        "extend",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  all_of[i < 7] = sum(j < 3: x[i + j]) >= 3
  any_of[i < 7] = sum(j < 3: x[i + j]) >= 2
  y[i < 9] = pad(all_of, 0)[i] or pad(all_of, 1)[i - 2] or pad(any_of, 0)[i - 1]
}""",
    ),
    (
        "the first of the largest, around a ring",
        "fold",
        """rule f(x: int[0..9][3]) -> (y: int[0..2]) {
  y = argmax(u < 3: x[(u - 1) % 3])
}""",
    ),
    (
        "places in tables that are not affine, or may be outside, and elements of rows that are not seen",
        "fold",
        """rule f(x: bit[4, 6], n: int[0..9]) -> (y: bit[4], v: bit[5]) {
  const at: int[4] = [0, 1, 3, 2]
  y[i < 4] = x[i, at[i]]
  v[i < 5] = any(j < 4: pad(x, 0)[j, i - 6 * j + 2])
}""",
    ),
    (
        "truths over what others read, and what would be computed again and again",
        "logic",
        """rule f(x: bit[4, 4], b: bit[4]) -> (y: bit, z: bit, w: bit[4]) {
  count = sum(i < 4: all(j < 4: x[i, j]))
  whole = all(i < 4: x[i, i])
  y = count + b[0] >= 1
  z = count + b[1] >= 1
  w[i < 4] = whole - b[i] - b[0] >= 1
}""",
    ),
    (
        "comparisons of reals that may be no numbers, ends that only some sums reach, sums that are at no end",
        "logic",
        """rule f(x: real[3], a: bit[4], n: int[0..2]) -> (y: bit[4], z: bit[4]) {
  y[0] = not x[0] < 1
  y[1] = not x[0] < 1 or not x[1] < 1
  y[2] = a[0] + a[1] + a[2] >= 2
  y[3] = n + a[0] >= 3
  z[i < 4] = sum(j < i: a[j]) >= 3
}""",
    ),
    (
        "an axis of which the first element is missing",
        "cse",
        """rule f(x: int[0..9][9, 5]) -> (y: bit[4], z: bit[4]) {
  h[1 <= i < 9, j < 5] = x[i, j] * x[i - 1, j]
  y[i < 4] = sum(j < 5: h[i + 2, j] * h[i + 2, j] - 3 * h[i + 2, j]) > 5
  z[i < 4] = sum(j < 5: h[i + 4, j] * h[i + 4, j] - 3 * h[i + 4, j]) > 5
}""",
    ),
    (
        "a triangle",
        "cse",
        """rule f(x: bit[9]) -> (y: bit[4], z: bit[4]) {
  h[i < 9, j < i + 1] = x[i] xor x[j]
  y[i < 4] = sum(j < 3: h[i + 3, j] * x[j]) >= 2
  z[i < 4] = sum(j < 3: h[i + 5, j] * x[j]) >= 2
}""",
    ),
    (
        "what one has more is all that counts",
        "larger",
        """rule f(x: int[0..9][4]) -> (y: int) {
  excess[i < 2] = relu(x[2 * i] - x[2 * i + 1])
  y = 2 * excess[0] + excess[1]
}""",
    ),
    (
        "a tensor that is read beyond its end",
        "larger",
        """rule f(x: int[0..9][4], z: int[0..9][4]) -> (y: int[4]) {
  excess[i < 4] = relu(x[i] - z[i])
  y[i < 4] = excess[i] + z[i] + pad(excess, 0)[i - 1]
}""",
    ),
    (
        "a chain that is not read as a whole",
        "gather",
        """rule f(x: int[0..9][8]) -> (y: int) {
  a[i < 4] = max(x[2 * i], x[2 * i + 1])
  b[i < 2] = max(a[2 * i], a[2 * i + 1])
  y = max(b[0], 2 * b[1])
}""",
    ),
    (
        "a carry is no sum of two places without greater weights",
        "unary",
        """rule f(x: bit[4]) -> (y: bit[2]) {
  const A: int[1, 4] = [[1, 1, 0, 0]]
  const B: int[2, 1] = [[1], [1]]
  const C: int[2, 4] = [[0, 0, 1, 1], [0, 0, 1, 1]]
  const b: int[2] = [2, 3]
  h[u < 1] = sum(i < 4: A[u, i] * x[i]) >= 2
  y[u < 2] = sum(k < 1: B[u, k] * h[k]) + sum(i < 4: C[u, i] * x[i]) >= b[u]
}""",
    ),
    (
        "sums without tables that have names, and one over a table that something else reads",
        "absorb",
        """rule f(x: bit[4], z: bit[4]) -> (y: bit, w: bit, t: int) {
  const a: int[4] = [1, -2, 0, 1]
  const b: int[4] = [2, 1, 1, -1]
  first = sum(i < 4: x[i])
  second = sum(i < 4: z[i])
  third = sum(i < 4: a[i] * x[i])
  fourth = sum(i < 4: b[i] * z[i])
  y = first >= second
  w = third >= fourth
  t = third
}""",
    ),
    (
        "an element that is read twice, and one in a loop",
        "unfold",
        """rule f(x: real[3]) -> (y: bit, z: int) {
  const place: int[2] = [0, 2]
  above[i < 2] = x[place[i]] > 0.5
  below[i < 2] = x[place[i]] < 0.5
  y = above[0] > above[1] or above[0]
  z = sum(i < 3: i * below[1])
}""",
    ),
    (
        "a sum at no place of the other, one over more terms, and one that saves too little",
        "instances",
        """rule f(x: bit[12], z: bit[12]) -> (y: bit[3], w: bit[3], v: bit[3]) {
  y[i < 3] = if i == 2 then sum(k < 4: x[k + 5]) >= 1 else sum(k < 4: x[4 * i + k]) >= 2
  w[i < 3] = if i == 1 then sum(k < 5: x[k]) >= 1 else sum(k < 4: x[4 * i + k]) >= 1
  v[i < 3] = if i == 0 then sum(k < 4: z[k]) >= 1 else sum(k < 4: z[4 * i + k]) >= 1
}""",
    ),
    (
        "slices that are not evenly apart, a table that something else reads, and another factor",
        "stack",
        """rule f(x: bit[4, 4], z: bit[2, 4], w: bit[2, 4]) -> (y: bit[3], t: int) {
  const a: int[4] = [1, -2, 0, 1]
  const b: int[4] = [0, 2, 1, 1]
  const c: int[4] = [3, 1, 1, 2]
  const d: int[4] = [3, 1, 1, 3]
  const e: int[4] = [3, 1, 2, 2]
  const g: int[4] = [3, 1, 2, 1]
  const h: int[4] = [3, 2, 2, 1]
  y[0] = sum(i < 4: a[i] * x[0, i]) + sum(i < 4: b[i] * x[1, i]) + sum(i < 4: c[i] * x[3, i]) >= 2
  y[1] = sum(i < 4: d[i] * z[0, i]) + sum(i < 4: e[i] * z[1, i]) >= 2
  y[2] = sum(i < 4: g[i] * w[0, i]) + 2 * sum(i < 4: h[i] * w[1, i]) >= 2
  t = d[1]
}""",
    ),
    (
        "a result that begins with something else, one that is padded otherwise, and one that skips",
        "prefixes",
        """rule f(x: bit[9], z: int[0..9][4]) -> (a: bit[9], b: bit[9], c: bit[9], n: int[4]) {
  a[0] = not x[0]
  a[1 <= i < 9] = x[i] and a[i - 1]
  b[i < 9] = x[i] or pad(b, 1)[i - 1]
  c[i < 9] = x[i] or pad(c, 0)[i - 2]
  n[i < 4] = max(z[i], pad(n, 1)[i - 1])
}""",
    ),
    (
        "a bit that is read beyond its end, and steps that are alike",
        "complement",
        """rule f(x: bit[8]) -> (y: bit[8], z: bit[8]) {
  a[i < 8] = x[i] or x[(i + 1) % 8]
  b[i < 8] = pad(a, 0)[i - 1] and a[i]
  y[i < 8] = b[i] or b[(i + 1) % 8]
  c[i < 8] = x[i] and x[(i + 1) % 8]
  d[i < 8] = c[i] and c[(i + 1) % 8]
  z[i < 8] = d[i] and d[(i + 1) % 8]
}""",
    ),
    (
        "bits that are always 0",
        "complement",
        """rule f(x: bit[6]) -> (y: trit[6]) {
  a[i < 4] = x[i + 2]
  b = 0
  c = b
  d = 0
  y[i < 4] = sign(2 * a[i] - 1)
  y[4] = sign(2 * c - 1)
  y[5] = sign(2 * d - 1)
}""",
    ),
    (
        "a condition that is no place, and one that holds at several",
        "collapse-cones",
        """rule f(x: bit[5, 20]) -> (y: bit[20]) {
  a[j < 20] = if j < 3 then x[0, 1] else sum(i < 5: x[i, j]) >= 2
  b[j < 20] = if j % 2 == 0 then x[0, 1] else sum(i < 5: x[i, j]) >= 3
  y[j < 20] = a[j] > b[j]
}""",
    ),
    (
        "a relu of a sum, one that is not added to what it takes away, and a real",
        "extremes",
        """rule f(x: int[0..9][4], z: real[2]) -> (y: int, w: int, v: real) {
  y = relu(x[0] + x[1]) + x[1]
  w = relu(x[0] - x[1]) + 2 * x[1] + relu(x[2] - x[3]) - x[3]
  v = relu(z[0] - z[1]) + z[1]
}""",
    ),
    (
        "parts that are not all there, or not in one proportion, and a sum that reads itself",
        "reuse",
        """rule f(x: int[0..9][4], z: int[0..9][4]) -> (y: int, w: int, s: int[4]) {
  m = x[0] + z[0] + z[1]
  y = m + x[0] + z[0]
  w = relu(2 * x[0] + z[0] + z[1])
  s[i < 4] = x[i] + z[i] + pad(s, 0)[i - 1]
}""",
    ),
    (
        "results that repeat one hidden element, and two that have nothing to do with one another",
        "promote",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  a = x[0] and x[1]
  b = x[2] and x[3]
  c = a or b
  y[0] = a
  y[1] = b
  y[2] = c and x[3]
  y[3] = c
}""",
    ),
    (
        "a chain that is read twice, and operands that are not alike",
        "gather",
        """rule f(x: bit[7]) -> (y: bit, z: bit) {
  a = x[0] xor x[1] xor x[2]
  b = x[3] and x[0]
  y = a xor x[3] xor x[4]
  z = a xor x[5] xor x[2] xor b
}""",
    ),
    (
        "two operands, operands that are not in line, and sums of reals",
        "collect",
        """rule f(x: bit[9], z: real[9]) -> (y: bit[7], s: bit, t: real) {
  y[i < 7] = x[i] xor x[i + 1]
  s = x[0] and x[1] and x[3] and x[6] and x[8]
  t = z[0] + z[1] + z[2] + z[3] + z[4] + z[5] + z[6]
}""",
    ),
    (
        "exceptions that read another place, or say of no index what it is",
        "branches",
        """rule f(x: bit[8], z: bit[4], r: real[2]) -> (y: bit[4], w: bit[4, 4], v: int) {
  y[i < 4] = if i == 3 then if x[0] then x[6] and x[7] else x[5] or x[7] else x[2 * i] or x[2 * i + 1]
  w[i < 4, j < 4] = if z[i] then if z[j] then z[i] and z[j] else z[j] else z[i]
  v = if r[0] <= 0.5 then if r[1] <= 1.5 then 1 else 2 else 2
}""",
    ),
    (
        "results that repeat one another, an input, and a unit but for its bound",
        "repeats",
        """rule f(x: bit[3]) -> (y: bit[4]) {
  const W: int[1, 3] = [[1, 1, 0]]
  const V: int[4, 3] = [[1, 0, 1], [1, 0, 1], [0, 1, 0], [1, 1, 0]]
  const U: int[4, 1] = [[1], [0], [0], [0]]
  const s: int[4] = [2, 2, 1, 1]
  h[u < 1] = sum(i < 3: W[u, i] * x[i]) >= 2
  y[v < 4] = sum(i < 3: V[v, i] * x[i]) + sum(u < 1: U[v, u] * h[u]) >= s[v]
}""",
    ),
    (
        "one element that pads are read beside, and a result of one",
        "trim",
        """rule f(x: bit[4]) -> (y: bit[2], z: bit[1]) {
  a[i < 1] = not x[i]
  y[i < 2] = pad(a, 0)[i]
  z[i < 1] = x[i]
}""",
    ),
    (
        "constants that a table leads to, that go around, that are padded, and all of which bounds read",
        "trim",
        """rule f(x: bit[4], t: int[0..3][2]) -> (y: bit[4], z: bit[2], v: bit[1]) {
  const a: int[4] = [1, 2, 3, 0]
  const b: int[4] = [3, 2, 1, 1]
  const c: int[4] = [0, 1, 2, 2]
  const d: int[3] = [0, 1, 4]
  y[i < 4] = a[(i + 1) % 4] > pad(b, 0)[i + 2]
  z[i < 2] = c[t[i]] > 1
  v[i < 1] = any(j < 2, d[j] <= k < d[j + 1]: x[k] and not x[3 - k])
}""",
    ),
    (
        "ends that are read from a table, by a pad, or by the tensor itself, and a result",
        "trim",
        """rule f(x: bit[4], t: int[0..3][2]) -> (y: bit[2], z: bit[4]) {
  a[i < 4] = not x[i]
  b[i < 4] = not x[3 - i]
  c[i < 4] = x[i] > pad(c, 0)[i - 1]
  y[i < 2] = a[t[i]] and pad(b, 1)[i + 3] and c[3]
  z[i < 4] = x[i]
}""",
    ),
    (
        "sums over what a recurrence has at earlier steps",
        "cse",
        """rule f(x: bit[3], z: bit[6]) -> (y: bit[6]) {
  u[0, k < 3] = x[k]
  u[1, k < 3] = not x[k]
  h[i < 2] = 0
  h[2 <= t < 6] = z[t] * (sum(k < 3: u[t - 1, k]) + sum(k < 3: u[t - 2, k])) > 4 or sum(k < 3: u[t - 3 + 1, k]) > 1
  u[2 <= t < 6, k < 3] = h[t] xor u[t - 1, k]
  y[i < 6] = h[i]
}""",
    ),
    (
        "sums at more places than there are indices, at padded ones, and where an index says more than a place",
        "cse",
        """rule f(x: bit[9, 4]) -> (y: bit[7], z: bit[7], w: bit[7]) {
  y[i < 7] = sum(j < 4: x[i, j] * x[i + 1, j]) > sum(j < 4: x[i + 1, j] * x[i + 2, j])
  z[i < 7] = sum(j < 4: pad(x, 0)[i - 1, j]) > sum(j < 4: pad(x, 0)[i + 3, j])
  w[i < 7] = sum(j < 4: i * x[i, j]) > sum(j < 4: (i + 1) * x[i + 1, j])
}""",
    ),
    (
        "a difference that may be -1",
        "narrow",
        """rule f(x: bit[3], n: int[0..2]) -> (y: bit[2]) {
  const W: int[3, 3] = [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
  const t: int[3] = [1, 2, 1]
  const V: int[1, 3] = [[1, 0, -1]]
  const U: int[2, 1] = [[1], [2]]
  h[u < 3] = sum(i < 3: W[u, i] * x[i]) >= t[u]
  state[i < 1] = sum(u < 3: V[i, u] * h[u])
  y[v < 2] = sum(i < 1: U[v, i] * state[i]) + n >= 3
}""",
    ),
    (
        "two units whose sum is no bit, and two that a reader tells apart",
        "combine",
        """rule f(x: bit[5]) -> (y: bit[2]) {
  const W: int[4, 5] = [[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]
  const t: int[4] = [1, 1, 1, 2]
  const V: int[2, 4] = [[1, 1, 1, -1], [1, 1, 1, 2]]
  const s: int[2] = [2, 3]
  h[u < 4] = sum(i < 5: W[u, i] * x[i]) >= t[u]
  y[v < 2] = sum(u < 4: V[v, u] * h[u]) >= s[v]
}""",
    ),
    (
        "a sum over reals, and one without weights",
        "isolate",
        """rule f(x: bit[3], z: real[3]) -> (y: real[2]) {
  const W: rat[2, 3] = [[0.5, 1, 2], [1, 1, -1]]
  y[u < 2] = sigmoid(sum(i < 3: W[u, i] * z[i])) + exp(sum(i < 3: x[i]))
}""",
    ),
    (
        "ranges that decide nothing",
        "fold",
        """rule f(x: trit[3]) -> (y: int, z: bit) {
  s = sum(i < 3: x[i])
  y = relu(s + 2) + abs(s) + max(s, -2) + min(s, 2)
  z = s >= 3
}""",
    ),
    (
        "units that differ",
        "forward",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: int[2, 2] = [[1, 1], [1, -1]]
  h[u < 2] = sum(i < 2: W[u, i] * x[i]) >= 1
  y = h[0] and h[1]
}""",
    ),
    (
        "a hardtanh with values between its ends, a relu that cuts, and a sum that two read",
        "forward",
        """rule f(x: bit[3]) -> (y: rat[4]) {
  const W: rat[2, 3] = [[0.5, -2, 1], [1, 1, -2]]
  const V: rat[4, 2] = [[1, 2], [3, -1], [5, 1], [2, -7]]
  const A: int[1, 3] = [[5, 7, -9]]
  s[u < 1] = sum(i < 3: A[u, i] * x[i])
  h[u < 2] = max(-1, min(sum(i < 3: W[u, i] * x[i]), 1))
  k[u < 2] = relu(sum(i < 3: W[u, i] * x[i]))
  y[p < 4] = sum(u < 2: V[p, u] * h[u]) + sum(u < 2: V[p, u] * k[u]) + sum(u < 1: V[p, u] * s[u])
}""",
    ),
    (
        "an attained tie that cleaning would change",
        "exact-thresholds",
        """rule f(x: bit[2]) -> (y: trit) {
  const W: int[2] = [1, -1]
  y = sign(sum(i < 2: W[i] * x[i]))
}""",
    ),
    (
        "a sign that ties",
        "recode",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: int[2, 2] = [[1, -1], [1, 1]]
  const V: int[2] = [1, 1]
  h[u < 2] = sign(sum(i < 2: W[u, i] * x[i]))
  y = sum(u < 2: V[u] * h[u]) >= 1
}""",
    ),
    (
        "two functions",
        "collapse-tables",
        """rule f(x: bit[3]) -> (y: bit[2]) {
  const W: int[2, 3] = [[1, 1, 1], [1, 1, -1]]
  const V: int[2, 2] = [[1, 1], [1, -1]]
  h[u < 2] = sum(i < 3: W[u, i] * x[i]) >= 1
  y[u < 2] = sum(i < 2: V[u, i] * h[i]) >= 1
}""",
    ),
    (
        "rows without structure",
        "reroll",
        """rule f(x: bit[3]) -> (y: bit[3]) {
  const W: int[3, 3] = [[1, 2, -3], [4, -1, 2], [-2, 5, 1]]
  const b: int[3] = [2, 1, 3]
  y[u < 3] = sum(i < 3: W[u, i] * x[i]) >= b[u]
}""",
    ),
    (
        "border rows that no clipped kernel is",
        "reroll",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  const W: int[4, 4] = [[1, 0, 1, 0], [1, 1, 1, 0], [0, 1, 1, 1], [1, 0, 0, 1]]
  y[u < 4] = sum(i < 4: W[u, i] * x[i]) >= 2
}""",
    ),
    (
        "weights that are no slices",
        "slice-weights",
        """rule f(x: bit[9]) -> (y: bit) {
  const W: int[9] = [3, -7, 5, 11, -2, 8, -13, 4, 9]
  y = sum(i < 9: W[i] * x[i]) >= 6
}""",
    ),
    (
        "five inputs",
        "collapse-cones",
        """rule f(x: bit[5]) -> (y: bit) {
  y = sum(i < 5: x[i]) >= 3
}""",
    ),
    (
        "a sum over the clause's own neighbourhood",
        "hoist",
        """rule f(x: bit[9]) -> (y: bit[9]) {
  y[i < 9] = sum(di in -1..1: x[(i + di) % 9]) >= 2
}""",
    ),
    (
        "one name for two indices of different ranges",
        "cse",
        """rule f(x: bit[9]) -> (y: int) {
  y = sum(i < 3: max(1, 8 * x[i] * x[i + 2] - 5 * x[i + 1]))
    + sum(i < 3: max(3, 8 * x[i] * x[i + 2] - 5 * x[i + 1]))
    + sum(i < 5: max(2, 8 * x[i] * x[i + 2] - 5 * x[i + 1]))
}""",
    ),
    (
        "scores that are read for their size, too",
        "scores",
        """rule f(x: bit[3]) -> (class: int, top: rat) {
  const W: rat[3, 3] = [[2.5, 1.25, 1.25], [1.25, 2.5, 1.25], [1.25, 1.25, 2.5]]
  score[u < 3] = sum(i < 3: W[u, i] * x[i])
  class = argmax(u < 3: score[u])
  top = max(u < 3: score[u])
}""",
    ),
    (
        "the largest of some scores only",
        "scores",
        """rule f(x: bit[3]) -> (class: int) {
  const W: int[4, 3] = [[2, 1, 1], [1, 2, 1], [1, 1, 2], [0, 0, 1]]
  score[u < 4] = sum(i < 3: W[u, i] * x[i])
  class = argmax(u < 3: score[u])
}""",
    ),
    (
        "scores whose differences are longer",
        "scores",
        """rule f(x: bit[2]) -> (class: int) {
  const W: rat[3, 2] = [[0.1, 0.7], [0.2, 0.4], [0.4, 0.9]]
  score[u < 3] = sum(i < 2: W[u, i] * x[i])
  class = argmax(u < 3: score[u])
}""",
    ),
    (
        "expressions too short for a name",
        "cse",
        """rule f(x: bit[2]) -> (y: bit, z: bit) {
  y = x[0] or x[1]
  z = x[0] and x[1]
}""",
    ),
    (
        "exceptions that do something else at one of their places",
        "branches",
        """rule f(x: bit[9]) -> (y: bit[8]) {
  y[i < 8] = if 1 <= i < 4 then x[i] else if i <= 1 then x[i + 1] else x[i]
}""",
    ),
    (
        "a tensor whose elements would be computed again and again",
        "inline",
        """rule f(x: int[0..9][9]) -> (y: int[0..81][9]) {
  t = sum(i < 9: x[i])
  y[i < 9] = if x[i] > 3 then t else 0
}""",
    ),
    (
        "pairs that depend on more than fits into a sum",
        "inline",
        """rule f(x: int[0..9][9], z: int[0..9]) -> (rank: int[9]) {
  pair[i < 9, j < 9] = if x[i] == 2 and x[j] == 3 then z > 4 else x[j] > x[i]
  rank[i < 9] = sum(j < 9: pair[i, j])
}""",
    ),
    (
        "an index that wraps",
        "fold",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  y[i < 8] = x[(i + 1) % 8]
}""",
    ),
    (
        "nothing is dead",
        "dce",
        """rule f(x: bit[2]) -> (y: bit) {
  y = x[0] and x[1]
}""",
    ),
    (
        "names as they should be",
        "name",
        """rule f(x: bit[9]) -> (y: bit) {
  total = sum(i < 9: x[i])
  y = total >= 5
}""",
    ),
    (
        "offsets that the ends do not allow to be equal",
        "align",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] and x[(i + 1) % 8]
  y[i < 8] = a[(i + 1) % 8] and a[(i + 2) % 8]
}""",
    ),
    (
        "a border that is read with a pad",
        "align",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = pad(x, 0)[i - 1] and x[i]
  b[i < 8] = pad(a, 0)[i - 1] and a[i]
  y[i < 8] = pad(b, 0)[i] and pad(b, 0)[i + 1]
}""",
    ),
    (
        "digits with all lower ones, which something else reads, too, or in another order",
        "widen",
        """rule f(x: bit[9], z: bit[9, 9]) -> (y: bit[10], w: bit[8], v: bit[9, 9]) {
  every[i < 8] = all(j < i + 2: x[j])
  y[0] = x[5]
  y[1] = x[1] xor x[0]
  y[2 <= i < 10] = pad(x, 0)[i] xor every[i - 2]
  w[i < 8] = every[7 - i]
  some[i < 8] = any(j < i + 2: x[j])
  v[0, i < 9] = z[i, 0]
  v[1 <= i < 9, j < 9] = z[i, j] xor some[8 - i]
}""",
    ),
    (
        "a first step that is another function",
        "widen",
        """rule f(x: bit[4]) -> (y: bit[4]) {
  y[0] = x[0] and x[1]
  y[1 <= t < 4] = y[t - 1] xor x[t]
}""",
    ),
    (
        "a recurrence of which an element is another one: what it reads is a step before, not at a number",
        "collapse-cones",
        """rule f(x: bit[9], z: bit[2, 8]) -> (y: bit[8]) {
  y[t < 8] = if t == 4 then pad(y, 0)[t - 1] > x[2] else pad(y, 0)[t - 1] + sum(i < 2: z[i, t]) >= 2
}""",
    ),
    (
        "elements in between that are others, between some of other kinds",
        "widen",
        """rule f(x: bit[9]) -> (y: bit[8]) {
  y[i < 4] = x[i] or x[i + 1]
  y[4] = x[0] and x[7]
  y[5 <= i < 8] = x[i] and x[i + 1]
}""",
    ),
    (
        "layers whose kernels move unevenly",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[i] and x[(i + 1) % 8]
  b[i < 8] = a[i] and a[(i + 3) % 8]
  y[i < 8] = b[i] and b[(i + 2) % 8]
}""",
    ),
    (
        "two layers of which elements are others at length",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = if i == 3 then x[0] > x[2] + x[4] else x[i] and x[(i + 1) % 8]
  y[i < 8] = if i == 6 then sum(j < 3: a[j]) >= 2 else a[i] and a[(i + 1) % 8]
}""",
    ),
    (
        "layers on a ring in another order where an element is one of many others",
        "align",
        """rule f(x: bit[8]) -> (y: bit[8]) {
  a[i < 8] = x[(i - 1) % 8] and x[i]
  b[i < 8] = if 2 <= i then a[1] else a[(i - 1) % 8] and a[i]
  y[i < 8] = b[(i + 2) % 8] and b[(i + 3) % 8]
}""",
    ),
    (
        "layers of different extents",
        "roll",
        """rule f(x: bit[8]) -> (y: bit[2]) {
  a[i < 6] = x[i] + x[i + 1] + x[i + 2] >= 2
  b[i < 4] = a[i] + a[i + 1] + a[i + 2] >= 2
  y[i < 2] = b[i] + b[i + 1] + b[i + 2] >= 2
}""",
    ),
    (
        "two short statements",
        "roll",
        """rule f(x: bit[2]) -> (y: bit[3]) {
  y[0] = x[0]
  y[1] = x[0] and x[1]
  y[2] = x[1]
}""",
    ),
    (
        "reals, which are rounded where they are written",
        "roll",
        """rule f(x: real[8]) -> (y: real) {
  a = exp(x[0]) * x[1] + x[2] * x[3]
  b = exp(x[1]) * a + x[3] * x[4]
  c = exp(x[2]) * b + x[4] * x[5]
  y = exp(x[3]) * c + x[5] * x[6]
}""",
    ),
    (
        "a sum that reads at two places alike",
        "rebase",
        """rule f(x: bit[9]) -> (y: bit) {
  y = sum(i < 6: x[i + 2] > x[i]) >= 3
}""",
    ),
    (
        "a window that reads at two places without an offset",
        "rebase",
        """rule f(x: bit[9], z: bit[9]) -> (y: bit[9]) {
  y[i < 9] = sum(di in -1..1: x[(i + di) % 9] > z[(i + di) % 9]) >= 2
}""",
    ),
    (
        "a sum that begins behind terms that may be 1",
        "rebase",
        """rule f(x: bit[9]) -> (y: bit) {
  y = sum(2 <= i < 6: sum(j < i: x[j]) >= 1) >= 3
}""",
    ),
    (
        "sums that are less than they can be, or over numbers or triangles",
        "absorb",
        """rule f(x: bit[12], n: int[0..3][12], w: bit[9, 9]) -> (y: bit[9], z: bit[9], v: bit[9]) {
  y[i < 9] = sum(j < i + 1: x[j]) >= i
  z[i < 9] = sum(j < i + 1: n[j]) > i
  v[i < 9] = sum(j < i + 1, k < j + 1: w[j, k]) > i
}""",
    ),
    (
        "a term that is no further one of the sum, and sums over different ranges",
        "absorb",
        """rule f(x: bit[12]) -> (y: bit, z: bit) {
  count = sum(1 <= i < 12: 2 * sum(j < i + 1: x[j]) > i)
  y = x[1] + count >= 12
  z = sum(i < 9: x[i]) - sum(i < 8: x[i + 2]) >= 2
}""",
    ),
    (
        "an interval that is all of its only reader",
        "combine",
        """rule f(x: bit[3], z: bit) -> (y: bit) {
  const W: int[2, 3] = [[1, 1, 1], [1, 1, 1]]
  const t: int[2] = [1, 2]
  const V: int[2] = [1, -1]
  h[u < 2] = sum(i < 3: W[u, i] * x[i]) >= t[u]
  y = sum(u < 2: V[u] * h[u]) >= 1
}""",
    ),
    (
        "a condition on more than one sum that a sum is over",
        "collapse-cones",
        """rule f(x: bit[5, 7], z: bit[5, 7]) -> (y: bit) {
  some[i < 5] = sum(j < 7: x[i, j]) >= 1
  more[i < 5] = sum(j < 7: z[i, j]) >= 2
  y = sum(i < 5: some[i] > more[i]) >= 3
}""",
    ),
    (
        "bits that bits make of which one implies the next",
        "unary",
        """rule f(x: bit[6]) -> (y: bit) {
  const W: int[4, 6] = [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]
  const t: int[4] = [1, 1, 2, 2]
  const V: int[2, 4] = [[1, 0, -1, 0], [0, 1, 0, -1]]
  const U: int[2] = [1, 1]
  h[u < 4] = sum(i < 6: W[u, i] * x[i]) >= t[u]
  one[u < 2] = sum(k < 4: V[u, k] * h[k]) >= 1
  y = sum(u < 2: U[u] * one[u]) >= 2
}""",
    ),
    (
        "weights that would come again, but for one in four",
        "slice-weights",
        """rule f(x: bit[4, 5]) -> (y: bit) {
  const W: int[4, 5] = [[1, 0, 1, 0, 2], [0, 2, 0, 1, 0], [1, 0, 1, 1, 1], [0, 1, 2, 1, 1]]
  y = sum(i < 4, j < 5: W[i, j] * x[i, j]) >= 4
}""",
    ),
    (
        "places that do not move on",
        "ladder",
        """rule f(x: bit[4], z: bit[4]) -> (y: bit) {
  first = x[0] and z[0]
  second = x[1] + z[1] + first >= 2
  third = x[2] + z[3] + second >= 2
  y = x[3] + z[2] + third >= 1
}""",
    ),
    (
        "places that are in no order",
        "links",
        """rule f(a: bit[6], b: bit[6]) -> (y: bit) {
  y = ((((a[5] > b[0]) + a[1] > b[2]) + a[4] > b[1]) + a[0] > b[3]) + a[3] > b[5]
}""",
    ),
    (
        "real numbers that were trained",
        "rescale",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: rat[2, 2] = [[0.500030517578125, -0.5], [-2, 2]]
  const V: rat[2] = [2, 0.5]
  h[u < 2] = relu(sum(i < 2: W[u, i] * x[i]))
  y = sum(u < 2: V[u] * h[u]) - 1.5 > 0
}""",
    ),
    (
        "units over other numbers than integers",
        "rescale",
        """rule f(x: rat[2]) -> (y: bit) {
  const W: rat[2, 2] = [[0.5, -0.5], [-2, 2]]
  const V: rat[2] = [2, 0.5]
  h[u < 2] = relu(sum(i < 2: W[u, i] * x[i]))
  y = sum(u < 2: V[u] * h[u]) - 1.5 > 0
}""",
    ),
    (
        "units that clamp from above",
        "rescale",
        """rule f(x: bit[2]) -> (y: bit) {
  const W: rat[2, 2] = [[0.5, -0.5], [-2, 2]]
  const V: rat[2] = [2, 0.5]
  h[u < 2] = max(min(sum(i < 2: W[u, i] * x[i]), 1), 0)
  y = sum(u < 2: V[u] * h[u]) - 1.5 > 0
}""",
    ),
    (
        "a chain of three",
        "links",
        """rule f(a: bit[6], b: bit[6]) -> (y: bit) {
  y = ((a[0] > b[0]) + a[1] > b[1]) + a[2] > b[2]
}""",
    ),
    (
        "units whose readers give them different weights",
        "combine",
        """rule f(x: bit[3], z: bit[2]) -> (y: bit[2]) {
  const W: int[1, 3] = [[0, 1, 1]]
  const V: int[1, 3] = [[1, 0, 0]]
  const U: int[1, 1] = [[1]]
  const A: int[2, 3] = [[1, 0, 0], [-1, 0, 0]]
  const B: int[2, 1] = [[2], [-1]]
  const D: int[2, 1] = [[-1], [2]]
  const E: int[2, 2] = [[1, 1], [1, 0]]
  either[u < 1] = sum(i < 3: W[u, i] * x[i]) >= 1
  both[u < 1] = sum(i < 3: V[u, i] * x[i]) + sum(k < 1: U[u, k] * either[k]) >= 2
  y[v < 2] = sum(i < 3: A[v, i] * x[i]) + sum(k < 1: B[v, k] * either[k]) + sum(k < 1: D[v, k] * both[k]) \
+ sum(k < 2: E[v, k] * z[k]) >= 1
}""",
    ),
    (
        "where something is read",
        "cse",
        """rule f(x: bit[9], z: bit[9], w: bit[9]) -> (y: bit[9], v: bit[9]) {
  y[i < 9] = x[(2 * i + 1) % 9] and z[(2 * i + 1) % 9] or w[(2 * i + 1) % 9]
  v[i < 9] = x[(2 * i + 1) % 9] xor z[(2 * i + 1) % 9] xor w[(2 * i + 1) % 9]
}""",
    ),
    (
        "what is always so where a real is padded",
        "widen",
        """rule f(x: real[3]) -> (y: bit[4]) {
  y[i < 2] = i * x[2 * i] >= 0
  y[2 <= i < 3] = 1
  y[3] = -x[1] >= 0
}""",
    ),
    (
        "pads that are read somewhere",
        "fold",
        """rule f(x: bit[6]) -> (y: bit[6], z: bit[6]) {
  y[i < 6] = pad(x, 0)[i + 1] xor pad(x, 1)[2 * i]
  z[i < 6] = pad(x, 0)[i - 1]
}""",
    ),
    (
        "bounds in uneven steps",
        "grade",
        """rule uneven(x: bit[8]) -> (y: bit[8]) {
  y[i < 3] = x[i] and sum(j < 8: x[j]) >= 2
  y[3 <= i < 6] = x[i] and sum(j < 8: x[j]) >= 5
  y[6 <= i < 8] = x[i] and sum(j < 8: x[j]) >= 3
}""",
    ),
    (
        "clauses that are not alike between others that are",
        "grade",
        """rule apart(x: bit[8]) -> (y: bit[8]) {
  y[i < 3] = x[i] and sum(j < 8: x[j]) >= 2
  y[3 <= i < 5] = x[i] xor sum(j < 8: x[j]) >= 3
  y[5 <= i < 8] = x[i] and sum(j < 8: x[j]) >= 4
}""",
    ),
    (
        "fractions",
        "grade",
        """rule fractions(x: rat) -> (y: bit[4]) {
  y[i < 2] = x >= 2
  y[2 <= i < 4] = x >= 3
}""",
    ),
    (
        "real numbers",
        "grade",
        """rule reals(x: real) -> (y: bit[4]) {
  y[i < 2] = x >= 2
  y[2 <= i < 4] = x >= 3
}""",
    ),
    (
        "numbers that must be equal",
        "grade",
        """rule equal(x: int[0..9]) -> (y: bit[4]) {
  y[i < 2] = x == 2
  y[2 <= i < 4] = x == 3
}""",
    ),
]


IN_TURNS = {"combine", "ladder", "larger", "links", "unary"}
"""Passes of which one call does one step of several."""


@pytest.mark.parametrize(("title", "name", "text", "expected"), APPLIES, ids=[f"{c[1]}: {c[0]}" for c in APPLIES])
def test_applies(title: str, name: str, text: str, expected: str) -> None:
    rule = parse(text)
    while True:
        rewrite = PASSES[name]()(rule)
        assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
        if name not in IN_TURNS or rewrite.rule == rule:
            break
        rule = rewrite.rule
    assert str(rewrite.rule) == expected
    assert PASSES[name]()(rewrite.rule).rule == rewrite.rule, "not idempotent"


@pytest.mark.parametrize(("title", "name", "text"), DECLINES, ids=[f"{c[1]}: {c[0]}" for c in DECLINES])
def test_declines(title: str, name: str, text: str) -> None:
    rule = parse(text)
    assert PASSES[name]()(rule).rule == rule


def test_recoding_is_taken_where_later_passes_pay_for_it() -> None:
    structure = STRUCTURES["two_counts"].build(20)
    rule = dd.distill(structure.network(3), structure.inputs, structure.outputs, passes="dce").rule
    steps = run(rule)
    recoding = next(s for s in steps if s.name == "recode")
    assert cost(recoding.new) > cost(recoding.old)
    assert cost(steps[-1].new) <= 1.3 * cost(structure.rule)


@pytest.mark.parametrize("seed", [1, 14])
def test_units_over_units_that_ask_for_all_have_small_weights(seed: int) -> None:
    structure = STRUCTURES["permutation"].build()
    rule = dd.distill(structure.network(seed), structure.inputs, structure.outputs).rule
    assert cost(rule) <= 1.3 * structure.written


def test_halves_of_signs_stay_integers_where_results_are() -> None:
    """The second unit is -1 or 0, half of a sign less a half; a result over halves would not look like an integer."""
    rule = parse("""rule f(x: spin[3]) -> (y: int[2]) {
  const W: int[2, 3] = [[1, 1, 1], [0, 0, 2]]
  const b: int[2] = [0, -2]
  const V: int[2, 2] = [[1, 1], [2, 1]]
  h[u < 2] = max(-1, min(sum(i < 3: W[u, i] * x[i]) + b[u], 1))
  y[u < 2] = max(-1, min(sum(v < 2: V[u, v] * h[v]), 1))
}""")
    rewrite = PASSES["forward"]()(rule)
    assert rewrite.rule != rule
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_units_that_no_result_needs_may_stay_beside_others() -> None:
    """No result needs the third unit of a layer; the fourth of the first is a copy."""
    rule = parse("""rule f(x: bit[3]) -> (y: bit) {
  const W: int[4, 3] = [[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 0, 0]]
  const V: int[3, 4] = [[1, 1, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0]]
  const b: int[4] = [2, 2, 2, 1]
  const U: int[3] = [1, 1, 0]
  h[u < 4] = sum(i < 3: W[u, i] * x[i]) >= b[u]
  k[u < 3] = sum(v < 4: V[u, v] * h[v]) >= 1
  y = sum(u < 3: U[u] * k[u]) >= 2
}""")
    extents = {}
    for unread in (0, 1):
        rewrite = PASSES["forward"](unread=unread)(rule)  # type: ignore[call-arg]
        assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"
        assert PASSES["forward"](unread=unread)(rewrite.rule).rule == rewrite.rule  # type: ignore[call-arg]
        shape = infer(rewrite.rule).shape
        extents[unread] = shape["h"], shape["k"]
    assert extents == {0: ((2,), (2,)), 1: ((3,), (3,))}


def test_results_that_would_look_too_wide_stay_as_they_are() -> None:
    """Written over x, a sum that is a trit would look like -3..2."""
    rule = parse("""rule f(x: bit[3]) -> (y: trit[3]) {
  const W: int[3, 3] = [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
  const V: int[1, 3] = [[-2, 0, 0]]
  const U: int[3, 3] = [[0, 0, 0], [0, 1, 0], [-2, 0, 0]]
  const T: int[3, 1] = [[1], [1], [0]]
  const b: int[3] = [0, 0, 1]
  h[u < 1] = sign(sum(i < 3: V[u, i] * x[i]) + 1)
  g[u < 3] = sign(sum(i < 3: U[u, i] * x[i]) + sum(i < 1: T[u, i] * h[i]) + b[u])
  y[u < 3] = sum(i < 3: W[u, i] * g[i])
}""")
    rewrite = PASSES["forward"]()(rule)
    assert not verify(rewrite.rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_values_of_a_negated_unit_are_negated_for_its_readers() -> None:
    """The first unit is -1 or 0, and 0 or 1 when it is turned round: its readers must not be fitted to -1 and 0."""
    rule = parse("""rule f(x: bit[2]) -> (y: bit) {
  const W: int[1, 2] = [[-1, -1]]
  const V: int[3, 2] = [[1, 0], [-3, 2], [2, 0]]
  const U: int[3, 1] = [[2], [1], [-1]]
  const b: int[3] = [0, 0, -2]
  h[u < 1] = sign(sum(i < 2: W[u, i] * x[i]))
  g[u < 3] = sign(sum(i < 2: V[u, i] * x[i]) + sum(i < 1: U[u, i] * h[i]) + b[u])
  y = 2 * g[0] - g[1] - 2 * g[2] >= -2
}""")
    rewrite = PASSES["recode"]()(rule)
    assert rewrite.rule != rule
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


@pytest.mark.parametrize(
    "layers",
    [
        [dd.Layer([[3.0]], [-1.0], "step"), dd.Layer([[1.0]], [0.0])],  # positive between 1/3 and 1, too
        [dd.Layer([[1.0]], [0.0], "hardtanh"), dd.Layer([[2.0]], [-1.0], "sign")],  # 0 at a half
        [dd.Layer([[1.0], [-1.0]], [0.0, 0.0], "hardtanh"), dd.Layer([[2.0, 0.0]], [-0.5], "step")],
    ],
)
def test_sums_of_rationals_are_no_integers(layers: list[dd.Layer]) -> None:
    program = dd.distill(dd.Network(tuple(layers)), "x: rat[1]", head="none")
    assert program.verdict
    x = np.arange(-16, 17)[:, None] / 8
    assert program(x).ravel().tolist() == evaluate(dd.Network(tuple(layers)), x).ravel().tolist()


@pytest.mark.parametrize("low", [2**60, 2**61, 2**62, 2**63, -(2**61), -(2**63)])
def test_numbers_that_signed_words_do_not_hold(low: int) -> None:
    """Bounds lie between 2**63 and 2**64, too."""
    old = parse(f"""rule f(x: int[{low}..{low + 2}][3]) -> (y: bit[2]) {{
  total = sum(i < 3: x[i])
  active = 2 * total - x[2] >= {5 * low + 2}
  other = {3 * low + 1} <= total
  y[0] = active and other
  y[1] = not active
}}""")
    for step in run(old):
        verdict = check_step(step.old, step.new, step.witness)
        assert verdict, f"{step.name}: {verdict}"


def test_recoding_that_does_not_pay_is_left_out() -> None:
    tables = [
        [[1, 1, 1, -1, -1], [-1, -1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, -1, -1, 1], [1, -1, -1, 1, -1]],
        [[1, 1, -1, -1, 1], [-1, 1, 1, 1, 1], [-1, 1, -1, 1, 1], [-1, -1, -1, -1, 1], [1, 1, -1, 1, 1]],
        [[-1, 1, -1, 1, -1], [1, -1, -1, 1, -1], [1, -1, 1, 1, 1], [1, 1, -1, 1, -1], [1, 1, 1, -1, 1]],
    ]
    rule = parse(
        f"""rule f(x: spin[5]) -> (y: trit[5]) {{
  const W: int[5, 5] = {tables[0]}
  const V: int[5, 5] = {tables[1]}
  const U: int[5, 5] = {tables[2]}
  h[u < 5] = sign(sum(i < 5: W[u, i] * x[i]))
  g[v < 5] = sign(sum(u < 5: V[v, u] * h[u]))
  y[w < 5] = sign(sum(v < 5: U[w, v] * g[v]))
}}"""
    )
    assert cost(PASSES["recode"]()(rule).rule) > cost(rule)
    assert [step.name for step in run(rule)] == ["name"]


def test_results_that_read_nothing_leave_the_others_a_family() -> None:
    """The first and the last diagonal have one element each, of which two are never 1."""
    text = "rule f(x: bit[6, 6]) -> (y: bit[11]) {\n  y[k < 11] = sum(i < 6: pad(x, 0)[i, k - i]) >= 2\n}\n"
    program = dd.distill(network_of(parse(text)), "x: bit[6, 6]", "y: bit[11]", name="f")
    assert program.cost <= cost(parse(text)) + 4


def test_what_cannot_be_shortened_is_written_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that the passes leave alone stay, but factors of one go and names say what is computed."""
    monkeypatch.setattr("ddcompile.passes.pipeline.DEFAULT", "dce")
    numbers = np.random.default_rng(0).normal(size=(40, 13))
    rows = ", ".join(str([float(v) for v in row[:12]]) for row in numbers)
    rule = parse(
        f"rule f(x: bit[12]) -> (y: int) {{\n  const W: rat[40, 12] = [{rows}]\n"
        f"  const b: rat[40] = {[float(row[12]) for row in numbers]}\n  const o: int[40] = {[1] * 40}\n"
        "  h[u < 40] = sign(sum(i < 12: W[u, i] * x[i]) + b[u])\n  y = sum(u < 40: o[u] * h[u])\n}"
    )
    steps = run(rule)
    assert cost(steps[-1].new) < cost(rule)
    assert str(steps[-1].new).splitlines()[3:] == [
        "  y = sum(j < 40: sign(sum(i < 12: weight_y[j, i] * x[i]) + bias_y[j]))",
        "}",
    ]
    assert not run(steps[-1].new)


def test_passes_take_turns_until_nothing_changes() -> None:
    """Of three steps by thresholds along a number, the first is one bit a cell before the second is."""
    structure = STRUCTURES["rule106_thresholds"].build(5, 3)
    rule = dd.distill(structure.network(1), structure.inputs, structure.outputs, passes="dce").rule
    steps = run(rule, "forward,exact-thresholds,forward,recode,(combine,narrow,exact-thresholds,forward)*")
    names = [step.name for step in steps]
    assert names.count("combine") == 2
    between = names[names.index("combine") + 1 : len(names) - 1 - names[::-1].index("combine")]
    assert {"narrow", "exact-thresholds"} <= set(between)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a[0] + a[1] + (a[2] + a[3] + a[4] >= 3) >= 3", "a[0] + a[1] + a[2] + a[3] + a[4] >= 5"),
        ("a[0] + a[1] - (a[2] + a[3] + a[4] >= 1) >= 2", "a[0] + a[1] - a[2] - a[3] - a[4] >= 2"),
        ("a[0] + a[1] - (a[2] + a[3] + a[4] >= 3) >= 0", "a[0] + a[1] >= a[2] + a[3] + a[4] - 2"),
        ("a[0] + a[1] - (a[2] + a[3] + a[4] >= 2) >= 0", "a[0] + a[1] >= (a[2] + a[3] + a[4] >= 2)"),
        ("2 * a[0] + a[1] + (a[2] + a[3] - a[4] >= 2) >= 4", "2 * a[0] + a[1] + a[2] + a[3] - a[4] >= 5"),
        ("a[0] + a[1] + (a[2] + a[3] - a[4] >= 0) >= 1", "a[0] + a[1] + a[2] + a[3] >= a[4]"),
        ("(a[0] + a[1] >= 2) > (a[2] + a[3] >= 1)", "a[0] + a[1] - a[2] - a[3] >= 2"),
        ("(a[0] + a[1] >= 1) >= (a[2] + a[3] >= 2)", "a[0] + a[1] >= a[2] + a[3] - 1"),
        ("s[0] + s[1] + 2 * (s[2] + s[3] + s[4] >= 3) >= 4", "s[0] + s[1] + s[2] + s[3] + s[4] >= 5"),
        ("s[0] + s[1] + (s[2] + s[3] + s[4] >= 1) >= 3", "s[0] + s[1] + (s[2] + s[3] + s[4] >= 1) >= 3"),
    ],
)
def test_ends_of_sums_are_joined(before: str, after: str) -> None:
    rule = parse(f"rule f(a: bit[5], s: spin[5]) -> (y: bit) {{ y = {before} }}")
    rewrite = PASSES["fold"]()(rule)
    assert rewrite.rule == parse(str(rule).replace(before, after))
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_a_relu_takes_no_place_of_its_opposite() -> None:
    weights = np.stack([np.roll([1, -2, -2, 0, 0, 0, 0, 0, 0, 0, 0], k - 1) for k in range(11)])
    weights[9] *= -1
    numbers, bias = weights.tolist(), [1.0 if k != 9 else -1.0 for k in range(11)]
    rule = parse(
        f"""rule f(x: spin[11]) -> (y: trit) {{
  const W: int[11, 11] = {numbers}
  const b: rat[11] = {bias}
  const V: int[11] = {[2 if k != 9 else -2 for k in range(11)]}
  h[u < 11] = relu(sum(i < 11: W[u, i] * x[i]) + b[u] + 0.5)
  y = sign(sum(u < 11: V[u] * h[u]) - 1)
}}"""
    )
    rewrite = PASSES["reroll"]()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


def test_the_least_machine_integer_is_large() -> None:
    rule = parse(
        """rule f(x: int[-4611686018427387905..-4611686018427387903][2]) -> (y: rat) {
  const W: rat[1, 2] = [[-0.875, -1.125]]
  const b: int[1] = [-9223372036854775808]
  h[u < 1] = abs(sum(i < 2: W[u, i] * x[i]) + b[u])
  y = h[0] - 2
}"""
    )
    rewrite = PASSES["forward"]()(rule)
    assert check_step(rule, rewrite.rule, rewrite.witness).status == "proved"


@pytest.mark.parametrize("op", [">= 1", ">= 24"])
def test_ends_of_long_sums_are_shown_equal(op: str) -> None:
    body = f"sum(24 <= i < 48: a[i] == b[i]) + (sum(i < 24: a[i] == b[i]) {op}) {'>= 25' if op == '>= 24' else op}"
    nested = parse(f"rule f(a: bit[48], b: bit[48]) -> (y: bit) {{ y = {body} }}")
    whole = f"sum(i < 48: a[i] == b[i]) {'>= 48' if op == '>= 24' else op}"
    flat = parse(f"rule f(a: bit[48], b: bit[48]) -> (y: bit) {{ y = {whole} }}")
    assert check_step(nested, flat, Witness()).status == "proved"
    other = parse(str(flat).replace("< 48:", "< 47:"))
    assert check_step(nested, other, Witness()).status == "failed"


@dataclass(frozen=True, slots=True)
class Longer(Pass):
    """Write one more negation before a bit: there is always more to do."""

    name: ClassVar[str] = "longer"

    def __call__(self, rule: Rule) -> Rewrite:
        last = rule.statements[-1]
        return Rewrite(with_statements(rule, [replace(last, value=Unary("not", last.value))]))


def test_turns_end_where_one_pass_goes_on_and_shortens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddcompile.passes.pipeline.PASSES", {"longer": Longer, "dce": Dce})
    rule = parse("rule f(x: bit) -> (y: bit) { y = x }")
    assert [step.name for step in run(rule, "(longer,dce)*")] == ["longer", "longer"]


def test_every_pass_is_tried_both_ways() -> None:
    assert {c[1] for c in APPLIES} == {c[1] for c in DECLINES} == set(PASSES)


def test_default_pipeline_uses_every_pass() -> None:
    assert set(re.findall(r"[a-z-]+", re.sub(r"\{.*?\}", "", f"{APART},{DEFAULT}"))) == set(PASSES)


@pytest.mark.parametrize("text", [c[2] for c in (*APPLIES, *DECLINES)])
def test_pipeline_never_lengthens_and_settles(text: str) -> None:
    rule = parse(text)
    steps = run(rule)
    last = steps[-1].new if steps else rule
    assert cost(last) <= cost(rule)
    assert not run(last)


def test_a_pass_after_which_a_place_cannot_be_seen_to_be_in_a_table_is_left_out() -> None:
    rule = parse("""rule f(x: bit[27]) -> (y: int) {
  const hit: bit[10] = [0, 0, 1, 0, 0, 1, 1, 0, 1, 1]
  const w: int[27] = [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0]
  total = sum(i < 27: w[i] * x[i])
  y = hit[total]
}""")
    assert {d.code for d in verify(PASSES["slice-weights"]()(rule).rule)} == {"T012"}
    assert "y = table_y[sum(i < 27: kernel_y[i] * x[i])]" in str(run(rule)[-1].new)


def test_entries_of_a_table_that_differ_by_more_than_a_word() -> None:
    rule = parse(f"""rule f(x: bit[2]) -> (y: bit[2]) {{
  const bound: int[2] = [{-(2**62) - 7}, {2**62 + 9}]
  y[i < 2] = {2**63} * x[i] >= bound[i]
}}""")
    new = PASSES["fold"]()(rule).rule
    assert check_step(rule, new).status == "proved"
