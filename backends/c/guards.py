"""What emitted C says to compilers about doubles."""

__all__ = ["GUARDS"]

GUARDS = """\
/* Every operation on doubles is rounded by itself, to nearest even: results are the same on every machine.
   (No pragma holds against -ffp-contract=fast of clang. The self-test notices.) */
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "this file needs IEEE arithmetic: compile it without -ffast-math"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "this file needs infinities and NaN: compile it without -ffinite-math-only"
#endif
#if FLT_RADIX != 2 || DBL_MANT_DIG != 53 || DBL_MAX_EXP != 1024
#error "this file needs IEEE arithmetic: double has to be binary64"
#endif
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1 && FLT_EVAL_METHOD != 16 && FLT_EVAL_METHOD != 64
#error "this file needs IEEE arithmetic: compile it without extended precision, as with -msse2 -mfpmath=sse"
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize ("fp-contract=off", "signed-zeros")
#else
#pragma STDC FP_CONTRACT OFF
#endif
"""
"""Contraction is off, whatever the options are; options that change values, and machines that cannot, are refused."""
