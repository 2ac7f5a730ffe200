"""The verifier finds every kind of fault, and nothing in a sound kernel."""

from __future__ import annotations

import pytest

from ddcompile.ir.affine import Affine
from ddcompile.kernel.nodes import (
    BIT,
    F64,
    I8,
    I16,
    I32,
    I64,
    Answer,
    Apply,
    Arith,
    Assign,
    Branch,
    Break,
    Buffer,
    Compare,
    Const,
    Convert,
    Declare,
    FromReal,
    Function,
    IntType,
    Invoke,
    Kernel,
    Load,
    Logic,
    Loop,
    Negate,
    Not,
    Place,
    Reinterpret,
    Return,
    Select,
    Stmt,
    Store,
    ToReal,
    Var,
)
from ddcompile.kernel.scalars import bits_of
from ddcompile.kernel.verify import verify

ZERO = Const(0, I32)
ONE = Const(1, I8)
HALF = Const(bits_of(0.5), F64)
BUFFERS = (
    Buffer("x", "input", I8, (4,)),
    Buffer("y", "output", I8, (4,)),
    Buffer("r", "scratch", F64, (4,)),
    Buffer("table", "table", I8, (2,), values=(1, 2)),
)


def faults(*body: Stmt, buffers: tuple[Buffer, ...] = BUFFERS) -> list[str]:
    loop = Loop(Var("s", I64), Const(0, I64), Var("n", I64), (Invoke("f", (Var("s", I64), Var("s", I64))),))
    functions = (Function("f", (), body), Function("f_batch", (Var("n", I64),), (loop,)))
    return verify(Kernel("f", buffers, functions))


def test_sound_kernel_has_no_faults() -> None:
    condition = Compare("<", Load("x", ZERO, I8), ONE)
    value = Select(condition, Negate(ONE, I8), Load("table", ZERO, I8), I8)
    assert faults(Store("y", ZERO, value)) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ((Store("y", ZERO, Const(1, I16)),), "f: y of i8 is given i16"),
        ((Store("x", ZERO, ONE),), "f: x cannot be written"),
        ((Store("y", Const(0, I8), ONE),), "f: index of y has type i8"),
        ((Store("y", ZERO, Load("x", ZERO, I16)),), "f: x is no buffer of i16"),
        ((Store("y", ZERO, Load("x", ZERO, I8, Const(1, BIT))),), "f: guarded read of x without a default of i8"),
        ((Store("y", ZERO, Load("x", ZERO, I8, ONE, ONE)),), "f: guard needs bits, not i8"),
        ((Store("y", ZERO, Arith("+", ONE, Const(1, I16), I8)),), "f: + mixes i8, i8, i16"),
        ((Store("y", ZERO, Arith("%", ONE, Const(0, I8), I8)),), "f: remainder by what is not positive"),
        ((Store("y", ZERO, Negate(Const(1, I16), I8)),), "f: negation mixes i8, i16"),
        ((Store("y", ZERO, Const(128, I8)),), "f: 128 is no i8"),
        ((Store("y", ZERO, Convert(ONE, I8)),), "f: conversion of i8 to itself"),
        ((Store("y", ZERO, Convert(Not(ONE), I8)),), "f: not needs bits, not i8"),
        ((Store("y", ZERO, Convert(Logic("and", ONE, Const(1, BIT)), I8)),), "f: and needs bits, not i8, bit"),
        (
            (Store("y", ZERO, Convert(Compare("<", Const(0, BIT), Const(1, BIT)), I8)),),
            "f: bits compared by <",
        ),
        ((Store("y", ZERO, Select(ONE, ONE, ONE, I8)),), "f: select needs bits, not i8"),
        ((Store("r", ZERO, Const(-1, F64)),), "f: -1 is no f64"),
        ((Store("r", ZERO, Convert(ONE, F64)),), "f: conversion of i8 to f64 without rounding"),
        ((Store("r", ZERO, Arith("%", HALF, HALF, F64)),), "f: % of f64"),
        ((Store("y", ZERO, Arith("/", ONE, ONE, I8)),), "f: / of i8"),
        ((Store("y", ZERO, Arith(">>", ONE, Load("x", ZERO, I8), I8)),), "f: i8 shifted by what is no constant"),
        ((Store("r", ZERO, ToReal(ONE, 1023)),), "f: no rounding of i8 times 2^-1023"),
        ((Store("r", ZERO, ToReal(HALF)),), "f: no rounding of f64 times 2^-0"),
        (
            (Store("y", ZERO, Convert(FromReal(HALF, 3, I32), I8)),),
            "f: no conversion of f64 times 2^3 to i32",
        ),
        ((Store("r", ZERO, Reinterpret(ONE, F64)),), "f: bits of i8 taken for f64"),
        ((Store("r", ZERO, Apply("sin", HALF)),), "f: sin of f64"),
        ((Store("y", ZERO, Var("t", I8)),), "f: t is not declared"),
        ((Declare(Var("t", I8), ONE), Store("y", ZERO, Convert(Var("t", I16), I8))), "f: t is i8, not i16"),
        ((Declare(Var("t", I8), Const(1, I16)),), "f: declaration of t mixes i8, i16"),
        ((Declare(Var("t", I8), ONE), Assign(Var("t", I8), ONE)), "f: t is assigned but not mutable"),
        ((Declare(Var("t", I8), ONE), Declare(Var("t", I8), ONE)), "f: t hides another declaration"),
        ((Declare(Var("x", I8), ONE),), "f: x hides another declaration"),
        ((Loop(Var("i", I8), Const(0, I8), Const(3, I8), ()),), "f: index of i has type i8"),
        ((Loop(Var("i", I32), ZERO, Const(3, I64), ()),), "f: loop over i mixes i32, i32, i64"),
        (
            (Loop(Var("i", I32), ZERO, Const(3, I32), ()), Store("y", Var("i", I32), ONE)),
            "f: i is not declared",
        ),
        ((Branch(ONE, (Store("y", ZERO, ONE),)),), "f: branch needs bits, not i8"),
        ((Break(),), "f: break outside of a loop"),
        ((Invoke("g", (Const(0, I64), Const(0, I64))),), "f: g cannot be called"),
        ((Invoke("f", (Const(0, I64),)),), "f: f is called with 1 buffers"),
        ((Invoke("f", (ZERO, ZERO)),), "f: f is called with offsets that are not i64"),
        ((Invoke("f", (Const(0, I64),) * 2, (ONE,)),), "f: f is called with i8"),
        ((Store("y", ZERO, Answer("f", (), I8)),), "f: f cannot be called"),
        ((Place("y", Const(0, I64)),), "f: y is no scratch buffer"),
        ((Return(ONE),), "f: the result is i8, not None"),
    ],
)
def test_fault_is_found(body: tuple[Stmt, ...], fault: str) -> None:
    assert fault in faults(*body)


def test_variables_of_a_block_end_with_it() -> None:
    t = Var("t", I8)
    arm = (Declare(t, ONE), Store("y", ZERO, t))
    assert faults(Branch(Const(1, BIT), arm, (Declare(Var("t", I16), Const(1, I16)),))) == []
    assert faults(Branch(Const(1, BIT), arm), Store("y", ZERO, t)) == ["f: t is not declared"]


def test_depth_is_bounded() -> None:
    deep: Arith | Load = Load("x", ZERO, I8)
    for _ in range(40):
        deep = Arith("+", deep, ONE, I8)
    assert faults(Store("y", ZERO, deep)) == ["f: an expression is deeper than 32"]


@pytest.mark.parametrize(
    ("buffer", "fault"),
    [
        (Buffer("t", "table", I8, (2,), values=(1,)), "table t has 1 values for 2 elements"),
        (Buffer("t", "table", I8, (1,), values=(200,)), "table t has a value that i8 does not hold"),
        (Buffer("t", "table", BIT, (1,), values=(2,)), "table t has a value that bit does not hold"),
        (Buffer("x", "scratch", I8, (1,)), "buffer x is declared twice"),
    ],
)
def test_buffers_are_checked(buffer: Buffer, fault: str) -> None:
    assert fault in faults(buffers=(*BUFFERS, buffer))


@pytest.mark.parametrize("width", [0, 1, 24, 96, -64])
def test_there_are_no_odd_widths(width: int) -> None:
    with pytest.raises(ValueError, match="no integer type"):
        IntType(width)


N = Var("N", I64)
SIZED = (
    Buffer("x", "input", I8, (Affine(0, (("N", 1),), frozenset({"N"})),)),
    Buffer("y", "output", I8, ()),
    Buffer("z", "scratch", I8, (Affine(0, (("N", 1),), frozenset({"N"})),)),
)


@pytest.mark.parametrize(
    ("body", "result", "fault"),
    [
        ((), None, "f_sample: z has no place"),
        ((Place("z", ZERO),), None, "f_sample: place of z mixes i32, i64"),
        ((Place("z", Const(0, I64)),), I32, "f_sample: the end is reached without a result"),
        ((Store("y", ZERO, Answer("f_allowed", (), I8)),), None, "f_sample: f_allowed is called with "),
        ((Invoke("f_allowed", (), (N,)),), None, "f_sample: f_allowed cannot be called"),
    ],
)
def test_functions_of_a_kernel_with_sizes(body: tuple[Stmt, ...], result: IntType | None, fault: str) -> None:
    allowed = Function("f_allowed", (N,), (Return(Const(1, BIT)),), BIT, takes_buffers=False)
    sample = Function("f_sample", (N,), body, result)
    assert fault in verify(Kernel("f", SIZED, (allowed, sample), ("N",)))
