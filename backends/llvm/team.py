"""LLVM text of the function by which a team of threads computes the phases of a sample.

    define i64 @rule_team(i64 own, i64 jobs, i64 phases, i64 units, i64 start, ptr state, ptr ..., ptr scratch)

Each thread of the team calls it with another `own` below `jobs`. A phase has as many parts as there are threads; a
thread does its own part, and those that nobody has begun, then waits until the parts of the others are done. So nobody
waits for a thread that has not come. Who has waited for long comes back with the phase that is not done, from which it
may go on later; a number of phases means that all is done.
"""

from __future__ import annotations

__all__ = ["STATE_WORDS", "team_lines"]

STATE_WORDS = 8
"""Words of the state for every thread, and once more: 0 at first. Each is in a line of the cache of its own."""
_WAITS = 4_000_000
"""How often a thread looks whether others are done before it comes back: for about half a millisecond."""


def team_lines(symbol: str, phase: str, pointers: int) -> list[str]:
    """The function.

    Parameters
    ----------
    symbol
        Its symbol.
    phase
        The symbol of the function for a part of a phase.
    pointers
        How many pointers that takes.
    """
    given = [f"ptr %{k + 1}" for k in range(pointers)]
    parameters = ", ".join([*(f"i64 %{n}" for n in ("own", "jobs", "phases", "units", "start")), "ptr %state", *given])
    arguments = ", ".join(["i64 %part", "i64 %phase", "i64 %lower", "i64 %upper", *given])
    return f"""\
define i64 {symbol}({parameters}) nounwind {{
entry:
  %done = getelementptr inbounds [{STATE_WORDS} x i64], ptr %state, i64 %jobs
  br label %phase.head
phase.head:
  %phase = phi i64 [ %start, %entry ], [ %phase.next, %wait ]
  %phase.next = add nsw i64 %phase, 1
  %phase.more = icmp slt i64 %phase, %phases
  br i1 %phase.more, label %part.head, label %end
part.head:
  %k = phi i64 [ 0, %phase.head ], [ %k.next, %part.end ]
  %k.next = add nsw i64 %k, 1
  %k.more = icmp slt i64 %k, %jobs
  br i1 %k.more, label %part.body, label %wait.head
part.body:
  %number = add nsw i64 %own, %k
  %part = srem i64 %number, %jobs
  %claim = getelementptr inbounds [{STATE_WORDS} x i64], ptr %state, i64 %part
  %claimed = cmpxchg ptr %claim, i64 %phase, i64 %phase.next acq_rel monotonic
  %is.free = extractvalue {{ i64, i1 }} %claimed, 1
  br i1 %is.free, label %work, label %part.end
work:
  %lower.times = mul nsw i64 %units, %part
  %lower = sdiv i64 %lower.times, %jobs
  %upper.times = add nsw i64 %lower.times, %units
  %upper = sdiv i64 %upper.times, %jobs
  call void {phase}({arguments})
  %before = atomicrmw add ptr %done, i64 1 acq_rel
  br label %part.end
part.end:
  br label %part.head
wait.head:
  %wanted = mul nsw i64 %phase.next, %jobs
  br label %wait
wait:
  %n = phi i64 [ 0, %wait.head ], [ %n.next, %wait.more ]
  %count = load atomic i64, ptr %done acquire, align 8
  %is.done = icmp sge i64 %count, %wanted
  br i1 %is.done, label %phase.head, label %wait.more
wait.more:
  %n.next = add nsw i64 %n, 1
  %again = icmp slt i64 %n.next, {_WAITS}
  br i1 %again, label %wait, label %end
end:
  ret i64 %phase
}}
""".splitlines()
