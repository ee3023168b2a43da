"""The processes that train one model together: each takes its part of every batch.

All of them draw the same order and the same random changes for the whole batch, and each computes
only its own part of it. What the loss reads is gathered, so that every process has the loss of the
whole batch, triplets between parts included; going back, each keeps the gradient of its own part,
and the gradients of the weights are summed. So the weights are those of one process at the same
batch size, but for the order in which floats are added.

`Group` itself is one process that trains alone: every method then returns what it is given.
"""

# pyright: reportUnknownMemberType=false
# (torch leaves the types of some functions open.)
from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from torch.distributed import Store  # pyright: ignore[reportPrivateImportUsage]

T = TypeVar("T")
# The others wait while the first reads a data set for the first time. A process that died ends them
# all by torchrun, not by this.
PATIENCE = timedelta(days=30)


class Group:
    """One process. rank: 0..size-1, of this process; backend: what carries tensors between them.
    nodes: the machines on which they are, as many on each.
    """

    rank, size, backend, nodes = 0, 1, "", 1

    def __deepcopy__(self, memo: object) -> Group:
        return self  # layers that are copied with their network stay in the same group

    @property
    def leads(self) -> bool:
        """Whether this process writes the run's folder and decides where clocks do."""
        return self.rank == 0

    def described(self) -> dict[str, object]:
        """What a run records of it, beside its device."""
        if self.size == 1:
            return {}
        nodes = {"nodes": self.nodes} if self.nodes > 1 else {}
        return {"processes": self.size, **nodes, "backend": self.backend}

    def part(self, count: int) -> slice:
        """This process's part of `count` rows: parts follow each other and differ by one at most."""
        return slice(*(count * (self.rank + k) // self.size for k in (0, 1)))

    def gather(self, rows: Tensor, count: int) -> Tensor:
        """The `count` rows of a batch from the parts of all processes, in order; the gradient goes
        back to each one's part.
        """
        return rows

    def total(self, value: Tensor) -> Tensor:
        """The sum over the processes; without a gradient."""
        return value

    def sum_gradients(self, shared: Iterable[nn.Parameter], whole: Iterable[nn.Parameter]) -> None:
        """Make every gradient that of the whole batch. shared: parameters whose gradient here is
        that of this part; whole: those whose gradient here is the whole batch's already.
        """

    def first(self, value: T) -> T:
        """The first process's value, in all; it must be one that can be pickled."""
        return value

    def by_first(self, work: Callable[[], T]) -> T:
        """What `work()` returns in the first process, which alone does it, in all."""
        return work()

    def in_turn(self, work: Callable[[], T]) -> T:
        """`work()` in the first process, then in the others, which find in the caches what it made."""
        return work()

    def begin(self, count: int) -> None:
        """From here on the network sees a batch of `count` images, or this process's part of one."""

    def end(self) -> None:
        """Let the others go."""


ALONE = Group()


class ProcessGroup(Group):
    """One of several processes, started by torchrun, that met in `store`."""

    def __init__(
        self, rank: int, size: int, store: Path | Store, device: torch.device, nodes: int = 1
    ) -> None:
        """store: that all see, or a file for one. device: this process's own."""
        import torch.distributed as dist

        self.rank, self.size, self.device, self.nodes = rank, size, device, nodes
        self.backend = "nccl" if device.type == "cuda" else "gloo"
        self._dist = dist
        self.count = 0  # images of the batch that is being computed
        if isinstance(store, Path):
            store = dist.FileStore(str(store), size)  # pyright: ignore[reportPrivateImportUsage]
        # What is no tensor of the device, and what is asked at every step, goes over the CPU.
        kinds = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(
            kinds,
            store=store,
            rank=rank,
            world_size=size,
            timeout=PATIENCE,
        )

    def gather(self, rows: Tensor, count: int) -> Tensor:
        return _Gather.apply(rows, self, count)

    def total(self, value: Tensor) -> Tensor:
        value = value.clone()
        self._dist.all_reduce(value)
        return value

    def sum_gradients(self, shared: Iterable[nn.Parameter], whole: Iterable[nn.Parameter]) -> None:
        ours = [p.grad for p in shared if p.grad is not None]
        same = [p.grad for p in whole if p.grad is not None]
        if not ours + same:
            return
        # In one piece: sixty small messages take longer than one. Equal gradients are averaged, so
        # that no difference in rounding can grow from step to step.
        flat = torch.cat([g.reshape(-1) for g in ours] + [g.reshape(-1) / self.size for g in same])
        self._dist.all_reduce(flat)
        start = 0
        for gradient in ours + same:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def first(self, value: T) -> T:
        if isinstance(value, bool):  # asked at every step
            flag = torch.tensor(value)
            self._dist.broadcast(flag, 0)
            return bool(flag)  # pyright: ignore[reportReturnType]
        box: list[Any] = [value]
        self._dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
        return box[0]

    def by_first(self, work: Callable[[], T]) -> T:
        return self.first(work() if self.leads else None)  # pyright: ignore[reportReturnType]

    def in_turn(self, work: Callable[[], T]) -> T:
        if self.leads:
            done = work()
            self.first(True)
            return done
        self.first(True)
        return work()

    def begin(self, count: int) -> None:
        self.count = count

    def end(self) -> None:
        self._dist.destroy_process_group()

    def all_rows(self, rows: Tensor, count: int) -> Tensor:
        """The rows of all parts, in order."""
        sizes = [count * (r + 1) // self.size - count * r // self.size for r in range(self.size)]
        padded = rows.new_zeros(max(sizes), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in sizes]
        self._dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])


class _Gather(torch.autograd.Function):
    """Rows (b, …) of this part → the rows (B, …) of the whole batch. The loss that is computed from
    them is the same in every process and counts once: each part keeps the gradient of its own rows.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, group: ProcessGroup, count: int) -> Tensor:
        ctx.part = group.part(count)
        return group.all_rows(rows.detach(), count)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, None, None]:
        return gradient[ctx.part], None, None
