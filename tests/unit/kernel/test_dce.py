"""What no output needs goes; what decides when a loop ends stays."""

from __future__ import annotations

from ddcompile.kernel.dce import eliminate_dead_code
from ddcompile.kernel.nodes import (
    BIT,
    I8,
    I32,
    Arith,
    Assign,
    Branch,
    Break,
    Const,
    Declare,
    Load,
    Loop,
    Stmt,
    Store,
    Var,
)

ZERO = Const(0, I32)
ONE = Const(1, I8)
INDEX = Var("i", I32)


def live(*body: Stmt) -> tuple[Stmt, ...]:
    return eliminate_dead_code(body, frozenset({"y"}))


def loop(*body: Stmt) -> Loop:
    return Loop(INDEX, ZERO, Const(3, I32), body)


def test_chain_of_unused_variables_and_buffers_goes() -> None:
    t, u = Var("t", I8), Var("u", I8)
    store = Store("y", ZERO, ONE)
    dead = (Declare(t, ONE), Store("z", ZERO, t), Declare(u, Load("z", ZERO, I8)))
    assert live(*dead, store) == (store,)


def test_accumulator_that_only_feeds_itself_goes_with_its_loop() -> None:
    total = Var("sum", I8)
    store = Store("y", ZERO, ONE)
    body = (Declare(total, ONE, mutable=True), loop(Assign(total, Arith("+", total, ONE, I8))), store)
    assert live(*body) == (store,)


def test_dead_variable_goes_although_another_block_uses_its_name() -> None:
    t = Var("t", I8)
    used = loop(Declare(t, ONE), Store("y", INDEX, t))
    assert live(loop(Declare(t, ONE), Store("y", INDEX, ONE)), used) == (loop(Store("y", INDEX, ONE)), used)


def test_break_stays_in_a_loop_that_does_something() -> None:
    condition = Load("x", INDEX, BIT)
    body = loop(Branch(condition, (Break(),)), Store("y", INDEX, ONE))
    assert live(body) == (body,)


def test_loop_with_nothing_but_a_break_goes() -> None:
    found = Var("found", BIT)
    leave = Branch(Load("x", INDEX, BIT), (Assign(found, Const(1, BIT)), Break()))
    assert live(Declare(found, Const(0, BIT), mutable=True), loop(leave)) == ()


def test_live_code_is_left_as_it_is() -> None:
    total = Var("sum", I8)
    body = (
        Declare(total, ONE, mutable=True),
        loop(Assign(total, Arith("+", total, Load("x", INDEX, I8), I8))),
        Store("y", ZERO, total),
    )
    assert live(*body) == body
