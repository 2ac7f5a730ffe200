"""Network files: what is read, and the one line that a bad file gets."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddcompile.diagnostics import CompileError
from ddcompile.frontends import Network, load_network
from ddcompile.frontends.npz import npz_bytes

ONE = {"0.weight": np.array([[1.0, 2.0, 0.1]]), "0.bias": np.array([0.5]), "0.activation": np.array("sign")}


def npz(**changes: Any) -> Callable[[Path], Path]:
    """A writer of the file ONE with changes; None leaves an array out, `k_name` stands for `k.name`."""

    def write(folder: Path) -> Path:
        arrays = ONE | {key.replace("_", ".", 1).lstrip("n"): value for key, value in changes.items()}
        path = folder / "net.npz"
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return write


def raw(data: bytes, name: str = "net.npz") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def header(shape: str, descr: str = "<f8") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def whole() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **ONE)
    return buffer.getvalue()


def flipped() -> bytes:
    data = bytearray(whole())
    data[data.index(b"\x93NUMPY") + 135] ^= 1
    return bytes(data)


BAD = {
    "missing": (lambda folder: folder / "no.npz", "N001", "no such file"),
    "a folder": (lambda folder: folder, "N001", "the file cannot be read: Is a directory"),
    "empty": (raw(b""), "N002", "the file is empty"),
    "empty csv": (raw(b"", "a.csv"), "N002", "the file is empty"),
    "blank csv": (raw(b"\n \n", "a.csv"), "N002", "the file is empty"),
    "no arrays": (raw(b"PK\x05\x06" + bytes(18)), "N002", "the file holds no arrays"),
    "text": (raw(b"hello"), "N003", "not a .npz file"),
    "npy": (raw(header("(1,)") + bytes(8), "a.npy"), "N003", "not a .npz file"),
    "binary csv": (raw(b"\xff\xfe\x00", "a.csv"), "N003", "neither a .npz file nor text with numbers"),
    "a zip of something": (raw(zipped("m/data.pkl", b"")), "N003", "not a .npz file of arrays: it holds `m/data.pkl`"),
    "a pickle": (raw(b"\x80\x04K\x01."), "N003", "a pickle, which can run code when it is loaded"),
    "skops": (raw(zipped("schema.json", b"{}")), "N003", "not a .npz file of arrays: it holds `schema.json`"),
    "cut short": (raw(whole()[:100]), "N004", "the file is damaged or cut short: File is not a zip file"),
    "cut at the end": (raw(whole()[:-30]), "N004", "the file is damaged or cut short: "),
    "a flipped bit": (raw(flipped()), "N004", "the file is damaged or cut short: Bad CRC-32 for file '0.weight.npy'"),
    "no array header": (raw(zipped("0.weight.npy", b"abc")), "N004", "`0.weight` is damaged or cut short: "),
    "array cut short": (raw(zipped("0.weight.npy", header("(3, 3)"))), "N004", "`0.weight` is damaged or cut short: "),
    "vast array": (raw(zipped("0.weight.npy", header("(1 << 60,)"))), "N004", "`0.weight` is damaged or cut short: "),
    "code for a shape": (raw(zipped("0.weight.npy", header("exit()"))), "N004", "`0.weight` is damaged or cut short: "),
    "no weight": (npz(n0_weight=None), "N005", "`0.weight` is missing"),
    "half sparse": (npz(n0_weight=None, n0_data=np.ones(1)), "N005", "`0.indices` is missing"),
    "starts at 1": (
        npz(n0_weight=None, n0_bias=None, n0_activation=None, n1_weight=np.ones((1, 1))),
        "N006",
        "layers must be numbered 0, 1, 2, ...; the file has 1, but no 0",
    ),
    "a gap": (
        npz(n2_weight=np.ones((1, 1))),
        "N006",
        "layers must be numbered 0, 1, 2, ...; the file has 0, 2, but no 1",
    ),
    "objects": (npz(n0_weight=np.array([[1, None]], dtype=object)), "N007", "`0.weight` is an array of objects"),
    "object text": (npz(n0_activation=np.array("sign", dtype=object)), "N007", "`0.activation` is an array of objects"),
    "another name": (npz(fc=np.ones(1)), "N008", "`fc` is not the name of a part of a layer"),
    "kind of numbers": (npz(kind=np.ones(2)), "N008", "`kind` is no type of inputs: `float64 (2,)`"),
    "no kind": (npz(kind="complex"), "N008", "`kind` is no type of inputs: `complex`"),
    "labels that are no texts": (npz(labels=np.arange(1)), "N008", "`labels` must be 1, a text for each unit of the"),
    "several kinds": (npz(kind="bit[2], y: bit"), "N008", "`kind` is no type of inputs: `bit[2], y: bit`"),
    "empty kind": (npz(kind="int[3..2]"), "N008", "`kind` is no type of inputs: `int[3..2]`"),
    "leading zero": (npz(n00_bias=np.ones(1)), "N008", "`00.bias` is not the name of a part of a layer"),
    "both kinds": (npz(n0_indptr=np.ones(1)), "N008", "layer 0 has both `0.weight` and `0.indptr`"),
    "ragged": (raw(b"1,2\n3,4\n5\n", "a.csv"), "N010", "this row has 1 cell, but the first has 2"),
    "blank row": (raw(b"1,2\n\n3,4\n", "a.csv"), "N011", "a cell is empty"),
    "header": (raw(b"a,b\n1,2\n3,4\n", "a.csv"), "N011", "`a` is not a number"),
    "semicolons": (raw(b"1;2\n3;4\n", "a.csv"), "N011", "`1;2` is not a number"),
    "underscores": (raw(b"1_0,2\n3,4\n", "a.csv"), "N011", "`1_0` is not a number"),
    "other digits": (raw("1,2\n3,\u0664\n".encode(), "a.csv"), "N011", "`\u0664` is not a number"),
    "one row": (raw(b"1,2\n", "a.csv"), "N012", "a layer has a row for every input and then the bias; here is one row"),
    "complex": (
        npz(n0_weight=np.ones((1, 3), dtype=complex)),
        "N101",
        "layer 0: the weight has type complex128; integers and floats of up to 64 bits are read",
    ),
    "text weights": (
        npz(n0_weight=np.array([["1", "2", "3"]])),
        "N101",
        "layer 0: the weight has type <U1; integers and floats of up to 64 bits are read",
    ),
    "nan": (
        npz(n0_weight=np.array([[1, 2, np.nan]])),
        "N102",
        "layer 0: the weight is nan at [0, 2]; every entry must be finite",
    ),
    "infinite bias": (
        npz(n0_bias=np.array([np.inf])),
        "N102",
        "layer 0: the bias is inf at [0]; every entry must be finite",
    ),
    "csv nan": (raw(b"1,2\n3, nan\n", "a.csv"), "N102", "`nan` is not a finite double"),
    "csv overflow": (raw(b"1,1e999\n3,1\n", "a.csv"), "N102", "`1e999` is not a finite double"),
    "three axes": (
        npz(n0_weight=np.ones((1, 2, 3))),
        "N103",
        "layer 0: the weight has shape (1, 2, 3); it must have two axes (units, inputs)",
    ),
    "no axis": (
        npz(n0_weight=np.array(1.0), n0_bias=None),
        "N103",
        "layer 0: the weight has shape (); it must have two axes (units, inputs)",
    ),
    "no units": (
        npz(n0_weight=np.ones((0, 3))),
        "N103",
        "layer 0: the weight has shape (0, 3); a layer needs units and inputs",
    ),
    "long bias": (npz(n0_bias=np.ones(2)), "N104", "layer 0: the bias has shape (2,), but the weight has 1 unit"),
    "unknown activation": (npz(n0_activation=np.array("gelu")), "N105", "layer 0: unknown activation `gelu`"),
    "number for text": (
        npz(n0_activation=np.array(3)),
        "N105",
        '`0.activation` must be one text such as "sign", not int64 ()',
    ),
    "no chain": (
        npz(n1_weight=np.ones((2, 5))),
        "N106",
        "layer 1 reads 5 values, but layer 0 has 1 unit",
    ),
    "layers in texts": (
        npz(n1_weight=np.ones((2, 4)), n1_reads=["0"]),
        "N106",
        "layer 1: `1.reads` must be numbers of layers, -1 for the inputs, not <U1 (1,)",
    ),
    "layers that are later": (
        npz(n1_weight=np.ones((2, 4)), n1_reads=[1]),
        "N106",
        "layer 1 reads layer 1, which does not come before it",
    ),
    "bad rows": (
        npz(n0_weight=None, n0_data=np.ones(1), n0_indices=[9], n0_indptr=[0, 1], n0_shape=[1, 3]),
        "N107",
        "layer 0: indices hold column 9, but the weight has 3 inputs",
    ),
    "scalar shape": (
        npz(n0_weight=None, n0_data=np.ones(1), n0_indices=[0], n0_indptr=[0, 1], n0_shape=3),
        "N107",
        "layer 0: the shape of a sparse weight must be two counts (units, inputs)",
    ),
    "hidden activation": (
        npz(n0_activation=None, n1_weight=np.ones((2, 1))),
        "N109",
        "layer 0: the activation is not known",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused(name: str, tmp_path: Path) -> None:
    write, code, message = BAD[name]
    path = write(tmp_path)
    with pytest.raises(CompileError) as caught:
        load_network(path)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message[: len(message) or None]) == (code, message)
    assert str(diagnostic).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1,2\n3, x \n", "2:4"),
        ("1,2\n3\n", "2:1"),
        ("1,2\n3,4\n5,,6\n", "3:3"),
        ("1,2\n,4\n", "2:1"),
        ("1,2\n-inf,4\n", "2:1"),
    ],
)
def test_a_bad_cell_is_pointed_at(text: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(CompileError) as caught:
        load_network([path])
    first, quoted, caret = str(caught.value).splitlines()[:3]
    line, column = map(int, place.split(":"))
    assert first.startswith(f"{path}:{place}: error[N")
    assert quoted == "  " + text.splitlines()[line - 1]
    assert caret.index("^") == column + 1


def test_csv_files_do_not_chain(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,3\n4,5,6\n")
    (tmp_path / "b.csv").write_text("1\n2\n3\n")
    with pytest.raises(CompileError) as caught:
        load_network([tmp_path / "a.csv", tmp_path / "b.csv"], "sign")
    assert str(caught.value) == (
        f"{tmp_path / 'b.csv'}: error[N106]: layer 1 reads 2 values, but layer 0 (a.csv) has 3 units"
    )


def test_two_archives_are_refused(tmp_path: Path) -> None:
    path = npz()(tmp_path)
    with pytest.raises(CompileError, match=r"N003.*one .npz file holds a whole network"):
        load_network([path, path])
    with pytest.raises(CompileError, match=r"N001.*no network file was given"):
        load_network([])


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is readable to root")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = npz()(tmp_path)
    path.chmod(0)
    with pytest.raises(CompileError, match=r"N001.*cannot be read"):
        load_network(path)


def contents(network: Network) -> list[tuple[Any, Any, str]]:
    return [(layer.dense_weight().tolist(), layer.bias.tolist(), layer.activation) for layer in network.layers]


def test_an_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "some net.npz"
    np.savez_compressed(
        path,
        **ONE,
        **{"1.data": np.float32([0.1]), "1.indices": [0], "1.indptr": [0, 0, 1], "1.shape": [2, 1]},
        **{"1.activation": np.array(b"step"), "2.weight": np.int8([[1, -1]])},
    )
    network = load_network(str(path))
    assert contents(network) == [
        ([[1, 2, 0.1]], [0.5], "sign"),
        ([[0], [float(np.float32(0.1))]], [0, 0], "step"),
        ([[1, -1]], [0], "identity"),
    ]
    assert network.name == "some net"


def test_ten_layers_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "deep.npz"
    np.savez(path, **{f"{k}.weight": np.array([[k]]) for k in reversed(range(12))})
    assert [layer.weight.item() for layer in load_network(path, "sign").layers] == list(range(12))  # type: ignore[union-attr]


def test_csv_layers_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf1, 0.1\r\n-2,3e0\r\n.5,+6\r\n\r\n")
    (tmp_path / "b.csv").write_text("7\n8\n9")
    network = load_network([tmp_path / "a.csv", tmp_path / "b.csv"], "sign")
    assert contents(network) == [([[1, -2], [0.1, 3]], [0.5, 6], "sign"), ([[7, 8]], [9], "identity")]
    assert network.name == "a"


def test_the_option_fills_in_activations(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez(path, **{f"{k}.weight": np.ones((1, 1)) for k in range(3)}, **{"1.activation": "relu"})

    def chosen(option: str | None) -> list[str]:
        return [layer.activation for layer in load_network(path, option).layers]

    assert chosen("sign,relu,step") == ["sign", "relu", "step"]
    for option, message in [
        ("sign", "layer 1: the file says `relu`, the option `sign`"),
        ("sign, step", "the option names 2 activations, but the network has 3 layers"),
        ("soft", "unknown activation `soft`"),
    ]:
        with pytest.raises(CompileError, match="N105") as caught:
            load_network(path, option)
        assert caught.value.diagnostics[0].message == message


def test_the_type_of_the_weights_is_kept(tmp_path: Path) -> None:
    types = {"f4": "float32", "f2": "float16", "f8": "float64", "i8": None}
    for stored, found in types.items():
        np.savez(tmp_path / "net.npz", **{"0.weight": np.ones((1, 2), stored), "0.bias": np.zeros(1, np.int8)})
        assert load_network(tmp_path / "net.npz").dtype == found
    (tmp_path / "a.csv").write_text("1\n2\n0.5\n")
    assert load_network(tmp_path / "a.csv").dtype == "float64"


def test_layers_that_read_any_before(tmp_path: Path) -> None:
    more = {"n1_weight": np.ones((2, 4)), "n1_reads": [-1, 0], "n2_weight": np.ones((1, 2)), "n1_activation": "sign"}
    network = load_network(npz(**more, n2_activation="sign")(tmp_path))
    assert [layer.reads for layer in network.layers] == [(-1,), (-1, 0), (1,)]
    (tmp_path / "again.npz").write_bytes(npz_bytes(network))
    assert load_network(tmp_path / "again.npz").sha256 == network.sha256


@pytest.mark.parametrize("kind", ["bit", "spin", "trit", "int[-3..12]", "real"])
def test_what_inputs_are_is_kept(kind: str, tmp_path: Path) -> None:
    network = replace(load_network(npz()(tmp_path)), kind=kind)
    (tmp_path / "again.npz").write_bytes(npz_bytes(network))
    assert load_network(tmp_path / "again.npz").kind == kind
    with np.load(tmp_path / "again.npz") as arrays:
        assert ("kind" in arrays) == (kind != "bit")


def test_what_classes_are_called_is_kept(tmp_path: Path) -> None:
    network = load_network(npz(labels=np.array(["yes, of course"]))(tmp_path))
    assert network.labels == ("yes, of course",)
    (tmp_path / "again.npz").write_bytes(npz_bytes(network))
    assert load_network(tmp_path / "again.npz").labels == network.labels
