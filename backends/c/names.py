"""Names of C: what a rule may call its tensors, and what is taken."""

from __future__ import annotations

import re

from ddcompile.diagnostics import fail
from ddcompile.kernel.names import Names

__all__ = ["RESERVED", "CNames", "checked_prefix"]

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Bool _Complex
_Imaginary
alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept bitand bitor bool catch char8_t char16_t
char32_t class co_await co_return co_yield compl concept const_cast consteval constexpr constinit decltype delete
dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private
protected public reflexpr reinterpret_cast requires static_assert static_cast synchronized template this thread_local
throw true try typeid typename typeof typeof_unqual using virtual wchar_t xor xor_eq
"""
"""Of C99, C23 and C++: headers are for all of them."""

_MACROS = """
NULL offsetof size_t ptrdiff_t max_align_t linux unix i386 near far errno assert main
intptr_t uintptr_t intmax_t uintmax_t PTRDIFF_MIN PTRDIFF_MAX SIZE_MAX INTPTR_MIN INTPTR_MAX UINTPTR_MAX INTMAX_MIN
INTMAX_MAX UINTMAX_MAX INTMAX_C UINTMAX_C SIG_ATOMIC_MIN SIG_ATOMIC_MAX WCHAR_MIN WCHAR_MAX WINT_MIN WINT_MAX
"""

_SIZED = (
    "int{0}_t uint{0}_t int_least{0}_t uint_least{0}_t int_fast{0}_t uint_fast{0}_t INT{0}_MIN INT{0}_MAX UINT{0}_MAX "
    "INT{0}_C UINT{0}_C INT_LEAST{0}_MIN INT_LEAST{0}_MAX UINT_LEAST{0}_MAX INT_FAST{0}_MIN INT_FAST{0}_MAX "
    "UINT_FAST{0}_MAX"
)

RESERVED = frozenset(
    [*_KEYWORDS.split(), *_MACROS.split(), *(name for n in (8, 16, 32, 64) for name in _SIZED.format(n).split())],
)
"""Keywords of C and C++, what <stdint.h> and <stddef.h> define, and macros of some systems."""

_REAL = """
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax fmin
fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint nextafter
nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh tgamma trunc
cabs cacos cacosh carg casin casinh catan catanh ccos ccosh cexp cimag clog conj cpow cproj creal csin csinh csqrt ctan
ctanh
"""

_OTHER = """
isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit tolower toupper
abort abs atexit atof atoi atol atoll bsearch calloc div exit free getenv labs ldiv llabs lldiv malloc mblen
mbstowcs mbtowc qsort rand realloc srand strtod strtof strtol strtold strtoll strtoul strtoull system wcstombs
wctomb _Exit memchr memcmp memcpy memmove memset strcat strchr strcmp strcoll strcpy strcspn strerror strlen strncat
strncmp strncpy strpbrk strrchr strspn strstr strtok strxfrm clearerr fclose feof ferror fflush fgetc fgetpos fgets
fopen fprintf fputc fputs fread freopen fscanf fseek fsetpos ftell fwrite getc getchar gets perror printf putc
putchar puts remove rename rewind scanf setbuf setvbuf snprintf sprintf sscanf tmpfile tmpnam ungetc vfprintf
vfscanf vprintf vscanf vsnprintf vsprintf vsscanf asctime clock ctime difftime gmtime localtime mktime strftime time
raise signal longjmp setlocale localeconv feclearexcept fegetenv fegetexceptflag feholdexcept feraiseexcept fesetenv
fesetexceptflag fesetround fetestexcept feupdateenv fegetround imaxabs imaxdiv strtoimax strtoumax wcstoimax
wcstoumax btowc fgetwc fgetws fputwc fputws fwide fwprintf fwscanf getwc getwchar mbrlen mbrtowc mbsinit mbsrtowcs
putwc putwchar swprintf swscanf towctrans towlower towupper ungetwc vfwprintf vfwscanf vswprintf vswscanf vwprintf
vwscanf wcrtomb wcscat wcschr wcscmp wcscoll wcscpy wcscspn wcsftime wcslen wcsncat wcsncmp wcsncpy wcspbrk wcsrchr
wcsrtombs wcsspn wcsstr wcstod wcstof wcstok wcstol wcstold wcstoll wcstoul wcstoull wcsxfrm wctob wctrans wctype
wmemchr wmemcmp wmemcpy wmemmove wmemset wprintf wscanf iswalnum iswalpha iswblank iswcntrl iswctype iswdigit
iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit
"""

LIBRARY = frozenset([*_OTHER.split(), *(name + end for name in _REAL.split() for end in ("", "f", "l"))])
"""External names of the C99 library, which no program may define again."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def checked_prefix(wanted: str, rule_name: str) -> str:
    """The prefix of all symbols: the one wanted, or the rule's name with `_rule` behind it where C has taken it.

    Raises
    ------
    CompileError
        E101 if the prefix wanted is no identifier, or one that C or its library has taken.
    """
    if not wanted:
        name = rule_name if _IDENTIFIER.fullmatch(rule_name) else f"rule{rule_name}"
        return f"{name}_rule" if name in RESERVED or name in LIBRARY else name
    if not _IDENTIFIER.fullmatch(wanted):
        raise fail(
            "E101",
            f"prefix {wanted!r} is no C identifier",
            hint="use letters, digits and underscores, the first a letter",
        )
    if wanted in RESERVED or wanted in LIBRARY:
        raise fail("E101", f"prefix {wanted!r} is a name that C or its library has taken", hint="choose another one")
    return wanted


_SYMBOLS = (
    r"batch|sample|allowed|part\d+|scratch|scratch_size|SCRATCH|i\d.*|real_of_bits|bits_of_real|exp|log|tanh|sigmoid"
    r"|.*_table|.*_EXPONENT"
)
"""What follows the prefix in the symbols of a file."""


class CNames:
    """The C names of a kernel's variables and parameters: none is reserved or a symbol of the file."""

    def __init__(self, prefix: str) -> None:
        self._names = Names(RESERVED | {prefix})
        self._symbol = re.compile(rf"{prefix}_({_SYMBOLS})")
        self._known: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._known:
            wanted = "v" + name if name.startswith("_") else name
            if self._symbol.fullmatch(wanted):
                wanted = "v_" + wanted
            self._known[name] = self._names.fresh(wanted + "_" if wanted in RESERVED else wanted)
        return self._known[name]

    def fresh(self, wanted: str) -> str:
        """A name that no variable of the kernel has or gets."""
        return self._names.fresh(wanted)
