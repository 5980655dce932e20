"""Files for phones: TorchScript's lite interpreter and ExecuTorch, written and run."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from koemorph.errors import MissingExtraError

from .network import Network

Inputs = tuple[Tensor, ...]
TensorRunner = Callable[[Inputs], tuple[Tensor, Tensor]]
# Where the texts about the model are: a file in TorchScript's archive, a method of ExecuTorch's.
TORCHSCRIPT_METADATA, EXECUTORCH_METADATA = "metadata.json", "koemorph_metadata"


def write_torchscript(
    network: Network, inputs: Inputs, described: Mapping[str, str], *, lite: bool
) -> bytes:
    """TorchScript, for the lite interpreter or the whole one; its metadata lie beside the code."""
    stream = io.BytesIO()
    extra = {TORCHSCRIPT_METADATA: json.dumps(dict(described))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network, inputs)  # type: ignore[no-untyped-call]
        if lite:
            # Frozen rather than rewritten for XNNPACK, which builds of torch may lack.
            frozen = torch.jit.freeze(traced.eval())
            whole: bytes = frozen._save_to_buffer_for_lite_interpreter(extra)
            return whole
        torch.jit.save(traced, stream, _extra_files=extra)
    return stream.getvalue()


def torchscript_runner(data: bytes, *, lite: bool) -> TensorRunner:
    """Runs what write_torchscript has written."""
    load: Callable[[io.BytesIO], Any] = torch.jit.load
    if lite:
        from torch.jit.mobile import _load_for_lite_interpreter as load
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load(io.BytesIO(data))

    @torch.no_grad()
    def run(inputs: Inputs) -> tuple[Tensor, Tensor]:
        blendshapes, present = loaded(*inputs)
        return blendshapes, present

    return run


def write_executorch(network: Network, inputs: Inputs, described: Mapping[str, str]) -> bytes:
    """An ExecuTorch program for XNNPACK, one voice at a time.

    Its method `koemorph_metadata` gives the metadata as JSON. Raises MissingExtraError without
    ExecuTorch.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise MissingExtraError(
            'Writing ExecuTorch programs needs its package: pip install "koemorph[executorch]".'
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lowered = to_edge_transform_and_lower(
            torch.export.export(network, inputs),
            partitioner=[XnnpackPartitioner()],
            constant_methods={EXECUTORCH_METADATA: json.dumps(dict(described))},
        )
        program: bytes = lowered.to_executorch().buffer
    return program


def executorch_runner(data: bytes) -> TensorRunner:
    """Runs what write_executorch has written."""
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(data).load_method("forward")

    def run(inputs: Inputs) -> tuple[Tensor, Tensor]:
        blendshapes, present = method.execute(inputs)
        return blendshapes.clone(), present.clone()

    return run
