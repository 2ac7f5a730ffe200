"""The essence network as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ddcompile.learn.assembly import names_of, network_of_one, network_of_several, numbers_of
from ddcompile.learn.calibration import factor_of, softmax
from ddcompile.learn.chains import relevances, with_outputs, worked_out
from ddcompile.learn.codes import over_inputs
from ddcompile.learn.essence import Essence, Options
from ddcompile.learn.parameters import check_parameters
from ddcompile.learn.problems import class_weights, for_each, kind_of, network_of_bit, points_of, problem_of, solved
from ddcompile.learn.recurrences import Recurrence, recurrence
from ddcompile.learn.relevance import Relevance
from ddcompile.learn.scales import scales_of
from ddcompile.learn.sharing import Shared, grid_of, shared_function, view
from ddcompile.learn.steps import Steps
from ddcompile.learn.targets import Target, check_labels, of_labels, of_probabilities, with_common_labels
from ddcompile.learn.thresholds import thresholds_of

if TYPE_CHECKING:
    from torch import nn

    from ddcompile.frontends.network import Network

__all__ = ["ENNClassifier"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


class ENNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Essence neural network: concepts told apart by pairwise linear separators instead of by gradient descent.

    Differentia neurons are planes of largest margin between subconcepts of different concepts; a subconcept neuron is
    positive where enough differentiae say so; a concept neuron where one of its subconcepts is. All activations are
    sign, with sign(0) = 0, and on inputs that are whole numbers all weights are small whole numbers, so the network can
    be distilled to a rule (`ddcompile.distill(classifier)`), exactly.

    Parameters
    ----------
    subconcepts : {"auto", "separable", "samples"} or int, default="auto"
        How the samples of each concept are split. A number: Ward linkage, the largest branch first, up to so many parts
        in all. "separable": until any two parts of different concepts can be separated, then joined while they can.
        "samples": one part a sample. "auto": "separable" for up to 1024 different samples of whole numbers, unless a
        number of parts, or "samples", is clearly better in cross-validation; for others the number that does best.
    thresholds : {None, "auto"} or int, default=None
        Whether inputs are turned into bits that say whether they are above thresholds, so that everything after that is
        exact on reals, too, and no matter in which units they are measured. "auto": those that make the description of
        the labels shorter, one at least; a number: at most so many for each input, evenly spread over the samples.
    relevance : {None, "exact", "chained"}, default=None
        "exact": each output reads only the smallest set of inputs that explains the samples, or one that leaves a few
        contradicted if that describes the labels shorter. Inputs of two values that can stand in for one another are
        counted, if that is shorter still, and the network only reads how many there are. For whole numbers. "chained":
        also the outputs before it, where that describes the labels shorter.
    shared : {None, "auto"}, default=None
        "auto": if as many outputs as inputs look like shifted copies of one function on the grid, they become that.
        Implies `relevance="exact"` for it, where inputs of up to four values are counted. With `relevance="chained"`,
        three or more outputs of 0 and 1 may lie along the last axis of the grid instead: as one function of inputs at
        places relative to theirs, of outputs before them, and of bits that are made up, such as a carry, if it can be
        split so that less is read at once. Kept only if all samples are explained; without class weights.
    grid : tuple of int, default=None
        The shape in which inputs lie, and outputs too if they are as many, row-major; by default a line.
    kept_margin : float, default=0.5
        How much of a subconcept's margin must remain when differentiae that it does not need are left out.
    C : float, default=1.0
        The price of a sample on the wrong side of a plane, where subconcepts cannot be separated.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Multiplies `C` for each label. Samples that can be told apart are, whatever their labels weigh; then the dearer
        label gets more of the room between them, and wins where scores are equal.
    min_weight_fraction_leaf : float, default=0.0
        Subconcepts whose samples weigh less than this part of all, with what their labels do, are left out, but for the
        heaviest; named as for scikit-learn's trees.
    targets : {"labels", "probabilities"}, default="labels"
        What `y` holds. "probabilities": how much speaks for each label, of shape (samples, classes) or (samples,
        outputs, classes), in any unit. The labels are then 0, 1, ..., and `predict_proba` gives these probabilities
        back, within 0.001, where the samples can be told apart.
    random_state : int, RandomState instance or None, default=None
        Shuffles the samples for cross-validation.
    n_jobs : int, default=None
        Processes for outputs, or for the separators of one, as in joblib. What is learned does not depend on it.
    verbose : bool or callable, default=False
        Whether steps are printed as they are done, with times; or a function that gets what is being done, as a text.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,), or a list of them, one an output
        Several outputs of 0 and 1 have the classes [0, 1] in common.
    essences_ : list of Essence
        One an output, or the one that all share; or one a function of `recurrence_`.
    targets_ : list of Target
        One an output: which samples are of one kind, and what speaks for which label.
    thresholds_ : Thresholds or None
        The bits that are made of inputs.
    columns_ : ndarray of shape (outputs, features read), or a list of arrays
        The inputs, or bits made of them, and chained outputs after them, that each reads; -1 is a 0 outside the grid.
        After the outputs the bits that are made up, which are numbered after them.
    relevance_ : list of Relevance or None
        What is known of the inputs that matter, for each of `essences_`.
    recurrence_ : Recurrence or None
        The functions that outputs along a line, and bits that are made up, are.
    shared_ : Shared or None
        The function that all outputs share.
    contradicted_ : int
        Samples that were left out because those that look the same and have another label weigh as much or more.
    timings_ : dict
        Seconds for the steps.
    n_outputs_, n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    References
    ----------
    Blazek and Lin, Explainable neural networks that simulate reasoning, Nature Computational Science 1 (2021).
    Blazek, Venkatesh and Lin, Deep distilling, arXiv 2111.08275 (2021).
    """

    def __init__(
        self,
        subconcepts: str | int = "auto",
        *,
        thresholds: str | int | None = None,
        relevance: str | None = None,
        shared: str | None = None,
        grid: Sequence[int] | None = None,
        kept_margin: float = 0.5,
        C: float = 1.0,
        class_weight: Any = None,
        min_weight_fraction_leaf: float = 0.0,
        targets: str = "labels",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | Callable[[str], None] = False,
    ) -> None:
        self.subconcepts = subconcepts
        self.thresholds = thresholds
        self.relevance = relevance
        self.shared = shared
        self.grid = grid
        self.kept_margin = kept_margin
        self.C = C
        self.class_weight = class_weight
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.targets = targets
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ENNClassifier:
        """Build the network.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (samples, features)
            Of booleans, whole numbers or reals; reals are scaled by powers of two, each to about the same variance.
        y : array_like of shape (samples,) or (samples, outputs); may be sparse
            Labels, or what `targets` says. Samples that are contradicted by more equal ones are left out.
        sample_weight : array_like of shape (samples,), optional
            How often each sample counts where samples contradict one another, for relevance, balance and probabilities;
            those that count 0 are left out.

        Raises
        ------
        ValueError
            For what scikit-learn refuses; one label alone where there is one output; probabilities of another shape or
            below 0; relevance and shared functions of inputs that are no whole numbers and have no thresholds; shared
            functions of bits that thresholds made; a grid that does not hold the inputs; weights that are negative.
        """
        check_parameters(self)
        points, targets, weights, several = self._validated(X, y, sample_weight)
        if not several and len(targets[0].classes) == 1:
            raise ValueError(f"ENNClassifier needs two labels to tell apart; y has one class, {targets[0].classes[0]}")
        self.targets_ = targets
        self.n_outputs_ = len(targets)
        self._has_bits = several and all(target.is_bit for target in targets)
        classes = [target.classes for target in targets]
        self.classes_ = classes if several and not self._has_bits else classes[0]
        kinds = np.stack([target.kinds for target in targets], axis=1)
        self._kind = kind_of(points)
        steps = Steps(self.n_jobs, self.verbose)
        with steps.step("thresholds"):
            number = self.thresholds
            self.thresholds_ = None if number is None else thresholds_of(points, kinds, number, weights)
            scales = scales_of(points, weights) if number is None and points.dtype.kind == "f" else None
            self._reader = scales or self.thresholds_
            points = self._seen(points)
        self._grid()
        may_share = self.shared is not None and kinds.shape == points.shape and self.n_outputs_ > 1
        if (self.relevance or may_share) and points.dtype != np.int64:
            raise ValueError("relevance and shared are for inputs that are whole numbers, or have thresholds")
        with steps.step("shared function"):
            self.shared_ = self._shared(points, weights) if may_share else None
        if self.shared_ is not None:
            self.targets_ = targets = with_common_labels(targets)
            self.classes_ = targets[0].classes if self._has_bits else [target.classes for target in targets]
        with steps.step("relevant inputs"):
            self.columns_, self.relevance_ = self._columns(points, kinds, weights, steps)
            self.recurrence_ = self._recurrence(points, kinds, weights) if self._may_recur() else None
        if self.recurrence_ is not None:
            self.columns_ = self.recurrence_.columns
            self.relevance_ = [function.relevance for function in self.recurrence_.functions]
            self.essences_ = [function.essence for function in self.recurrence_.functions]
            self.contradicted_ = 0
            points = worked_out(points, self.columns_, self._of_units(), self._values())[1]
        else:
            if self._is_chained():
                points = with_outputs(points, kinds, self._values())
            self.essences_ = self._essences(points, weights, steps)
        with steps.step("probabilities"):
            self._factors = [
                factor_of(self._essence(k), view(points, self.columns_[k]), target, weights)
                for k, target in enumerate(targets)
            ]
        self.timings_ = steps.seconds
        return self

    def scores(self, X: Any) -> list[Array]:
        """What the concept neurons say: for each output, shape (samples, labels)."""
        check_is_fitted(self)
        points = self._seen(points_of(validate_data(self, X, accept_sparse="csr", reset=False, dtype=None)))
        return worked_out(points, self.columns_, self._of_units(), self._values())[0][: self.n_outputs_]

    def decision_function(self, X: Any) -> Any:
        """Scores of shape (samples, classes); of two classes the difference, shape (samples,).

        For several outputs (samples, outputs) if they are bits, else a list.
        """
        found = [(s[:, 1] - s[:, 0] if s.shape[1] == 2 else s).astype(float) for s in self.scores(X)]
        if self._has_bits:
            return np.stack(found, axis=1)
        return found if isinstance(self.classes_, list) else found[0]

    def predict(self, X: Any) -> Array:
        """The labels of the largest score, the first if there are several; shape (samples,) or (samples, outputs)."""
        best = [scores.argmax(axis=1) for scores in self.scores(X)]
        if isinstance(self.classes_, list):
            return np.stack([classes[b] for classes, b in zip(self.classes_, best, strict=True)], axis=1)
        return np.asarray(self.classes_[np.stack(best, axis=1) if self._has_bits else best[0]])

    def predict_proba(self, X: Any) -> Any:
        """Softmax of scores, scaled so that a usual lead is as likely right as in the samples that were learned from.

        Of shape (samples, classes); for several outputs that of a one (samples, outputs) if they are bits, else a list.
        """
        found = [softmax(s, factor) for s, factor in zip(self.scores(X), self._factors, strict=True)]
        if self._has_bits:
            return np.stack([p[:, 1] for p in found], axis=1)
        return found if isinstance(self.classes_, list) else found[0]

    def to_network(self, head: str = "argmax") -> Network:
        """The layers, for `ddcompile.distill`.

        Parameters
        ----------
        head : {"argmax", "softmax", "none"}
            For a single output: the number of the label, which the rule then says, the probabilities, or the scores.
            Several outputs are labels: as they are, if all are whole numbers, else their numbers from 0.
        """
        check_is_fitted(self)
        if head not in ("argmax", "softmax", "none"):
            raise ValueError(f"head must be argmax, softmax or none, not {head!r}")
        essences, columns = self._of_units(), list(self.columns_)
        inputs = self.n_features_in_ if self.thresholds_ is None else len(self.thresholds_.cuts)
        if not self._has_bits and not isinstance(self.classes_, list):
            factor = self._factors[0] if head == "softmax" else 1
            network = network_of_one(essences, columns, inputs, head, factor)
            network = replace(network, labels=names_of(self.classes_))
        else:
            has_shape = self.shared_ is not None or (self.grid is not None and self.n_outputs_ == self.n_features_in_)
            shape = self._grid() if has_shape else None
            network = network_of_several(essences, columns, inputs, self._values(), shape, self.n_outputs_)
        return self._reader.before(network) if self._reader else replace(network, kind=self._kind)

    def to_torch(self, head: str = "argmax") -> nn.Module:
        """The network as a torch module in eval mode, for batches of inputs of any type of number.

        Its results are those of the network exactly, as long as sums stay below 2**53 (softmax: up to rounding).

        Parameters
        ----------
        head : {"argmax", "softmax", "none"}
            As in `to_network`.
        """
        from ddcompile.frontends.torch import module_of

        return module_of(self.to_network(head))

    def _validated(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, list[Target], Array | None, bool]:
        """The samples, what is to be learned of each output, weights, and whether there may be several outputs."""
        of_labels_alone = self.targets == "labels"
        if of_labels_alone:
            X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True, dtype=None)
            y = y.toarray() if hasattr(y, "toarray") else y
            check_labels(y)
        else:
            X = validate_data(self, X, accept_sparse="csr", dtype=None)
            y = check_array(y, dtype=np.float64, allow_nd=True, ensure_2d=False, input_name="y")
            check_consistent_length(X, y)
        points, weights = points_of(X, getattr(self, "feature_names_in_", None)), None
        if sample_weight is not None:
            weights = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64))
            if (weights < 0).any() or not weights.any():
                raise ValueError("sample_weight must be numbers from 0, and one of them above 0")
            points, y, weights = points[weights > 0], y[weights > 0], weights[weights > 0]
        targets = of_labels(y) if of_labels_alone else of_probabilities(points, y, weights)
        return points, targets, weights, y.ndim == (2 if of_labels_alone else 3)

    def _seen(self, points: Array) -> Array:
        """What is learned from: the inputs, or bits made of them, or reals of about one size."""
        return points if self._reader is None else self._reader.seen(points)

    def _essence(self, unit: int) -> Essence:
        if self.recurrence_ is not None:
            unit = self.recurrence_.numbers[unit]
        essence: Essence = self.essences_[0 if self.shared_ is not None else unit]
        return essence

    def _of_units(self) -> list[Essence]:
        """The networks of outputs, and of made-up bits after them."""
        return [self._essence(unit) for unit in range(len(self.columns_))]

    def _is_chained(self) -> bool:
        return self.relevance == "chained" and self.shared_ is None

    def _may_recur(self) -> bool:
        is_plain = self.class_weight is None and not self.min_weight_fraction_leaf
        return self._is_chained() and bool(self.shared) and is_plain and all(own.is_bit for own in self.targets_)

    def _recurrence(self, points: Array, kinds: Array, weights: Array | None) -> Recurrence | None:
        found = self.relevance_ or []
        if not all(relevance.is_consistent for relevance in found):
            return None
        random = int(check_random_state(self.random_state).randint(2**31 - 1))
        make = partial(network_of_bit, kind=self.subconcepts, options=Options(self.C, self.kept_margin), random=random)
        return recurrence(points, kinds, self._grid(), weights, make, sum(relevance.bits for relevance in found))

    def _values(self) -> list[Array]:
        """What outputs give for each label, and made-up bits after them."""
        made_up = len(self.columns_) - self.n_outputs_
        return numbers_of([target.classes for target in self.targets_]) + [np.arange(2)] * made_up

    def _grid(self) -> tuple[int, ...]:
        return grid_of(self.grid, self.n_features_in_)

    def _shared(self, points: Array, weights: Array | None) -> Shared | None:
        kinds = np.stack([target.kinds for target in with_common_labels(self.targets_)], axis=1)
        return shared_function(points, kinds, self._grid(), weights)

    def _columns(
        self, points: Array, kinds: Array, weights: Array | None, steps: Steps
    ) -> tuple[list[Array], list[Relevance] | None]:
        if self.shared_ is not None:
            return list(self.shared_.inputs), [self.shared_.relevance]
        if self.relevance is None:
            return [np.arange(points.shape[1])] * kinds.shape[1], None
        values = numbers_of([target.classes for target in self.targets_]) if self.relevance == "chained" else None
        found = relevances(points, kinds, values, weights, steps)
        return [np.array(relevance.inputs, dtype=np.int64) for relevance in found], found

    def _essences(self, points: Array, weights: Array | None, steps: Steps) -> list[Essence]:
        targets, each = self.targets_, for_each(self.class_weight, self.n_outputs_)
        viewed = [view(points, columns) for columns in self.columns_]
        if self.shared_ is not None:
            targets = [replace(targets[0], kinds=np.concatenate([target.kinds for target in targets]))]
            viewed, each = [np.concatenate(viewed)], each[:1]
            weights = None if weights is None else np.tile(weights, self.n_outputs_)
        found: list[Relevance | None] = [None] * len(viewed) if self.relevance_ is None else list(self.relevance_)
        counted = [samples if own is None else own.counted(samples) for own, samples in zip(found, viewed, strict=True)]
        problems = [
            problem_of(samples, target, class_weights(own, target, weights), weights)
            for samples, target, own in zip(counted, targets, each, strict=True)
        ]
        self.contradicted_ = sum(problem.contradicted for problem in problems)
        random = int(check_random_state(self.random_state).randint(2**31 - 1))
        options = Options(self.C, self.kept_margin, steps=steps)
        essences = solved(problems, self.subconcepts, options, random, self.min_weight_fraction_leaf)
        return [
            over_inputs(essence, own.parts, samples) if own is not None and own.tallies else essence
            for essence, own, samples in zip(essences, found, viewed, strict=True)
        ]
