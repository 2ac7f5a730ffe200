"""What peers learned as texts in the language of rules, so that lengths can be compared.

Numbers have six digits: more of them tell nothing of a model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import ddcompile as dd

__all__ = ["cost"]


def cost(model: Any, inputs: int, has_bits: bool) -> int:
    """The cost of a rule that says what a fitted classifier does.

    Of a forest that of all its trees together.
    """
    kind = "bit" if has_bits else "real"
    head = f"rule model(x: {kind}[{inputs}]) -> (class: int) {{\n"
    match model:
        case DecisionTreeClassifier():
            return _cost(head + f"class = {_tree(model.tree_, has_bits, lambda v: str(int(v[0].argmax())))}\n}}")
        case RandomForestClassifier():
            return sum(cost(tree, inputs, has_bits) for tree in model.estimators_)
        case LogisticRegression():
            return _cost(head + _layers([model.coef_], [model.intercept_]) + "}")
        case MLPClassifier():
            return _cost(head + _layers([w.T for w in model.coefs_], model.intercepts_) + "}")
    rules = model.rules_
    if isinstance(rules[0], dict):
        return _cost(head + f"class = {_greedy(rules, has_bits)}\n}}")
    return _cost(head + f"class = {_listed(model)}\n}}")


def _cost(text: str) -> int:
    return dd.parse(text).cost


def _number(value: float) -> str:
    return np.format_float_positional(float(f"{value:.6g}"), trim="-")


def _tree(tree: Any, has_bits: bool, leaf: Callable[[np.ndarray], str]) -> str:
    """Branches as nested choices."""
    texts: dict[int, str] = {}
    order, work = [], [0]
    while work:
        node = work.pop()
        order.append(node)
        if tree.children_left[node] >= 0:
            work += [tree.children_left[node], tree.children_right[node]]
    for node in reversed(order):
        low, high = tree.children_left[node], tree.children_right[node]
        if low < 0:
            texts[node] = leaf(tree.value[node])
        elif has_bits:
            texts[node] = f"if x[{tree.feature[node]}] then {texts[high]} else {texts[low]}"
        else:
            border = _number(tree.threshold[node])
            texts[node] = f"if x[{tree.feature[node]}] <= {border} then {texts[low]} else {texts[high]}"
    return texts[0]


def _layers(weights: list[np.ndarray], biases: list[np.ndarray]) -> str:
    """Layers with relus between them, and the largest score; of a single score, whether it is positive."""
    constants, statements = "", ""
    values, count = "x", weights[0].shape[1]
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        units = len(bias)
        rows = ", ".join(f"[{', '.join(map(_number, row))}]" for row in weight)
        constants += f"const w{k}: rat[{units}, {count}] = [{rows}]\n"
        constants += f"const b{k}: rat[{units}] = [{', '.join(map(_number, bias))}]\n"
        total = f"sum(i < {count}: w{k}[u, i] * {values}[i]) + b{k}[u]"
        if k < len(weights) - 1:
            statements += f"h{k}[u < {units}] = relu({total})\n"
            values, count = f"h{k}", units
        elif units == 1:
            statements += f"s[u < 1] = {total}\nclass = s[0] > 0\n"
        else:
            statements += f"class = argmax(u < {units}: {total})\n"
    return constants + statements


def _greedy(rules: list[dict[str, Any]], has_bits: bool) -> str:
    """imodels' greedy list: one condition a line."""
    text = str(int(rules[-1]["val"] >= 0.5))
    for rule in reversed(rules[:-1]):
        value = f"x[{rule['index_col']}]"
        if has_bits:
            condition = f"not {value}" if rule["flip"] else value
        else:
            condition = f"{value} {'<' if rule['flip'] else '>='} {_number(rule['cutoff'])}"
        text = f"if {condition} then {int(rule['val_right'] >= 0.5)} else {text}"
    return text


def _listed(model: Any) -> str:
    """imodels' Bayesian list: one bit or two a line."""
    text = str(int(model.theta[-1] >= 0.5))
    for rule, share in zip(reversed(model.rules_), reversed(model.theta[:-1]), strict=True):
        bits = []
        for part in str(rule).split(" and "):
            name, comparison, _ = part.split()
            value = f"x[{name.strip('X_')}]"
            bits.append(value if comparison in (">", ">=") else f"not {value}")
        text = f"if {' and '.join(bits)} then {int(share >= 0.5)} else {text}"
    return text
