"""What the checker knows of the range of a value holds for all inputs."""

from __future__ import annotations

import pytest

from ddcompile.ir.nodes import Rule
from ddcompile.ir.parser import parse
from ddcompile.prove.batch import Batch
from ddcompile.prove.definitions import Definitions, input_tables
from ddcompile.prove.elements import Model
from ddcompile.prove.engine import FormEngine
from ddcompile.prove.forms import Form
from ddcompile.prove.store import Store
from ddcompile.testing.choose import RandomChoose
from ddcompile.testing.generate import Limits, rule_from_seed
from ddcompile.testing.inputs import all_inputs, random_inputs
from ddcompile.testing.layered import layered_network


class Watched(FormEngine):
    """An engine that compares every value with the bounds of its form, those of variables and bases included."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        model = Model.of(rule)
        tables = Definitions(self._store, model, input_tables(self._store, rule.inputs))
        self.forms = [form for name in model.owner for form in tables[name].forms if form is not None]

    def check(self, batch: Batch) -> int:
        for form in self.forms:
            self._inside(batch, form, *self._store.bounds(form))
        for base in self._store.bases:
            self._inside(batch, base.form, base.low, base.high)
        for v, node in enumerate(self._store.nodes):
            self._inside(batch, Form({v: 1}, 0), node.low, node.high)
        return len(self.forms)

    @staticmethod
    def _inside(batch: Batch, form: Form, low: int | None, high: int | None) -> None:
        values = batch.form(form)
        assert low is None or (values >= low).all()
        assert high is None or (values <= high).all()


def watch(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> int:
    arrays = all_inputs(rule) or random_inputs(rule, RandomChoose(0), 60)
    engine = Watched(rule)
    seen: list[Batch] = []
    evaluate = Batch.evaluate
    monkeypatch.setattr(Batch, "evaluate", lambda self, nodes: (seen.append(self), evaluate(self, nodes))[1])
    engine.run(arrays)
    monkeypatch.undo()
    return engine.check(seen[0])


@pytest.mark.parametrize("start", range(0, 150, 50))
def test_networks(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(watch(layered_network(RandomChoose(seed)).dense(), monkeypatch) for seed in range(start, start + 50))


@pytest.mark.parametrize("start", range(0, 150, 50))
def test_rules(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule_from_seed(seed, Limits(sizes=0.0, reals=0.0)) for seed in range(start, start + 50)]
    assert sum(watch(rule, monkeypatch) for rule in rules)


TIGHT = [
    ("abs(s)", 0, 87),
    ("max(-1, min(s, 1))", -1, 1),
    ("relu(s - 80)", 0, 7),
    ("if x[0] > 0 then s - 100 else 4 * s - 400", -748, -13),
    ("max(s, 90, -100)", 90, 90),
    ("min(s, -80) * 2", -174, -160),
    ("if x[0] > 0 then x[1] > 0 else x[2] > 0", 0, 1),
]


@pytest.mark.parametrize(("text", "low", "high"), TIGHT)
def test_as_tight_as_the_text(text: str, low: int, high: int) -> None:
    """A form knows at least what its operators tell, whatever its variables do."""
    rule = parse(f"rule r(x: trit[29]) -> (y: int) {{ s = sum(i < 29: 3 * x[i])  y = {text} }}")
    store = Store()
    (form,) = Definitions(store, Model.of(rule), input_tables(store, rule.inputs))["y"].forms
    assert form is not None
    least, most = store.bounds(form)
    assert least is not None
    assert most is not None
    assert low <= least
    assert most <= high
