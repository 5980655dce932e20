"""Files for phones: TorchScript's lite interpreter and ExecuTorch, written and run."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from koemorph.errors import MissingExtraError, install_command

from .network import Network

Inputs = tuple[Tensor, ...]
TensorRunner = Callable[[Inputs], tuple[Tensor, Tensor]]
# Where the metadata are: a file in TorchScript's archive, a method of ExecuTorch's program.
TORCHSCRIPT_METADATA, EXECUTORCH_METADATA = "metadata.json", "koemorph_metadata"


def write_torchscript(
    network: Network, inputs: Inputs, described: Mapping[str, str], *, lite: bool
) -> bytes:
    """Write TorchScript, with the metadata as a file in its archive.

    Args:
        network: In evaluation mode.
        inputs: An example of them.
        described: The metadata.
        lite: For the lite interpreter.

    Returns:
        The file.
    """
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
    """Run a file of write_torchscript."""
    load: Callable[[io.BytesIO], Any] = torch.jit.load
    if lite:
        from torch.jit.mobile import _load_for_lite_interpreter as load
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load(io.BytesIO(data))

    @torch.no_grad()
    def run(inputs: Inputs) -> tuple[Tensor, Tensor]:
        weights, state_out = loaded(*inputs)
        return weights, state_out

    return run


def write_executorch(network: Network, inputs: Inputs, described: Mapping[str, str]) -> bytes:
    """Write an ExecuTorch program for XNNPACK, which computes one stream at a time.

    Its method `koemorph_metadata` returns the metadata as JSON.

    Args:
        network: In evaluation mode.
        inputs: An example of them.
        described: The metadata.

    Returns:
        The program.

    Raises:
        MissingExtraError: Without ExecuTorch.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise MissingExtraError(
            "--format executorch needs the package executorch. "
            f'Install the extra "executorch": {install_command("executorch")}',
            code="missing_extra",
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
    """Run a program of write_executorch."""
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(data).load_method("forward")

    def run(inputs: Inputs) -> tuple[Tensor, Tensor]:
        weights, state_out = method.execute(inputs)
        return weights.clone(), state_out.clone()

    return run
