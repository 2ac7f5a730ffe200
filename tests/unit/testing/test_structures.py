"""Every structure computes what the rule beside it says, plain and disguised, at a small size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ddcompile.analysis.cost import cost
from ddcompile.frontends.dense import lower
from ddcompile.frontends.evaluate import evaluate
from ddcompile.ir.nodes import Rule
from ddcompile.ir.verifier import check
from ddcompile.testing.structures import CASES, DRAWN, STRUCTURES, Structure
from ddcompile.testing.structures.composed import PARTS, part

SEEDS = (None, 0, 1)


def _small(name: str) -> Structure:
    case = STRUCTURES[name]
    return case.build(*case.small)


def _dense(structure: Structure) -> Rule:
    return lower(structure.plain, structure.inputs, structure.outputs, structure.head, structure.rule.name)


def test_no_two_structures_have_one_name() -> None:
    assert len(STRUCTURES) == len(CASES)


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_written_rule_is_the_network(name: str) -> None:
    structure = _small(name)
    check(structure.rule)
    assert structure.rule.name == name
    for seed in SEEDS:
        assert structure.disagreements(structure.network(seed), 100) == 0


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_written_rule_is_shorter_than_the_dense_program(name: str) -> None:
    structure = STRUCTURES[name].build()
    assert cost(structure.rule) < cost(_dense(structure))


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_declarations_are_those_of_the_network(name: str) -> None:
    structure = _small(name)
    dense = _dense(structure)
    assert dense.inputs == structure.rule.inputs
    assert dense.outputs == structure.rule.outputs


@pytest.mark.parametrize("name", STRUCTURES)
def test_results_vary(name: str) -> None:
    structure = _small(name)
    results = evaluate(structure.plain, structure.samples(structure.plain), structure.head)
    flat = results.reshape(len(results), -1)
    assert (flat != flat[0]).any(axis=0).all()


@pytest.mark.parametrize("name", ["rows", "adder", "rank", "decoder"])
def test_disguises_differ_and_are_repeatable(name: str) -> None:
    structure = _small(name)
    hashes = [structure.network(seed).sha256 for seed in (*SEEDS, 0)]
    assert len(set(hashes)) == 3
    assert hashes[1] == hashes[3]


def test_a_wrong_rule_is_noticed() -> None:
    structure = STRUCTURES["rows"].build(3, 4)
    wrong = replace(structure, text=structure.text.replace("[i, j]) >= 2", "[i, j]) >= 3"))
    assert wrong.rule != structure.rule
    assert wrong.disagreements(structure.plain) > 0


def test_a_wrong_rule_is_noticed_where_inputs_are_sampled() -> None:
    structure = STRUCTURES["noisy_vote"].build(9)
    wrong = replace(structure, text=structure.text.replace(">= 41", ">= 42"))
    assert wrong.rule != structure.rule
    assert structure.disagreements(structure.network(2), 50) == 0
    assert wrong.disagreements(structure.network(2), 50) > 0


@pytest.mark.parametrize("seed", range(6))
def test_two_structures_in_one_network_compute_both_rules(seed: int) -> None:
    structure = DRAWN["composed"](seed)
    check(structure.rule)
    for disguise in SEEDS:
        assert structure.disagreements(structure.network(disguise), 50) == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_corrupted_structure_differs_in_few_units(seed: int) -> None:
    structure = DRAWN["corrupted"](seed)
    assert DRAWN["corrupted"](seed).plain.sha256 == structure.plain.sha256
    sound = next(s for s in map(part, range(len(PARTS))) if s.text == structure.text)
    pairs = list(zip(structure.plain.layers, sound.plain.layers, strict=True))
    changed = sum(int((a.dense_weight() != b.dense_weight()).any(axis=1).sum()) for a, b in pairs)
    units = sum(layer.units for layer in sound.plain.layers)
    assert 0 < changed <= max(1, round(0.03 * units))
    assert structure.written > sound.written
