"""Any network in an ONNX file as a feature network, run by onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from sparring.errors import SparringError
from sparring.metrics.features import TOGETHER, classless, coloured, contents, resized


class OnnxFile:
    """A network that somebody else has trained; `onnx_file` makes one.

    What it is given: RGB (or the luma, where it wants one channel), float32 in 0..1 without further normalisation,
    which belongs into the file. The pictures are stretched by bicubic interpolation, smoothed first where they
    shrink, to the height and width that the file demands; where it demands none they keep their own.
    """

    classes: tuple[str, ...] | None = None

    def __init__(self, name: str, fingerprint: str, session: Any) -> None:
        self.name, self.fingerprint, self._session = name, fingerprint, session
        wanted = session.get_inputs()[0]
        self._input, (batch, self._colours, *size) = wanted.name, wanted.shape
        self._batch = batch if isinstance(batch, int) else None
        self._size = [side if isinstance(side, int) else None for side in size]
        sides = [str(side or "as given") for side in self._size]
        size_said = sides[0] if sides[0] == sides[1] else "×".join(sides)
        self.preprocessing = f"0..1, bicubic antialias {size_said}" if any(self._size) else "0..1, size as given"

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (b, 1, 3 or 4, h, w), float in -1..1 -> features (b, d), float32 on the CPU.

        Raises:
            SparringError: where the network fails on pictures of this size, or its first output is neither (b, d)
                nor (b, d, 1, 1).
        """
        parts = pictures.detach().float().cpu().split(self._batch or TOGETHER)  # type: ignore[no-untyped-call]
        return torch.cat([self._run(part) for part in parts])

    def probabilities(self, features: Tensor) -> Tensor:
        """Raises SparringError: what a file's outputs mean is not known."""
        raise classless(self.name)

    def _run(self, pictures: Tensor) -> Tensor:
        size = (self._size[0] or pictures.shape[2], self._size[1] or pictures.shape[3])
        seen = resized(coloured(pictures, self._colours), size).add(1).div(2).clamp(0, 1)
        lacking = (self._batch or len(seen)) - len(seen)
        seen = pad(seen, (0, 0, 0, 0, 0, 0, 0, lacking))  # a batch of fixed size is filled up with black
        try:
            given = {self._input: seen.contiguous().numpy()}
            found = torch.from_numpy(self._session.run(None, given)[0])
        except Exception as error:
            raise SparringError(f"{self.name} fails on pictures of shape {tuple(seen.shape[1:])}: {error}") from error
        if len(found) != len(seen) or found.dim() not in {2, 4} or tuple(found.shape[2:]) not in {(), (1, 1)}:
            raise SparringError(
                f"{self.name} must give one row of numbers (n, d) or (n, d, 1, 1) for each picture; its first output "
                f"for {len(seen)} has shape {tuple(found.shape)}"
            )
        return found.flatten(1).float()[: len(pictures)]


def onnx_file(file: str) -> OnnxFile:
    """The network of an ONNX file, with all its weights in the file itself.

    Args:
        file: has one input, pictures (n, 3, h, w) or (n, 1, h, w) in float32, where n, h and w may be fixed or not,
            and a first output (n, d) or (n, d, 1, 1).

    Raises:
        SparringError: where onnxruntime is not installed, the file is not there, is no ONNX file or has other inputs.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise SparringError(
            "a feature network from an ONNX file needs onnxruntime; install it with: pip install onnxruntime"
        ) from error
    read, fingerprint = contents(file, "a feature network")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors only: its warnings speak of nodes that a user has not written
    # Weights beside the file are not in its fingerprint, and would be looked for where the user stands.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", f"{file}/none")
    try:
        session = onnxruntime.InferenceSession(read, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        said = str(error).splitlines()[0]
        raise SparringError(
            f"{file} is no ONNX file that holds all its weights itself (onnxruntime: {said})"
        ) from error
    inputs = session.get_inputs()
    fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == 4
    if not fits or inputs[0].shape[1] not in {1, 3}:
        found = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise SparringError(
            f"a feature network has one input, pictures (n, 3, h, w) or (n, 1, h, w) in float32; {file} has {found}"
        )
    return OnnxFile(f"onnx-{Path(file).stem}", fingerprint, session)
