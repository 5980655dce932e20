"""Connection to Dask, the extra that runs work on several machines."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from koemorph.errors import DataError, MissingExtraError, install_command

if TYPE_CHECKING:
    from dask.distributed import Client


@contextlib.contextmanager
def dask_client(scheduler: str | None, workers: int = 2) -> Iterator[Client]:
    """Connect to a Dask scheduler.

    Args:
        scheduler: Its address (tcp://HOST:8786); None starts a cluster on this machine.
        workers: Processes of the cluster on this machine.

    Yields:
        The client.

    Raises:
        MissingExtraError: Dask is not installed.
        DataError: There is no scheduler at the address.
    """
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingExtraError(
            f'Dask is not installed. Install the extra "dask": {install_command("dask")}',
            code="missing_extra",
        ) from error
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            cluster = LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,  # errors of tasks are raised here
            )
            scheduler = stack.enter_context(cluster).scheduler_address
        try:
            client = stack.enter_context(Client(scheduler))  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise DataError(
                f"No Dask scheduler at {scheduler}: {error}. Use the address that "
                "`dask scheduler` prints, such as tcp://HOST:8786.",
                code="no_scheduler",
            ) from error
        yield client
